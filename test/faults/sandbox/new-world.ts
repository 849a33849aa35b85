/** The embedded AWS as it is when a scenario begins. */
import { parameters } from '../../../core/contract/names.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import type { Target } from '../../../core/contract/targets.ts';
import type { PublicRegion } from '../../../sandbox/aws/world.ts';
import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { createSandbox } from '../../../sandbox/rehearsal/seed.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { COMMIT, STARTED_AT } from '../../fixtures/releases.ts';
import { type Baseline, EARLIER, IMAGE, type Past, targetsOf } from '../player/baseline.ts';

const GONE = '1.4.20261015000000';

const offers = new Map<string, PublicRegion>();

/** A world of its own, in which nothing has been started yet; what publishers offer there is its own where that changes. */
export function newWorld(baseline: Baseline, past: Past, changes = false): Sandbox {
  const { hub, bucket, objects, files } = baseline;
  const targets = targetsOf(baseline);
  const sandbox = createSandbox({
    hub: { ...hub, bucket },
    targets,
    startAt: STARTED_AT,
    offers: changes ? new Map() : offers,
    checkOut: () => ({ commit: COMMIT, branch: 'main', files, changes: {} }),
  });
  sandbox.keepsCalls = false;
  const stored = sandbox.world.buckets.get(bucket)?.objects;
  for (const [key, object] of objects) stored?.set(key, object);
  if (past !== 'first release') for (const target of targets) addPast(sandbox, target, past);
  return sandbox;
}

function addPast({ world }: Sandbox, target: Target, past: Past): void {
  const createdAt = Date.parse('2026-10-01T00:00:00Z');
  const ours = past !== 'latest by hand';
  const tags = new Map(
    ours
      ? [
          [TAGS.release, `${IMAGE}@${EARLIER}`],
          [TAGS.state, STATES.released],
          [TAGS.version, EARLIER],
          [TAGS.versionOnceReleased, EARLIER],
        ]
      : [['Team', 'platform']],
  );
  const name = ours ? `${IMAGE}-${EARLIER}-g0000000` : 'made-by-hand-7';
  const imageId = addImage(world, target, { name, tags, createdAt });
  for (const snapshot of world.region(target.accountId, target.region).snapshots.values()) {
    if (snapshot.description.endsWith(imageId))
      for (const [key, value] of tags) snapshot.tags.set(key, value);
  }
  if (ours) {
    addParameter(world, target, parameters.version(IMAGE, EARLIER), imageId);
    // Somebody deregistered a newer one, and put latest back by hand.
    if (past === 'released before')
      addParameter(world, target, parameters.version(IMAGE, GONE), 'ami-0eeeeeeeeeeeeeeee');
  }
  addParameter(world, target, parameters.latest(IMAGE), imageId);
}
