/** What the first target holds that nothing belongs to, and what somebody needs although it looks like that. */
import { parameters } from '../../../core/contract/names.ts';
import type { World } from '../../../sandbox/aws/world.ts';
import { type Baseline, IMAGE, targetsOf } from '../player/baseline.ts';

/** A version whose AMI somebody deregistered by hand. */
export const GONE = '1.4.20260701000000';

export const ORPHANS = {
  keyPair: 'key-0fa0000000000000a',
  volume: 'vol-0fa0000000000000a',
  snapshot: 'snap-0fa000000000000a0',
} as const;

export const THEIRS = {
  /** Tagged by whoever runs the version. */
  volume: 'vol-0fa0000000000000b',
  /** An AMI was registered of it by hand. */
  snapshot: 'snap-0fa000000000000b0',
} as const;

function idsIn(world: World, baseline: Baseline): Set<string> {
  const [target] = targetsOf(baseline);
  const place = target && world.region(target.accountId, target.region);
  if (!place) return new Set();
  return new Set([
    ...place.volumes.keys(),
    ...place.snapshots.keys(),
    ...place.parameters.keys(),
    ...[...place.keyPairs.values()].map(({ keyPairId }) => keyPairId),
  ]);
}

export function orphansLeft(world: World, baseline: Baseline): string[] {
  const there = idsIn(world, baseline);
  return [...Object.values(ORPHANS), parameters.version(IMAGE, GONE)].filter((id) => there.has(id));
}

export function theirsLost(world: World, baseline: Baseline): string[] {
  const there = idsIn(world, baseline);
  return Object.values(THEIRS).filter((id) => !there.has(id));
}
