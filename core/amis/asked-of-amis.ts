/** Compares AMIs with what a bake asks for: its source before it, and its own AMI afterwards. */
import type { BlockDeviceMapping, Image } from '@aws-sdk/client-ec2';
import type { AskedAmi } from '../contract/asked-amis.ts';

/**
 * Why a bake that asks for this cannot start from an AMI. Packer takes the template's word: a device that is not the source's root
 * becomes a second volume, and the root stays as it was, not encrypted.
 */
export function whyUnlike(
  source: Image,
  { platform, devices, rootVolumeSizeGiB }: AskedAmi,
): string | undefined {
  const found = platformOf(source);
  if (found !== platform) return `it is a ${found} AMI, the image is for ${platform}`;
  if (devices === undefined) return undefined;
  const { RootDeviceName = 'unknown' } = source;
  const asked = devices.join(', ') || 'none';
  if (!devices.includes(RootDeviceName))
    return `its root device is ${RootDeviceName}, and the template makes ${asked}: it must map the source’s own`;
  const stray = ebsVolumes(source).find(({ DeviceName = '' }) => !devices.includes(DeviceName));
  if (stray)
    return `it brings a volume ${stray.DeviceName}, which the AMI would have as well, and the template makes ${asked}: it must map that too`;
  const sizeGiB = rootOf(source)?.Ebs?.VolumeSize;
  if (sizeGiB !== undefined && rootVolumeSizeGiB !== undefined && sizeGiB > rootVolumeSizeGiB)
    return `its root volume has ${sizeGiB} GiB, and rootVolumeSizeGiB is ${rootVolumeSizeGiB}: no volume is smaller than its snapshot`;
  return undefined;
}

/** Why an AMI that was baked is not what was asked for. */
export function whyNotAsked(image: Image, architecture: string, asked: AskedAmi): string | undefined {
  const { devices, amiDevices, rootDevice, bootMode } = asked;
  const { RootDeviceName = '(none)' } = image;
  const roots = rootDevice === undefined ? devices : [rootDevice];
  if (roots !== undefined && !roots.includes(RootDeviceName))
    return `has the root device ${RootDeviceName}, expected ${roots.join(' or ') || 'none'}`;
  const stray =
    amiDevices && ebsVolumes(image).find(({ DeviceName = '' }) => !amiDevices.includes(DeviceName));
  if (stray) return `has a volume ${stray.DeviceName} that the template does not ask for`;
  const sizeGiB = rootOf(image)?.Ebs?.VolumeSize;
  if (asked.rootVolumeSizeGiB !== undefined && sizeGiB !== asked.rootVolumeSizeGiB)
    return `has a root volume of ${sizeGiB ?? 'unknown'} GiB, expected ${asked.rootVolumeSizeGiB}`;
  const expected: readonly (readonly [what: string, found: string, wanted: string])[] = [
    ['the architecture', image.Architecture ?? '(none)', architecture],
    ['the platform', platformOf(image), asked.platform],
    ['the virtualization type', image.VirtualizationType ?? '(none)', 'hvm'],
    ['the IMDS support', image.ImdsSupport ?? '(none)', 'v2.0'],
    ['the boot mode', image.BootMode ?? '(none)', bootMode ?? image.BootMode ?? '(none)'],
  ];
  const other = expected.find(([, found, wanted]) => found !== wanted);
  if (other) return `has ${other[0]} ${other[1]}, expected ${other[2]}`;
  if (architecture === 'arm64' && image.BootMode === 'legacy-bios')
    return 'has the boot mode legacy-bios, which no arm64 instance has';
  if (image.EnaSupport !== true)
    return 'has no ENA support, without which no current instance type launches it';
  if (image.Public === true) return 'is public: whoever wants can launch it';
  return undefined;
}

/** EC2 names only one platform.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html */
const platformOf = ({ Platform }: Image): AskedAmi['platform'] =>
  Platform?.toLowerCase() === 'windows' ? 'windows' : 'linux';

const ebsVolumes = ({ BlockDeviceMappings = [] }: Image): BlockDeviceMapping[] =>
  BlockDeviceMappings.filter(({ Ebs }) => Ebs !== undefined);

const rootOf = (image: Image): BlockDeviceMapping | undefined =>
  ebsVolumes(image).find(({ DeviceName }) => DeviceName === image.RootDeviceName);
