import type { Image } from './factory.ts';
import { DEFAULT_SSH_INTERFACE, type Settings } from './settings.ts';

/** How Packer reaches a builder. The templates for Windows have a variable of their own for it, and no Session Manager. */
export function builderAddress(
  { platform }: Pick<Image, 'platform'>,
  { sshInterface = DEFAULT_SSH_INTERFACE, variables }: Settings,
): NonNullable<Settings['sshInterface']> {
  if (platform === 'linux') return sshInterface;
  return variables['winrm_interface'] === 'public_ip' ? 'public_ip' : 'private_ip';
}
