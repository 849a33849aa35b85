/** What an AMI is like that a rehearsal makes up, so that its image can be built on it. */
import { type Configuration, type Overrides, chosenImage } from '../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../core/configuration/effective.ts';
import type { Files } from '../../core/configuration/files.ts';
import type { Settings } from '../../core/configuration/settings.ts';
import type { Target } from '../../core/contract/targets.ts';
import { LAUNCHED, askedByTemplate, devicesIn } from '../../core/templates/asked.ts';
import { bakedTemplate } from '../../core/templates/check.ts';
import type { Image } from '../aws/world.ts';

export interface Likeness {
  readonly architecture: Image['architecture'];
  readonly platform?: 'windows';
  readonly rootDevice: string;
  readonly sizeGiB: number;
}

/** An Amazon Linux, as far as nobody says anything else. */
export const PLAIN: Likeness = { architecture: 'x86_64', rootDevice: '/dev/xvda', sizeGiB: 16 };

/** As the image's own template and settings have it in one target. */
export async function likenessOf(
  files: Files,
  configuration: Configuration,
  request: {
    readonly image: string;
    readonly stage: string;
    readonly target: Target;
    readonly overrides?: Overrides;
  },
): Promise<Likeness & { readonly settings: Settings }> {
  const { settings } = effectiveSettings(configuration, request);
  const image = chosenImage(configuration.factory, request.image);
  const { platform } = image;
  const { template } = await bakedTemplate(files, image);
  const [root] = devicesIn(LAUNCHED, template, settings.variables) ?? [];
  const { rootDevice = root?.name ?? PLAIN.rootDevice } = askedByTemplate(template, settings.variables);
  return {
    settings,
    architecture: settings.architecture,
    ...(platform === 'windows' && { platform }),
    rootDevice,
    sizeGiB: settings.rootVolumeSizeGiB,
  };
}
