/** Going back to an older version, revoking one and restoring it: refused, lost, stopped, beside another one, beside a release. */
import { STATE_NAMES } from '../../../core/contract/state-names.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { type Baseline, IMAGE, RELEASED, targetsOf } from '../player/baseline.ts';
import { deceives, nameOfFault } from '../player/faults.ts';
import { type InjectionPoint, nameOfPoint } from '../player/injection-points.ts';
import type { Asked, Repoint } from '../player/scenario.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, type ScenarioParts, idOf, sampleOfCalls, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';

const FAULTS = 500;
const STOPS = 200;
const BESIDE = 120;

/** Never left to the sample: an account that keeps what it has. */
const TELLING = /Put back versions: (ec2|ssm):(Create|Put)\w+ in .* denied$/;

const [FIRST, SECOND, THIRD] = RELEASED;

const ROLLBACK: Asked = {
  request: { rollback: IMAGE, to: FIRST, reason: 'it does not boot' },
  becomes: { latest: FIRST, versions: { [SECOND]: 'revoked', [THIRD]: 'revoked' } },
};
const TO_THE_ONE_BEFORE: Asked = {
  request: { rollback: IMAGE },
  becomes: { latest: SECOND, versions: { [THIRD]: 'revoked' } },
};
const REVOKE: Asked = {
  request: { revoke: `${IMAGE}@${THIRD}`, reason: 'it holds a key', disable: true },
  becomes: { latest: SECOND, versions: { [THIRD]: 'revoked and disabled' } },
};
const RESTORE: Repoint = {
  earlier: REVOKE.request,
  request: { restore: `${IMAGE}@${THIRD}` },
  becomes: { latest: THIRD, versions: { [THIRD]: 'released' } },
};

const ASKED: readonly (readonly [name: string, repoint: Repoint])[] = [
  ['rollback', ROLLBACK],
  ['revoke and disable', REVOKE],
  ['restore', RESTORE],
];

const repointing = (category: string, repoint: Repoint, parts: ScenarioParts): SandboxScenario =>
  scenarioOf(category, { size: 'two', past: 'first release', actors: [], ...parts, repoint });

const isOfRepoint = ({ point }: RecordedCall): boolean => point.who === 'repoint';
const isCall = (call: RecordedCall): boolean =>
  isOfRepoint(call) && !isOfService(call.point.operation) && call.point.operation !== 'sts:AssumeRole';

export async function repoints(baseline: Baseline, sampler: SeededSampler): Promise<Category[]> {
  const all: {
    name: string;
    repoint: Repoint;
    calls: RecordedCall[];
    undo: RecordedCall[];
    fails: SandboxFault;
  }[] = [];
  for (const [name, repoint] of ASKED) {
    const calls = await recorded(baseline, repoint, []);
    const fails = lastEffect(calls);
    const undo = (await recorded(baseline, repoint, [fails])).filter(
      ({ point }) => point.state === STATE_NAMES.putBackVersions,
    );
    all.push({ name, repoint, calls, undo, fails });
  }
  const [rollback] = all;
  const faults = all.flatMap(({ name, repoint, calls, undo, fails }) => [
    ...faultsOf(calls).map((fault) => withFault(name, repoint, [], fault)),
    ...faultsOf(undo).map((fault) => withFault(name, repoint, [fails], fault)),
  ]);
  const telling = faults.filter(({ id }) => TELLING.test(id));
  const stops = all.flatMap(({ name, repoint, calls, undo, fails }) => [
    ...calls.filter(isCall).map(({ point }) => stopped(name, repoint, [], point)),
    ...undo.filter(isCall).map(({ point }) => stopped(name, repoint, [fails], point)),
  ]);
  return [
    {
      name: 'a repoint',
      atLeast: 11,
      scenarios: [
        ...[...ASKED, ['rollback to the one before', TO_THE_ONE_BEFORE] as const].map(([name, repoint]) =>
          repointing('a repoint', { ...repoint, ends: ['repointed'] }, { labels: [name] }),
        ),
        ...oldMarks(baseline),
        ...(['AMI', 'parameter'] as const).map((gone) =>
          repointing(
            'a repoint',
            { ...ROLLBACK, gone, ends: ['not repointed'] },
            { labels: ['rollback', `the ${gone} is gone`] },
          ),
        ),
        ...all.map(({ name, repoint, fails }) =>
          repointing(
            'a repoint',
            { ...repoint, ends: ['put back'] },
            { labels: [name, 'fails'], faults: [fails] },
          ),
        ),
      ],
    },
    {
      name: 'a fault in a repoint',
      // A sample of calls takes whole faults of each, so it may hold a few less.
      atLeast: FAULTS - 20,
      scenarios: [...telling, ...sampleOfCalls(faults, FAULTS - telling.length, sampler)],
    },
    { name: 'a repoint is stopped', atLeast: STOPS, scenarios: sampler.sampleOrAll(stops, STOPS, idOf) },
    { name: 'two repoints at once', atLeast: 30, scenarios: atOnce(rollback?.calls ?? []) },
    {
      name: 'a repoint beside a release',
      atLeast: BESIDE,
      scenarios: sampler.sampleOrAll(await besideRelease(baseline, rollback?.calls ?? []), BESIDE, idOf),
    },
  ];
}

/** Nothing looks at the marks once they are read back. If something does, EC2 may show it what was there before. */
const oldMarks = (baseline: Baseline): SandboxScenario[] =>
  targetsOf(baseline).map((target) => {
    const state = STATE_NAMES.pointLatest;
    const place = targetName(target);
    const point = {
      who: 'repoint',
      state,
      by: 'state',
      operation: 'ec2:DescribeImages',
      place,
      nth: 1,
    } as const;
    return repointing(
      'a repoint',
      { ...ROLLBACK, ends: ['repointed'] },
      { faults: [{ point, kind: 'stale for 30 s' }], labels: ['rollback', `${place} shows an old mark`] },
    );
  });

const recorded = async (
  baseline: Baseline,
  repoint: Repoint,
  faults: readonly SandboxFault[],
): Promise<RecordedCall[]> =>
  (await record(baseline, repointing('recording', repoint, { faults }))).filter(isOfRepoint);

/** The last thing it changes in any account is refused for ever there. */
function lastEffect(calls: readonly RecordedCall[]): SandboxFault {
  const found = calls.findLast(
    ({ point, mutating }) => mutating && /^\d/.test(point.place) && !isOfService(point.operation),
  );
  if (!found) throw new Error('A repoint changes nothing in any account.');
  const { point } = found;
  return { point: { ...point, nth: 1 }, kind: 'denied' };
}

/** S3 shows what was written at once, and every service what was a day ago: nobody can be deceived there. */
const isDeceivable = ({ state, operation }: InjectionPoint): boolean =>
  state !== STATE_NAMES.planRepoint &&
  !operation.startsWith('s3:') &&
  !(state === STATE_NAMES.enableAmis && operation === 'ec2:DescribeImageAttribute');

const faultsOf = (calls: readonly RecordedCall[]): SandboxFault[] =>
  faultsIn(calls).filter((fault) => !deceives(fault) || isDeceivable(fault.point));

/** Without its plan nothing can be put back; whatever else refuses is tried again. */
const mustPass = (fault: SandboxFault): boolean =>
  passes(fault) && !(fault.kind === 'refused' && fault.point.operation.startsWith('s3:'));

function withFault(
  name: string,
  repoint: Repoint,
  before: readonly SandboxFault[],
  fault: SandboxFault,
): SandboxScenario {
  const end = before.length === 0 ? 'repointed' : 'put back';
  return repointing(
    'a fault in a repoint',
    { ...repoint, ...(mustPass(fault) && { ends: [end] }) },
    { faults: [...before, fault], labels: [name, nameOfFault(fault)] },
  );
}

const stopped = (
  name: string,
  repoint: Repoint,
  faults: readonly SandboxFault[],
  point: InjectionPoint,
): SandboxScenario =>
  repointing('a repoint is stopped', repoint, {
    faults,
    stopAfter: point,
    labels: [name, `after ${nameOfPoint(point)}`],
  });

/** Whoever comes first does it, and the other one is refused, or comes once it has ended. */
const atOnce = (calls: readonly RecordedCall[]): SandboxScenario[] =>
  calls
    .filter(isCall)
    .map(({ point }) =>
      repointing(
        'two repoints at once',
        { ...TO_THE_ONE_BEFORE, other: { ...ROLLBACK, after: point } },
        { labels: [`the other begins after ${nameOfPoint(point)}`], mayMiss: true },
      ),
    );

/**
 * It runs while a call of the release waits, or waits itself while the release is published, or withdrawn: what that has not begun
 * to show yet, or shows in the first account already.
 */
async function besideRelease(baseline: Baseline, calls: readonly RecordedCall[]): Promise<SandboxScenario[]> {
  const beside = async (faults: readonly SandboxFault[]): Promise<RecordedCall[]> =>
    (await record(baseline, repointing('recording', ROLLBACK, { actors: ['A'], faults }))).filter(
      isPublishing,
    );
  const good = await beside([]);
  const failing = good.findLast(({ point }) => point.operation === 'ssm:PutParameter');
  if (!failing) throw new Error('Nothing is ever published.');
  const fault: SandboxFault = { point: failing.point, kind: 'denied' };
  const undone = await beside([fault]);
  const planned = calls.findLastIndex(
    ({ point }) => point.state === STATE_NAMES.planRepoint && /^s3:(List|Get)/.test(point.operation),
  );
  const courses = [
    ['a release', [], good],
    ['a release that fails', [fault], undone],
  ] as const;
  return courses.flatMap(([name, faults, release]) => {
    const published = release.filter(({ point }) => point.state === STATE_NAMES.publishRelease);
    const shown = published.findLast(({ point }) => point.place !== failing.point.place);
    const held = [published[0], shown].flatMap((call) => (call ? [call.point] : []));
    const parts = { actors: ['A'], faults, mayMiss: true } as const;
    return [
      ...release.map(({ point }) =>
        repointing(
          'a repoint beside a release',
          { ...ROLLBACK, amid: point },
          { ...parts, labels: [name, `while it waits for ${nameOfPoint(point)}`] },
        ),
      ),
      // A release that has a record by then is above the version that is gone back to.
      ...calls
        .slice(planned)
        .filter(isCall)
        .flatMap(({ point }) =>
          held.map((amid) =>
            repointing(
              'a repoint beside a release',
              { ...ROLLBACK, amid, until: point },
              { ...parts, labels: [name, `between ${nameOfPoint(amid)}`, `and ${nameOfPoint(point)}`] },
            ),
          ),
        ),
    ];
  });
}

const isPublishing = ({ point }: RecordedCall): boolean =>
  point.who === 'A' && /^(Publish|Withdraw)/.test(point.state) && point.operation.startsWith('ssm:');
