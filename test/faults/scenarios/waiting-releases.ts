/** Releases that fail in prod, keep what stands in dev, and wait: nobody retries them, or somebody does in time. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes, withoutMiddlePolls } from './fault-model.ts';
import { record } from './recordings.ts';
import { rollbackTriggers } from './rollback-triggers.ts';
import { type Category, PASTS, sampleOfCalls, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const FAULTS = 600;
const STOPS = 200;
/** What is there only because it waits. */
const WAITS = /^(Clear failed stage|Await retry)$/;

export async function waitingReleases(baseline: Baseline, sampler: SeededSampler): Promise<Category[]> {
  const name = 'waits for a retry';
  const size = 'waiting';
  const good = await record(baseline, { size });
  const triggers = rollbackTriggers(good);
  const killed = triggers.find((trigger) => trigger.name === 'prod is killed');
  if (!killed) throw new Error('No build of prod is ever killed.');
  const failed = { size, faults: killed.faults } as const;
  const retried = { ...failed, retried: { waitedFor: true } } as const;
  const alone = (await record(baseline, failed)).filter(isOwn);
  const both = withoutMiddlePolls(await record(baseline, retried));
  const calls = both.filter((call) => call.point.who === 'retry' || isOwn(call));
  const faults = faultsIn(calls).map((fault) =>
    scenarioOf(name, {
      ...retried,
      faults: [...killed.faults, fault],
      labels: ['retried', nameOfFault(fault)],
      ...(passes(fault) && { ends: ['released'] }),
    }),
  );
  const stops = calls.filter(({ point }) => !isOfService(point.operation));
  return [
    {
      name,
      atLeast: FAULTS,
      scenarios: [
        scenarioOf(name, { size, ends: ['released'] }),
        ...triggers.flatMap((trigger) =>
          PASTS.flatMap((past) => [
            scenarioOf(name, {
              size,
              past,
              faults: trigger.faults,
              ends: ['rolled back'],
              labels: [trigger.name],
            }),
            scenarioOf(name, {
              size,
              past,
              faults: trigger.faults,
              retried: { waitedFor: true },
              ends: ['released'],
              labels: [trigger.name, 'retried'],
            }),
          ]),
        ),
        scenarioOf(name, {
          ...failed,
          retried: { waitedFor: true, newerSource: true },
          ends: ['released'],
          labels: ['retried when all is undone, and there is a newer source'],
        }),
        // Whatever keeps it from waiting, nothing is left.
        ...faultsIn(alone).map((fault) =>
          scenarioOf(name, {
            ...failed,
            faults: [...killed.faults, fault],
            labels: ['never retried', nameOfFault(fault)],
            ends: ['rolled back'],
          }),
        ),
        ...sampleOfCalls(faults, FAULTS, sampler),
      ],
    },
    {
      name: 'stopped while it waits',
      atLeast: 60,
      scenarios: [
        ...sampler
          .sampleOrAll(stops, STOPS, ({ point }) => nameOfPoint(point))
          .map(({ point }, index) =>
            scenarioOf('stopped while it waits', {
              ...(point.who === 'retry' ? retried : failed),
              stopAfter: point,
              ...(index % 2 === 0 && { sweepsAtOnce: 1 }),
              ends: STOPPED_ENDS,
              labels: [
                `after ${nameOfPoint(point)}`,
                index % 2 === 0 ? 'swept at once' : 'swept an hour later',
              ],
            }),
          ),
        ...stops
          .filter(({ point }) => point.operation !== 'sts:AssumeRole')
          .map(({ point }) =>
            scenarioOf('stopped while it waits', {
              ...retried,
              sweepDuring: point,
              ends: ['released'],
              labels: [`a sweep during ${nameOfPoint(point)}`],
            }),
          ),
      ],
    },
  ];
}

const isOwn = ({ point }: RecordedCall): boolean => point.who === 'A' && WAITS.test(point.state);
