/** Releases that are stopped, and the sweeps that clear up after them, or pass by while a release runs. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes, withoutMiddlePolls } from './fault-model.ts';
import { type RecordedUndo, record } from './recordings.ts';
import { type Category, sampleOfCalls, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';

const SWEEP_FAULTS = 2_000;

export const STOPPED_ENDS = [
  'stopped',
  'released',
  'released without announcement',
  'rolled back',
  'rollback incomplete',
] as const;

const callsOfClients = (calls: readonly RecordedCall[]): RecordedCall[] =>
  calls.filter(({ point }) => !isOfService(point.operation));

export async function stopsAndSweeps(
  baseline: Baseline,
  good: readonly RecordedCall[],
  undos: readonly RecordedUndo[],
  sampler: SeededSampler,
): Promise<Category[]> {
  const forward = callsOfClients(withoutMiddlePolls(good));
  const stopped = stops(forward);
  const { dying, failing } = await brokenSweeps(baseline, stopped);
  return [
    { name: 'stopped', atLeast: 300, scenarios: stopped },
    { name: 'stopped in the undo', atLeast: 500, scenarios: stopsInUndo(undos) },
    { name: 'the sweep dies', atLeast: 1_000, scenarios: dying },
    {
      name: 'a fault in the sweep',
      atLeast: SWEEP_FAULTS,
      scenarios: sampleOfCalls(failing, SWEEP_FAULTS, sampler),
    },
    { name: 'a bake starts late', atLeast: 2, scenarios: lateStarts(forward) },
    { name: 'redriven', atLeast: 4, scenarios: await redriven(baseline, stopped) },
    { name: 'a sweep during a release', atLeast: 1_500, scenarios: sweepsDuring(forward, undos) },
  ];
}

const stops = (forward: readonly RecordedCall[]): SandboxScenario[] =>
  forward.flatMap(({ point }) =>
    [true, false].map((isSwept) =>
      scenarioOf('stopped', {
        stopAfter: point,
        // Whoever ends it, no Catch runs; a time limit is met as often as a person's hand.
        ...(isSwept ? { sweepsAtOnce: 1 } : { timesOut: true }),
        ends: STOPPED_ENDS,
        labels: [`after ${nameOfPoint(point)}`, isSwept ? 'swept at once' : 'timed out, swept an hour later'],
      }),
    ),
  );

const stopsInUndo = (undos: readonly RecordedUndo[]): SandboxScenario[] =>
  undos.flatMap(({ trigger, calls }) =>
    callsOfClients(calls).map(({ point }, index) =>
      scenarioOf('stopped in the undo', {
        faults: trigger.faults,
        stopAfter: point,
        ...(index % 2 === 0 && { sweepsAtOnce: 1 }),
        ends: STOPPED_ENDS,
        labels: [
          trigger.name,
          `after ${nameOfPoint(point)}`,
          index % 2 === 0 ? 'swept at once' : 'swept an hour later',
        ],
      }),
    ),
  );

/** A nested execution need not be stopped with the one that started it, and the start of a build may still be retried. */
const lateStarts = (forward: readonly RecordedCall[]): SandboxScenario[] =>
  ['Bake dev AMIs', 'Bake prod AMIs'].map((state) => {
    const [first, second] = forward
      .map(({ point }) => point)
      .filter((point) => point.state === state && point.operation === 'codebuild:StartBuild');
    if (!first || !second) throw new Error(`${state} starts fewer than two builds.`);
    const fault = { point: second, kind: 'throttled 3 times' } as const;
    return scenarioOf('a bake starts late', {
      faults: [fault],
      stopAfter: first,
      sweepsAtOnce: 1,
      ends: STOPPED_ENDS,
      labels: [nameOfFault(fault), `stopped after ${nameOfPoint(first)}`],
    });
  });

/** States whose Task a person can have go on. */
const TASKS = ['Check dev AMIs', 'Check prod AMIs', 'Apply version tags', 'Publish release'];

/** Somebody redrives the release that was stopped when the sweep has just found it dead. */
async function redriven(baseline: Baseline, stopped: readonly SandboxScenario[]): Promise<SandboxScenario[]> {
  const scenarios: SandboxScenario[] = [];
  for (const state of TASKS) {
    const base = stoppedAfter(`${state}: `, stopped);
    const calls = await record(baseline, base);
    // Then it has written down what it found.
    const found = calls.findLast(
      ({ point }) => point.state === 'Find dead releases' && point.operation === 's3:PutObject',
    );
    if (!found) throw new Error(`No sweep looks at a release that is stopped in ${state}.`);
    scenarios.push(
      scenarioOf('redriven', {
        ...base,
        redriveAfter: found.point,
        ends: ['released'],
        labels: [base.id.replace('stopped | ', ''), `redriven after ${nameOfPoint(found.point)}`],
      }),
    );
  }
  return scenarios;
}

/** Places where a stopped release leaves most to sweep. */
const RICH = [
  'Bake prod AMIs, Packer: ec2:RunInstances',
  'Bake prod AMIs, Packer: ec2:CreateImage',
  'Publish release: ssm:PutParameter',
];

async function brokenSweeps(
  baseline: Baseline,
  stopped: readonly SandboxScenario[],
): Promise<{ dying: SandboxScenario[]; failing: SandboxScenario[] }> {
  const failing: SandboxScenario[] = [];
  const dying: SandboxScenario[] = [];
  for (const base of RICH.map((rich) => stoppedAfter(rich, stopped))) {
    const calls = (await record(baseline, base)).filter(({ point }) => point.who === 'sweep');
    const labels = [base.id.replace('stopped | ', '')];
    for (const fault of faultsIn(calls))
      failing.push(
        scenarioOf('a fault in the sweep', {
          ...base,
          faults: [fault],
          labels: [...labels, nameOfFault(fault)],
          ...(passes(fault) && { sweeps: 'well' }),
        }),
      );
    for (const { point } of callsOfClients(calls))
      dying.push(
        scenarioOf('the sweep dies', {
          ...base,
          stopSweepAfter: point,
          labels: [...labels, `after ${nameOfPoint(point)}`],
        }),
      );
  }
  return { dying, failing };
}

function stoppedAfter(rich: string, stopped: readonly SandboxScenario[]): SandboxScenario {
  const found = stopped.findLast(({ id, sweepsAtOnce }) => id.includes(rich) && sweepsAtOnce === 1);
  if (found === undefined) throw new Error(`No release is stopped after ${rich}.`);
  return found;
}

function sweepsDuring(forward: readonly RecordedCall[], undos: readonly RecordedUndo[]): SandboxScenario[] {
  const all = [
    ...forward.map(({ point }) => ({ faults: [] as readonly SandboxFault[], name: 'a good release', point })),
    ...undos.flatMap(({ trigger, calls }) =>
      callsOfClients(calls).map(({ point }) => ({ faults: trigger.faults, name: trigger.name, point })),
    ),
  ];
  // A role is assumed in the middle of another call, which the sweep must not wait for.
  const apart = all.filter(({ point }) => point.operation !== 'sts:AssumeRole');
  return apart.map(({ faults, name, point }) =>
    scenarioOf('a sweep during a release', {
      faults,
      sweepDuring: point,
      labels: [name, `during ${nameOfPoint(point)}`],
    }),
  );
}

/** A release that is stopped after each of these calls, and swept at once. */
export const stoppedAfterEach = (
  category: string,
  size: SandboxScenario['size'],
  calls: readonly RecordedCall[],
): SandboxScenario[] =>
  calls
    .filter(({ point }) => !isOfService(point.operation))
    .map(({ point }) =>
      scenarioOf(category, {
        size,
        stopAfter: point,
        sweepsAtOnce: 1,
        ends: STOPPED_ENDS,
        labels: [`stopped after ${nameOfPoint(point)}`],
      }),
    );
