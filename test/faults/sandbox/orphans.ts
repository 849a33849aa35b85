/** What nothing belongs to any more, and what only looks like it, in the first target. */
import { parameters } from '../../../core/contract/names.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import { addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { GONE, ORPHANS, THEIRS } from '../oracle/orphan-facts.ts';
import { AGING } from '../oracle/retire-facts.ts';
import { type Baseline, IMAGE, targetsOf } from '../player/baseline.ts';

const CREATED_AT = Date.parse('2026-09-01T00:00:00Z');

export function addOrphans({ world }: Sandbox, baseline: Baseline): void {
  const [target] = targetsOf(baseline);
  if (!target) return;
  const place = world.region(target.accountId, target.region);
  const tags = (version: string, state: string) =>
    new Map([
      [TAGS.release, `${IMAGE}@${version}`],
      [TAGS.state, state],
      [TAGS.autoCleanup, 'true'],
    ]);
  const volume = (volumeId: string, state: string) => ({
    volumeId,
    sizeGiB: 8,
    volumeType: 'gp3' as const,
    encrypted: true,
    createdAt: CREATED_AT,
    deviceName: '/dev/xvda',
    deleteOnTermination: false,
    tags: tags(AGING.used, state),
  });
  place.keyPairs.set('packer_orphan', {
    keyName: 'packer_orphan',
    keyPairId: ORPHANS.keyPair,
    createdAt: CREATED_AT,
    tags: tags(AGING.used, STATES.candidate),
  });
  place.volumes.set(ORPHANS.volume, volume(ORPHANS.volume, STATES.candidate));
  place.volumes.set(THEIRS.volume, volume(THEIRS.volume, STATES.released));
  for (const snapshotId of [ORPHANS.snapshot, THEIRS.snapshot])
    place.snapshots.set(snapshotId, {
      snapshotId,
      ownerId: target.accountId,
      volumeId: world.id(place, 'vol'),
      volumeSizeGiB: 8,
      encrypted: true,
      startedAt: CREATED_AT,
      completedAt: CREATED_AT,
      description: 'Created by CreateImage',
      volumePermissions: new Set(),
      tags: tags(GONE, STATES.released),
    });
  const [image] = place.images.values();
  const imageId = world.id(place, 'ami');
  if (image)
    // Somebody registered it, of a snapshot whose own AMI is gone.
    place.images.set(imageId, {
      ...image,
      imageId,
      name: 'registered by hand',
      tags: new Map(),
      blockDevices: image.blockDevices.map((device) => ({ ...device, snapshotId: THEIRS.snapshot })),
    });
  addParameter(world, target, parameters.version(IMAGE, GONE), 'ami-0123456789abcdef0');
}
