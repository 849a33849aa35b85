/** Releases that come to nothing and are retried, in a new execution, from the beginning. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes, withoutMiddlePolls } from './fault-model.ts';
import { lateCall, record } from './recordings.ts';
import { type RollbackTrigger, rollbackTriggers } from './rollback-triggers.ts';
import { type Category, sampleOfCalls, type ScenarioParts, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const FAULTS = 600;

const isOf =
  (who: string) =>
  ({ point }: RecordedCall): boolean =>
    point.who === who && !isOfService(point.operation);

export async function retries(
  baseline: Baseline,
  good: readonly RecordedCall[],
  sampler: SeededSampler,
): Promise<Category[]> {
  const triggers = rollbackTriggers(good);
  const trigger = triggers.find(({ name }) => name === 'prod is killed');
  if (!trigger) throw new Error('No build of prod is ever killed.');
  const failed = { faults: trigger.faults, retried: {} };
  const both = await record(baseline, failed);
  const calls = withoutMiddlePolls(both.filter(({ point }) => point.who === 'retry'));
  const swept = { stopAfter: lateCall(good), retried: { swept: 'by schedule' } } as const;
  const sweeping = (await record(baseline, swept)).filter(isOf('sweep'));
  return [
    {
      name: 'a retry',
      atLeast: 18,
      scenarios: [...afterRollbacks(triggers), besideLeftovers(trigger, both), ...afterStops(good)],
    },
    {
      name: 'a fault in a retry',
      atLeast: FAULTS,
      scenarios: sampleOfCalls(faultsInRetry(trigger, calls), FAULTS, sampler),
    },
    { name: 'a retry is stopped', atLeast: 150, scenarios: stops(failed, calls.filter(isOf('retry'))) },
    {
      name: 'a sweep during a retry',
      atLeast: 100,
      scenarios: calls
        .filter(isOf('retry'))
        .filter(({ point }) => point.operation !== 'sts:AssumeRole')
        .map(({ point }) =>
          scenarioOf('a sweep during a retry', {
            ...failed,
            sweepDuring: point,
            ends: ['released'],
            labels: [`during ${nameOfPoint(point)}`],
          }),
        ),
    },
    { name: 'redriven beside a retry', atLeast: 24, scenarios: await redriven(baseline, good, triggers) },
    { name: 'a retry during a sweep', atLeast: 50, scenarios: amidSweep(swept, sweeping) },
  ];
}

/** Whatever failed first, the retry is as good as a first attempt; too early it begins nothing. */
const afterRollbacks = (triggers: readonly RollbackTrigger[]): SandboxScenario[] =>
  triggers.flatMap(({ name, faults }) => [
    ...(['first release', 'released before'] as const).map((past) =>
      scenarioOf('a retry', { past, faults, retried: {}, ends: ['released'], labels: [name] }),
    ),
    scenarioOf('a retry', {
      faults,
      retried: { newerSource: true },
      ends: ['released'],
      labels: [name, 'there is a newer source'],
    }),
    scenarioOf('a retry', {
      faults,
      retried: { tooEarly: true },
      ends: ['rolled back'],
      labels: [name, 'too early'],
    }),
  ]);

/** It bakes nothing where the rollback before it left an AMI, and names that. */
function besideLeftovers({ faults }: RollbackTrigger, calls: readonly RecordedCall[]): SandboxScenario {
  const undo = calls.find(
    ({ point }) => point.state === 'Deregister dev AMIs' && point.operation === 'ec2:DeregisterImage',
  );
  if (!undo) throw new Error('No AMI of dev is ever deregistered.');
  return scenarioOf('a retry', {
    faults: [...faults, { point: undo.point, kind: 'denied' }],
    retried: {},
    ends: ['rollback incomplete'],
    labels: ['the rollback left an AMI'],
  });
}

/** After a stop it begins nothing beside what is left, and says what that is; once that is swept it is released. */
function afterStops(good: readonly RecordedCall[]): SandboxScenario[] {
  const stopAfter = lateCall(good);
  const labels = [`stopped after ${nameOfPoint(stopAfter)}`];
  return [
    scenarioOf('a retry', { stopAfter, retried: {}, ends: ['rollback incomplete'], labels }),
    ...(['at once', 'by schedule'] as const).map((swept) =>
      scenarioOf('a retry', {
        stopAfter,
        retried: { swept },
        ends: ['released'],
        labels: [...labels, `swept ${swept}`],
      }),
    ),
  ];
}

/** A call of each Task that somebody can have go on, on the way forward and back. */
const TASKS: readonly [task: string, trigger?: string][] = [
  ['Resolve source AMIs'],
  ['Check dev AMIs'],
  ['Check prod AMIs'],
  ['Apply version tags'],
  ['Publish release'],
  ['Withdraw publication', 'publishing fails'],
  ['Deregister prod AMIs', 'publishing fails'],
  ['Verify rollback', 'publishing fails'],
];
/** What the retry has just done when the earlier attempt goes on. */
const MEANWHILE =
  /^(Bake (dev|prod) AMIs, Packer: ec2:CreateImage|Apply version tags: ec2:CreateTags|Publish release: ssm:PutParameter|Announce release: s3:PutObject) .*#1$/;

/** Somebody redrives the attempt that was stopped while the retry runs: it would bake, publish and remove what is the retry's. */
async function redriven(
  baseline: Baseline,
  good: readonly RecordedCall[],
  triggers: readonly RollbackTrigger[],
): Promise<SandboxScenario[]> {
  const scenarios: SandboxScenario[] = [];
  for (const [task, trigger] of TASKS) {
    const { faults } = triggers.find(({ name }) => name === trigger) ?? { faults: [] };
    const all = trigger === undefined ? good : await record(baseline, { faults });
    const stopAfter = all.find(({ point }) => point.state === task && !isOfService(point.operation))?.point;
    if (!stopAfter) throw new Error(`No release calls anything in ${task}.`);
    const base = { faults, stopAfter } as const;
    const calls = await record(baseline, { ...base, retried: { swept: 'at once' } });
    const points = calls.filter(isOf('retry')).map(({ point }) => point);
    const first = new Map(
      points
        .filter((point) => MEANWHILE.test(name(point)))
        .map((point) => [`${point.state} ${point.operation}`, point]),
    );
    for (const point of first.values())
      scenarios.push(
        scenarioOf('redriven beside a retry', {
          ...base,
          retried: { swept: 'at once', redriven: point },
          ends: ['released'],
          labels: [`stopped after ${nameOfPoint(stopAfter)}`, `redriven after ${nameOfPoint(point)}`],
        }),
      );
  }
  return scenarios;
}

/** Without who makes the call. */
const name = (point: RecordedCall['point']): string => nameOfPoint({ ...point, who: 'A' });

const faultsInRetry = (trigger: RollbackTrigger, calls: readonly RecordedCall[]): SandboxScenario[] =>
  faultsIn(calls).map((fault) =>
    scenarioOf('a fault in a retry', {
      faults: [...trigger.faults, fault],
      retried: {},
      labels: [nameOfFault(fault)],
      ...(passes(fault) && { ends: ['released'] }),
    }),
  );

const stops = (failed: ScenarioParts, calls: readonly RecordedCall[]): SandboxScenario[] =>
  calls.map(({ point }, index) =>
    scenarioOf('a retry is stopped', {
      ...failed,
      stopAfter: point,
      ...(index % 2 === 0 && { sweepsAtOnce: 1 }),
      ends: STOPPED_ENDS,
      labels: [`after ${nameOfPoint(point)}`, index % 2 === 0 ? 'swept at once' : 'swept an hour later'],
    }),
  );

/** The sweep took it for dead, and may still be removing, or sees that it runs and leaves everything: the retry waits for either. */
const amidSweep = (swept: ScenarioParts, sweeping: readonly RecordedCall[]): SandboxScenario[] =>
  sweeping.map(({ point }) =>
    scenarioOf('a retry during a sweep', {
      ...swept,
      retried: { swept: 'by schedule', amid: point },
      ends: ['released', 'rollback incomplete'],
      labels: [`begun after ${nameOfPoint(point)}`],
    }),
  );
