import type { Target } from '../../core/contract/targets.ts';
import type { World } from '../aws/world.ts';
import { keyArn } from '../aws/ec2/permissions.ts';
import { type Likeness, PLAIN } from './made-up-ami.ts';

/** Puts an available AMI with one snapshot, encrypted with a key of the account's own, into it; returns its id. */
export function addImage(
  world: World,
  { accountId, region }: Target,
  image: { readonly name: string; readonly tags: ReadonlyMap<string, string>; readonly createdAt: number },
  { architecture, platform, rootDevice, sizeGiB }: Likeness = PLAIN,
): string {
  const place = world.region(accountId, region);
  const imageId = world.id(place, 'ami');
  const snapshotId = world.id(place, 'snap');
  const { name, createdAt } = image;
  place.images.set(imageId, {
    imageId,
    ownerId: accountId,
    name,
    description: '',
    architecture,
    ...(platform && { platform }),
    imdsSupport: 'v2.0',
    createdAt,
    availableAt: createdAt,
    disabled: false,
    deregistrationProtected: false,
    public: false,
    launchPermissions: { users: new Set(), organizations: new Set(), units: new Set() },
    tags: new Map(image.tags),
    blockDevices: [
      { deviceName: rootDevice, volumeType: 'gp3', volumeSizeGiB: sizeGiB, encrypted: true, snapshotId },
    ],
  });
  place.snapshots.set(snapshotId, {
    snapshotId,
    ownerId: accountId,
    volumeId: world.id(place, 'vol'),
    volumeSizeGiB: sizeGiB,
    encrypted: true,
    kmsKeyId: keyArn({ accountId, region }, 'alias/packleader'),
    startedAt: createdAt,
    completedAt: createdAt,
    description: `Created by CreateImage for ${imageId}`,
    volumePermissions: new Set(),
    tags: new Map(image.tags),
  });
  return imageId;
}

/** Puts a parameter of the type `aws:ec2:image` into an account, or gives it another value. */
export function addParameter(
  world: World,
  { accountId, region }: Target,
  name: string,
  imageId: string,
): void {
  const { parameters } = world.region(accountId, region);
  const at = world.clock.milliseconds();
  const by = `arn:aws:sts::${accountId}:assumed-role/administrator/seed`;
  const existing = parameters.get(name);
  const version = (existing?.issued ?? 0) + 1;
  const value = { version, value: imageId, at, by, labels: new Set<string>() };
  parameters.set(name, {
    name,
    type: 'String',
    dataType: 'aws:ec2:image',
    tags: existing?.tags ?? new Map(),
    versions: [...(existing?.versions ?? []), value],
    issued: version,
  });
}
