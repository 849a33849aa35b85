/** Looking what is used, retiring what is not and taking that back: refused, lost, stopped, two at once, beside whoever begins to use it. */
import { STATE_NAMES } from '../../../core/contract/state-names.ts';
import { LEAVING } from '../oracle/retire-facts.ts';
import type { RetireEnd } from '../oracle/retire-ends.ts';
import type { Baseline } from '../player/baseline.ts';
import { deceives, nameOfFault } from '../player/faults.ts';
import { type InjectionPoint, nameOfPoint } from '../player/injection-points.ts';
import type { Retire } from '../player/scenario.ts';
import { USER_NAMES } from '../sandbox/ami-users.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, type ScenarioParts, idOf, sampleOfCalls, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';

const FAULTS = 600;
const STOPS = 100;
const AT_ONCE = 100;
const USES = 200;

/** Never left to the sample: an account that refuses a step, which is then taken back in the others. */
const TELLING = /Retire versions: ec2:(EnableImageDeprecation|DisableImage) in .* denied$/;

const RUNS = [
  ['inventory', { run: 'inventory' }, 'taken'],
  ['retirement', { run: 'retirement' }, 'retired'],
  ['undo', { run: 'undo' }, 'restored'],
  ['undo from the bin', { run: 'undo', gone: true }, 'restored'],
] as const satisfies readonly (readonly [string, Retire, RetireEnd])[];

const retiring = (category: string, retire: Retire, parts: ScenarioParts): SandboxScenario =>
  scenarioOf(category, { size: 'two', past: 'first release', actors: [], ...parts, retire });

const isOfRun = ({ point }: RecordedCall): boolean => point.who === 'inventory' || point.who === 'retirement';
const isCall = (call: RecordedCall): boolean =>
  !isOfService(call.point.operation) && call.point.operation !== 'sts:AssumeRole';

export async function retirements(baseline: Baseline, sampler: SeededSampler): Promise<Category[]> {
  const recorded = async (retire: Retire): Promise<RecordedCall[]> =>
    (await record(baseline, retiring('recording', retire, {}))).filter(isOfRun);
  const all: { name: string; retire: Retire; end: RetireEnd; calls: RecordedCall[] }[] = [];
  for (const [name, retire, end] of RUNS) all.push({ name, retire, end, calls: await recorded(retire) });
  const faults = all.flatMap(({ name, retire, end, calls }) =>
    faultsIn(calls)
      .filter((fault) => !deceives(fault) || isDeceivable(fault.point))
      .map((fault) =>
        retiring(
          'a fault in a retirement',
          { ...retire, ...(mustPass(fault) && { ends: [end] }) },
          { faults: [fault], labels: [name, nameOfFault(fault)] },
        ),
      ),
  );
  const telling = faults.filter(({ id }) => TELLING.test(id));
  const stops = all.flatMap(({ name, retire, calls }) =>
    calls.filter(isCall).map(({ point }) =>
      retiring('a retirement is stopped', retire, {
        stopAfter: point,
        labels: [name, `after ${nameOfPoint(point)}`],
      }),
    ),
  );
  const calls = all.find(({ name }) => name === 'retirement')?.calls.filter(isCall) ?? [];
  const beside = calls.flatMap(({ point }) =>
    (['retirement', 'undo'] as const).map((run) =>
      retiring(
        'two retirements at once',
        { run: 'retirement', other: { run, after: point } },
        { labels: [`another ${run} begins after ${nameOfPoint(point)}`], mayMiss: true },
      ),
    ),
  );
  return [
    {
      name: 'a retirement',
      atLeast: 28,
      scenarios: [
        ...all.map(({ name, retire, end }) =>
          retiring('a retirement', { ...retire, ends: [end] }, { labels: [name] }),
        ),
        retiring(
          'a retirement',
          { run: 'retirement', noRule: true, ends: ['retired'] },
          { labels: ['retirement', 'one target has no rule that keeps snapshots'] },
        ),
        ...LEAVING.flatMap((of) =>
          USERS_OF[of].map((by) =>
            retiring(
              'a retirement',
              { run: 'retirement', user: { by, of }, ends: ['retired'] },
              { labels: [`${by} uses what is ${of}`] },
            ),
          ),
        ),
      ],
    },
    {
      name: 'a fault in a retirement',
      // A sample of calls takes whole faults of each, so it may hold a few less.
      atLeast: FAULTS - 20,
      scenarios: [...telling, ...sampleOfCalls(faults, FAULTS - telling.length, sampler)],
    },
    { name: 'a retirement is stopped', atLeast: 60, scenarios: sampler.sampleOrAll(stops, STOPS, idOf) },
    { name: 'two retirements at once', atLeast: 40, scenarios: sampler.sampleOrAll(beside, AT_ONCE, idOf) },
    {
      name: 'used while it is retired',
      atLeast: 40,
      scenarios: sampler.sampleOrAll(usedMeanwhile(calls), USES, idOf),
    },
  ];
}

/** Nobody can share what is disabled. */
const USERS_OF = {
  'to deprecate': USER_NAMES,
  'to disable': USER_NAMES,
  'to deregister': USER_NAMES.filter((name) => name !== 'another account'),
} as const;

/** Until the first place is looked at: from then on it is a matter of moments whether the use begins before the step or after it. */
function usedMeanwhile(calls: readonly RecordedCall[]): SandboxScenario[] {
  const last = calls.findIndex(({ point }) => point.operation === 'ec2:DescribeImageReferences');
  return calls
    .slice(0, Math.max(0, last))
    .flatMap(({ point }) =>
      LEAVING.flatMap((of) =>
        USERS_OF[of].map((by) =>
          retiring(
            'used while it is retired',
            { run: 'retirement', user: { by, of, after: point } },
            { labels: [`${by} uses what is ${of}`, `after ${nameOfPoint(point)}`] },
          ),
        ),
      ),
    );
}

/** What there was before cannot be told from what there is now where nothing has changed in between. */
const isDeceivable = ({ state }: InjectionPoint): boolean => state !== STATE_NAMES.planInventory;

const mustPass = (fault: SandboxFault): boolean => passes(fault) && !deceives(fault);
