/** What a bake asks of its source AMI, and of its own: for a plan, and for who looks before there is one. */
import type { Image } from '../configuration/factory.ts';
import type { Settings } from '../configuration/settings.ts';
import type { AskedAmi } from '../contract/asked-amis.ts';
import { askedByTemplate, rootVolumeSizeIn } from './asked.ts';
import type { BakedTemplate } from './check.ts';

/** @param told what Packer is told */
export const askedOfBake = (
  { platform, packer }: Image,
  { template }: BakedTemplate,
  { rootVolumeSizeGiB }: Settings,
  told: Readonly<Record<string, unknown>>,
): AskedAmi => ({
  platform,
  // What was there before the factory says its size itself.
  rootVolumeSizeGiB: packer ? rootVolumeSizeIn(template, told) : rootVolumeSizeGiB,
  ...askedByTemplate(template, told),
});
