/** What a bad end must explain: which account failed, and only that one; and that the world hears of it. */
import { NAMES } from '../../../core/contract/names.ts';
import { targetName } from '../../../core/contract/targets.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import type { Outcome } from '../../../sandbox/engine/outcome.ts';
import type { World } from '../../../sandbox/aws/world.ts';
import type { Baseline } from '../player/baseline.ts';
import type { Fault } from '../player/faults.ts';

/** Wrong in how a rolled back release explains the one bake that failed. */
export function misblamed(
  baseline: Baseline,
  outcome: Outcome,
  [fault, ...more]: readonly Fault[],
): string[] {
  const { state = '', place = '', operation = '' } = fault?.point ?? {};
  // All builds of an account are asked for in the hub's region, wherever they bake.
  if (operation === 'codebuild:BatchGetBuilds') return [];
  const stage = baseline.stages.find(({ name }) => state === `Bake ${name} AMIs`);
  const places = stage?.targets.map(targetName) ?? [];
  if (outcome.status !== 'FAILED' || more.length > 0 || !places.includes(place)) return [];
  return places
    .filter((one) => outcome.cause.includes(one) !== (one === place))
    .map((one) => (one === place ? `its cause does not name ${one}` : `its cause blames ${one}`));
}

/** Wrong in what was announced on the event bus. */
export function unannounced(world: World, releaseId: string): string[] {
  const isAnnounced = world.events.some(
    ({ detailType, detail }) =>
      detailType === NAMES.rolledBack && Reflect.get(Object(detail), 'releaseId') === releaseId,
  );
  return isAnnounced ? [] : [`${releaseId} is rolled back, but nobody was told`];
}

/** Wrong in how the whole ended, beside how its one image did. */
export function wrongParent(
  parent: Execution,
  {
    faults,
    fragileMap,
    ends,
  }: {
    readonly faults: readonly Fault[];
    readonly fragileMap?: string;
    readonly ends?: readonly string[];
  },
  stands: boolean,
): string[] {
  const end = parent.history.path.at(-1) ?? '';
  const wrong = (what: string): string[] => [`${parent.machine.name} ended in ${end}${what}`];
  if (!['Released', 'Some images failed', 'Not released'].includes(end)) return wrong('');
  if (end !== 'Released' && ends?.join() === 'released')
    return wrong(', although nothing lasted that kept it');
  if (end === 'Released' && !stands) return wrong(', but its image is not released');
  const isOfImages = faults.every(({ point }) => point.state === 'Release each tier');
  return end === 'Not released' && isOfImages && fragileMap === undefined
    ? wrong(', although other images could have gone on')
    : [];
}

/** Wrong in how a batch that failed as a whole is explained: people look for an account, and not for a batch. */
export function blamesNobody(outcome: Outcome): string[] {
  if (outcome.status !== 'FAILED' || /^BakeFailed: \d{12}\//.test(outcome.cause)) return [];
  return [`its cause names no account whose bake failed: ${outcome.cause.slice(0, 80)}`];
}
