/** Plays that only serve to see what is called: the scenarios are made of that. */
import type { Baseline, Past } from '../player/baseline.ts';
import type { InjectionPoint } from '../player/injection-points.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import { recordInSandbox } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall, Recorder } from '../sandbox/recorder.ts';
import { faultsIn } from './fault-model.ts';
import { type RollbackTrigger, rollbackTriggers } from './rollback-triggers.ts';
import { type ScenarioParts, scenarioOf } from './scenario-of.ts';

const UNDO = /^(Withdraw|Deregister|Verify|Announce rollback)/;

export const isOfUndo = ({ point }: RecordedCall): boolean => UNDO.test(point.state);

export const recordAll = async (baseline: Baseline, parts: ScenarioParts): Promise<Recorder> =>
  recordInSandbox(baseline, scenarioOf('recording', parts));

export const record = async (baseline: Baseline, parts: ScenarioParts): Promise<readonly RecordedCall[]> =>
  inOrderOfPlaces((await recordAll(baseline, parts)).calls);

/**
 * Of the calls of one state, those of a place stand together. How states and their builds mix what they do in several places at once
 * differs from play to play, and whoever takes the first of something, or every second one, must not.
 */
export function inOrderOfPlaces(calls: readonly RecordedCall[]): readonly RecordedCall[] {
  const actorOf = ({ point: { who, state, by } }: RecordedCall): string => [who, state, by].join();
  const next = new Map(
    [...Map.groupBy(calls, actorOf)].map(([actor, own]) => {
      const sorted = own.toSorted((a, b) => compare(a.point.place, b.point.place));
      return [actor, sorted.values()];
    }),
  );
  return calls.map((call) => next.get(actorOf(call))?.next().value ?? call);
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** A release that is undone, and what there is to break while it is. */
export interface RecordedUndo {
  readonly trigger: RollbackTrigger;
  /** Every call of the undo states. */
  readonly calls: readonly RecordedCall[];
  readonly faults: readonly SandboxFault[];
}

export async function recordUndo(
  baseline: Baseline,
  past: Past,
  trigger: RollbackTrigger,
): Promise<RecordedUndo> {
  const calls = (await record(baseline, { past, faults: trigger.faults })).filter(isOfUndo);
  return { trigger, calls, faults: faultsIn(calls) };
}

/** The first play of each task loads its module, which takes its time: calls that are made at once change places. */
export async function warmUp(baseline: Baseline): Promise<void> {
  const good = await record(baseline, {});
  await record(baseline, { stopAfter: lateCall(good), sweepsAtOnce: 1 });
  for (const { faults } of rollbackTriggers(good)) await record(baseline, { faults });
}

/** A call after which a stopped release leaves a lot. */
export function lateCall(calls: readonly RecordedCall[]): InjectionPoint {
  const found = calls.findLast(
    ({ point }) => point.state === 'Bake prod AMIs' && point.operation === 'ec2:CreateImage',
  );
  if (found === undefined) throw new Error('Prod is never baked.');
  return found.point;
}
