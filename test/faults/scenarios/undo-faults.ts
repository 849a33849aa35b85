/** Faults while a release is undone: one, or two. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import { faultsIn } from './fault-model.ts';
import { type RecordedUndo, isOfUndo, recordAll, recordUndo } from './recordings.ts';
import type { RollbackTrigger } from './rollback-triggers.ts';
import { type Category, PASTS, idOf, rolledBack, sampleOfCalls } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';

/** Of what is too much to be played all, so many are chosen by the seed. */
const UNDO_FAULTS = 7_000;
const OTHER_PASTS = 1_000;
const PAIRS = 3_000;
const FIRSTS_OF_PAIRS = 100;
const PUBLISHING = /^(Publish|Withdraw)/;

export async function undoFaults(
  baseline: Baseline,
  undos: readonly RecordedUndo[],
  sampler: SeededSampler,
): Promise<Category[]> {
  const all = undos.flatMap(({ trigger, faults }) =>
    faults.map((fault) => rolledBack('a fault in the undo', 'released before', trigger, [fault])),
  );
  const triggers = undos.map(({ trigger }) => trigger);
  const others = await withOtherPasts(baseline, triggers);
  return [
    {
      name: 'a fault in the undo',
      atLeast: UNDO_FAULTS,
      scenarios: sampleOfCalls(all, UNDO_FAULTS, sampler),
    },
    {
      name: 'a fault in the undo, another past',
      atLeast: OTHER_PASTS,
      scenarios: sampleOfCalls(others, OTHER_PASTS, sampler),
    },
    { name: 'pairs', atLeast: PAIRS / 2, scenarios: await pairs(baseline, undos, sampler) },
  ];
}

/** What was there before matters to `latest` alone. */
async function withOtherPasts(
  baseline: Baseline,
  triggers: readonly RollbackTrigger[],
): Promise<SandboxScenario[]> {
  const found: SandboxScenario[] = [];
  for (const past of PASTS.slice(1)) {
    for (const trigger of triggers.filter(({ name }) => name.startsWith('publishing'))) {
      const { faults } = await recordUndo(baseline, past, trigger);
      for (const fault of faults.filter(({ point }) => PUBLISHING.test(point.state)))
        found.push(rolledBack('a fault in the undo, another past', past, trigger, [fault]));
    }
  }
  return found;
}

/** Two faults in one undo; the second one is met for sure, for it breaks a call that was made after the first. */
async function pairs(
  baseline: Baseline,
  undos: readonly RecordedUndo[],
  sampler: SeededSampler,
): Promise<SandboxScenario[]> {
  const found: SandboxScenario[] = undos.flatMap(blind);
  const firsts = undos.flatMap(({ trigger, faults }) => faults.map((first) => ({ trigger, first })));
  const nameOf = ({ trigger, first }: (typeof firsts)[number]) => `${trigger.name} ${nameOfFault(first)}`;
  for (const { trigger, first } of sampler.sample(firsts, FIRSTS_OF_PAIRS, nameOf)) {
    const { callsSinceInjection } = await recordAll(baseline, { faults: [...trigger.faults, first] });
    const seconds = faultsIn(callsSinceInjection.filter(isOfUndo)).map((second): SandboxScenario => ({
      ...rolledBack('pairs', 'released before', trigger, [first, second]),
      mayMiss: true,
    }));
    found.push(...sampler.sampleOrAll(seconds, PAIRS / FIRSTS_OF_PAIRS, idOf));
  }
  return found;
}

/** The undo may not remove something, and the check after it may not look: nobody must call that a clean end. */
function blind({ trigger, calls }: RecordedUndo): SandboxScenario[] {
  const removals = calls.filter(({ point }) => /:(Delete|Deregister|Terminate|Stop)/.test(point.operation));
  return removals.flatMap(({ point }) => {
    const look = calls.find(
      (call) => call.point.state === 'Verify rollback' && call.point.place === point.place,
    );
    return look === undefined
      ? []
      : [
          rolledBack('pairs', 'released before', trigger, [
            { point, kind: 'denied' },
            { point: look.point, kind: 'denied' },
          ]),
        ];
  });
}
