/** The fault model: which faults make sense for which call, and which of them a release outlasts. */
import type { SandboxFault, SandboxFaultKind } from '../sandbox/fault-kinds.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';

const CALLS_OF_LAMBDA: readonly SandboxFaultKind[] = [
  'refused',
  'unreachable',
  'denied',
  'throttled 3 times',
  'throttled 30 times',
  'slow',
  'slow always',
  'dies',
];
const CALLS_OF_STEP_FUNCTIONS: readonly SandboxFaultKind[] = [
  'refused',
  'unreachable',
  'denied',
  'throttled 3 times',
  'throttled 30 times',
  'slow',
];
const CALLS_OF_PACKER: readonly SandboxFaultKind[] = ['refused', 'denied', 'slow', 'killed'];
const SERVICE: readonly SandboxFaultKind[] = [
  'unreachable',
  'denied',
  'lost',
  'throttled 3 times',
  'throttled 30 times',
  'slow',
  'slow always',
  'slow after',
];

/** What a task outlasts, wherever it happens, because the state's retries come back. */
const PASSING: readonly SandboxFaultKind[] = [
  'unreachable',
  'lost',
  'throttled 3 times',
  'not ready 3 times',
  'slow',
  'slow after',
  'dies',
  'late',
];
/** What Step Functions can start again without doing it twice. */
const PASSING_AT_START: readonly SandboxFaultKind[] = ['unreachable', 'throttled 3 times', 'full 3 times'];
/** Tasks that go on with everything else, and come back for what is left. */
const UNDOES = /^(Withdraw|Deregister|Put back)/;
/** Looks that are repeated until they show what must be there. Others look for what must be gone, and may be deceived. */
const INSISTS = /^(Check|Apply|Publish|Announce release|Mark versions|Point latest|Enable AMIs|Disable AMIs)/;
const STALE: readonly SandboxFaultKind[] = ['partial', 'stale', 'stale by two', 'stale for 30 s'];

/** Whether a release must go on as if nothing had been, and an undo or a sweep too. */
export function passes(fault: SandboxFault): boolean {
  const {
    point: { state, by, operation },
    kind,
  } = fault;
  // A report that cannot be made holds nothing up.
  if (state === 'Compare AMIs') return true;
  if (by === 'packer')
    return kind === 'no room' || (kind === 'interrupted' && operation !== 'ec2:CreateImage');
  if (isRunByStepFunctions(state))
    return (
      /:Start(Build|Execution)$/.test(operation) &&
      (PASSING_AT_START.includes(kind) || (kind === 'lost' && operation === 'codebuild:StartBuild'))
    );
  return (
    isOutlasted(fault) ||
    (kind === 'refused' && UNDOES.test(state)) ||
    (STALE.includes(kind) && INSISTS.test(state))
  );
}

/** Whether a task that something depends on outlasts it: what its retries are for. */
export const isOutlasted = ({ kind }: SandboxFault): boolean => PASSING.includes(kind);

/** Builds and nested executions are no tasks: Step Functions itself calls AWS there. */
const isRunByStepFunctions = (state: string): boolean =>
  /^(Bake|Fetch source|Validate templates|Release each|Run scanner)/.test(state);

export function kindsFor({ point, mutating, items, olderAnswers }: RecordedCall): SandboxFaultKind[] {
  const { operation, by } = point;
  if (operation === 'codebuild:startBuild.sync') return ['too much'];
  if (operation === 'states:StartExecution') return [...SERVICE, 'too much'];
  if (operation === 'lambda:Invoke') return [...SERVICE, 'not ready 3 times', 'too much'];
  if (by === 'packer') {
    const launch: SandboxFaultKind[] = /:(RunInstances|CreateFleet)$/.test(operation) ? ['no room'] : [];
    return [...CALLS_OF_PACKER, ...launch, ...(mutating ? (['lost'] as const) : [])];
  }
  const usual = isRunByStepFunctions(point.state) ? CALLS_OF_STEP_FUNCTIONS : CALLS_OF_LAMBDA;
  const kinds = [...usual];
  if (operation === 'codebuild:StartBuild') kinds.push('full 3 times', 'full always');
  if (mutating) kinds.push('lost', 'lost always', 'slow after');
  if (/:(CreateTags|EnableImageDeprecation|PutParameter)$/.test(operation)) kinds.push('late');
  if (operation === 'eventbridge:PutEvents' || (operation === 'ec2:CreateTags' && items > 1))
    kinds.push('partial');
  // Who uses an AMI is asked before it is deregistered; nobody uses a candidate, so nothing can be left out.
  if (!mutating && items > 0 && operation !== 'ec2:DescribeImageReferences') kinds.push('partial');
  // Every session is another one, and none of them is older than the world.
  if (operation === 'sts:AssumeRole') return kinds;
  if (olderAnswers > 0) kinds.push('stale', 'stale for 30 s');
  if (olderAnswers > 1) kinds.push('stale by two');
  return kinds;
}

/** Polls of a build that runs are all alike: the first two and the last two of each place stand for them. */
export function withoutMiddlePolls(calls: readonly RecordedCall[]): RecordedCall[] {
  const isPoll = ({ point }: RecordedCall): boolean =>
    point.operation === 'codebuild:BatchGetBuilds' && point.state.startsWith('Bake ');
  const isWait = ({ point }: RecordedCall): boolean =>
    point.by === 'packer' && /Describe(Instances|Images)$/.test(point.operation);
  const last = new Map<string, number>();
  const key = ({ point: { state, place, operation } }: RecordedCall): string =>
    `${state} ${operation} ${place}`;
  for (const call of calls) last.set(key(call), call.point.nth);
  return calls.filter(
    (call) =>
      (!isPoll(call) && !isWait(call)) ||
      call.point.nth <= 2 ||
      call.point.nth > (last.get(key(call)) ?? 0) - 2,
  );
}

/** Of looks that wait, the first two and the last two of each kind stand for all. */
export function firstAndLast(calls: readonly RecordedCall[]): RecordedCall[] {
  const kinds = Map.groupBy(calls, ({ point }) => `${point.state} ${point.operation} ${point.place}`);
  return [...kinds.values()].flatMap((list) =>
    list.filter((_, index) => index < 2 || index >= list.length - 2),
  );
}

/** Every fault that makes sense at one of these calls. */
export const faultsIn = (calls: readonly RecordedCall[]): SandboxFault[] =>
  calls.flatMap((call) => kindsFor(call).map((kind) => ({ point: call.point, kind })));

/** Calls that Step Functions itself makes, and whole builds; not those of an SDK client. */
export const isOfService = (operation: string): boolean => /^(lambda|states):|\.sync$/.test(operation);
