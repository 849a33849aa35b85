/** Builders that are Spot Instances: EC2 takes them back, has none, or leaves what they were asked for by. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, passes, withoutMiddlePolls } from './fault-model.ts';
import { isOfUndo, record } from './recordings.ts';
import { type Category, scenarioOf } from './scenario-of.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const CATEGORY = 'a builder on spot';
const size = 'spot';
/** What a bake on demand does not call. */
const OF_SPOT = /:(CreateFleet|\w+LaunchTemplates?)$/;

const isOfPacker = ({ point }: RecordedCall): boolean => point.by === 'packer';
const isOfSpot = ({ point }: RecordedCall): boolean => OF_SPOT.test(point.operation);

export async function spotBuilders(baseline: Baseline): Promise<Category[]> {
  const good = await record(baseline, { size });
  const calls = withoutMiddlePolls(good).filter(isOfPacker);
  const killed = ['CreateLaunchTemplate', 'CreateFleet'].map((operation): SandboxFault => ({
    point: lastOf(good, operation),
    kind: 'killed',
  }));
  const undone: SandboxScenario[] = [];
  for (const first of killed) undone.push(...(await faultsInUndo(baseline, first)));
  const scenarios = [
    scenarioOf(CATEGORY, { size, ends: ['released'] }),
    ...interruptions(calls),
    ...faultsIn(calls.filter(isOfSpot)).map((fault) => withSpotFault([fault])),
    ...undone,
    ...stops(calls.filter(isOfSpot)),
  ];
  return [{ name: CATEGORY, atLeast: 120, scenarios }];
}

function lastOf(calls: readonly RecordedCall[], operation: string): RecordedCall['point'] {
  const found = calls.findLast(({ point }) => point.operation === `ec2:${operation}`);
  if (!found) throw new Error(`No bake on spot calls ${operation}.`);
  return found.point;
}

function withSpotFault(faults: readonly SandboxFault[]): SandboxScenario {
  return scenarioOf(CATEGORY, {
    size,
    faults,
    labels: faults.map(nameOfFault),
    blames: 'the account',
    ...(faults.every(passes) && { ends: ['released'] }),
  });
}

/**
 * While it is a builder. Before there is an AMI the bake goes on with one on demand; an AMI that has just been begun is lost with it,
 * which nobody tries again; one that EC2 works on needs no builder any more.
 */
function interruptions(calls: readonly RecordedCall[]): SandboxScenario[] {
  return ['Bake dev AMIs', 'Bake prod AMIs'].flatMap((state) => {
    const ofBake = calls.filter(({ point }) => point.state === state);
    const operations = ofBake.map(({ point }) => point.operation);
    const from = operations.indexOf('ec2:CreateFleet');
    const to = operations.indexOf('ec2:TerminateInstances');
    return ofBake.slice(from, to).map(({ point }) => {
      const isLost = point.operation === 'ec2:CreateImage';
      const fault = { point, kind: 'interrupted' } as const;
      return { ...withSpotFault([fault]), ends: [isLost ? 'rolled back' : 'released'] as const };
    });
  });
}

/** A Packer that was killed leaves its launch template, and an undo meets whatever it may. */
async function faultsInUndo(baseline: Baseline, first: SandboxFault): Promise<SandboxScenario[]> {
  const calls = await record(baseline, { size, faults: [first] });
  const faults = faultsIn(calls.filter((call) => isOfUndo(call) && isOfSpot(call)));
  const labels = [nameOfFault(first)];
  return [
    scenarioOf(CATEGORY, { size, faults: [first], ends: ['rolled back'], labels }),
    ...faults.map((fault) =>
      scenarioOf(CATEGORY, {
        size,
        faults: [first, fault],
        labels: [...labels, nameOfFault(fault)],
        ...(passes(fault) && { ends: ['rolled back'] }),
      }),
    ),
  ];
}

const stops = (calls: readonly RecordedCall[]): SandboxScenario[] =>
  calls.map(({ point }) =>
    scenarioOf(CATEGORY, {
      size,
      stopAfter: point,
      sweepsAtOnce: 1,
      ends: STOPPED_ENDS,
      labels: [`stopped after ${nameOfPoint(point)}`],
    }),
  );
