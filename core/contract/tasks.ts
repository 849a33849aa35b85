import { NAMES } from './names.ts';

/** A folder of the hub's bucket; `keys` says what is in it. */
export type BucketFolder =
  | 'bakes'
  | 'sources'
  | 'plans'
  | 'released'
  | 'sboms'
  | 'scans'
  | 'sweeps'
  | 'repoints'
  | 'revoked'
  | 'tests'
  | 'permissions';

/** A task: the code of one state, `tasks/<its name>.ts`, and all that its function may touch. */
export interface TaskAccess {
  /** Whether it acts in target accounts, through their steward role. */
  readonly steward?: true;
  /** Whether it boots AMIs there, through their tester role. */
  readonly tester?: true;
  /** Whether it copies AMIs there, through their copier role. */
  readonly copier?: true;
  readonly reads?: readonly BucketFolder[];
  /** What it reads besides in a factory that has AMIs deprecated. */
  readonly readsToDeprecate?: readonly BucketFolder[];
  /** What it reads, writes and lists besides in a factory whose AMIs others may launch. */
  readonly toShare?: Pick<TaskAccess, 'reads' | 'writes' | 'lists'>;
  /** What it reads, writes and lists besides in a factory that copies AMIs; of both it gets the first that it has. */
  readonly toCopy?: Pick<TaskAccess, 'reads' | 'writes' | 'lists'>;
  readonly writes?: readonly BucketFolder[];
  /** To see what is there, and what is not. */
  readonly lists?: readonly BucketFolder[];
  /** What it may do with executions, by their machine. */
  readonly executions?: Readonly<Record<string, readonly ExecutionAction[]>>;
  /** The machines whose executions it may list. */
  readonly listsExecutionsOf?: readonly string[];
  /** Whether it puts events on the bus. */
  readonly announces?: true;
  /** Whether it answers Tasks that wait. */
  readonly answersTasks?: true;
  /** Whether it lets Amazon Inspector scan SBOMs, or reads what a command of one's own found, where one is deployed. */
  readonly scans?: true;
  /** The machine whose role it must know, to tell what that started from what people start. */
  readonly findsStartersOf?: string;
  /** What must be switched on at deployment for it to be there. */
  readonly partOf?: Part;
}

/** What a factory may switch off, or on. */
export type Part = 'retiring' | 'tests' | 'copies' | 'scans' | 'approval' | 'retry';

export type ExecutionAction =
  'states:DescribeExecution' | 'states:GetExecutionHistory' | 'states:StopExecution';

/** What was given to whom is written down, and read before it is taken back. */
const PERMISSIONS = { reads: ['permissions'], lists: ['permissions'] } as const;
const GIVES = { ...PERMISSIONS, writes: ['permissions'] } as const;

/** Whether a later attempt of the release is there. */
const LATER_ATTEMPT = { [NAMES.releaseImageMachine]: ['states:DescribeExecution'] } as const;
const HISTORY: readonly ExecutionAction[] = ['states:GetExecutionHistory'];
const LOOK: readonly ExecutionAction[] = ['states:DescribeExecution', 'states:GetExecutionHistory'];

/**
 * Every task, by the name of its file: one row gives it its function, its permissions, and its place in a rehearsal. A name that is
 * not here does not compile.
 */
const ROWS = {
  'plan-releases': {
    // Records, and what was revoked: `{}` bakes again what was built on it.
    reads: ['sources', 'released', 'revoked'],
    writes: ['plans'],
    lists: ['released', 'revoked'],
  },
  'summarise-releases': {},
  'resolve-source-amis': {
    steward: true,
    reads: ['plans'],
    // What a retry asks of the attempts before it.
    executions: { [NAMES.releaseImageMachine]: LOOK, [NAMES.bakeBatchMachine]: ['states:DescribeExecution'] },
    listsExecutionsOf: [NAMES.sweepMachine],
    announces: true,
  },
  // Whether the attempt before hands its AMIs over, and whether a later one takes them.
  'take-over-amis': { executions: { [NAMES.releaseImageMachine]: LOOK }, partOf: 'retry' },
  'clear-failed-stage': {
    steward: true,
    toCopy: GIVES,
    executions: LATER_ATTEMPT,
    announces: true,
    partOf: 'retry',
  },
  'await-retry': { executions: { [NAMES.releaseImageMachine]: LOOK }, partOf: 'retry' },
  'copy-amis': {
    copier: true,
    reads: ['plans', 'permissions'],
    writes: ['permissions'],
    lists: ['permissions'],
    executions: LATER_ATTEMPT,
    partOf: 'copies',
  },
  'unshare-amis': {
    steward: true,
    ...GIVES,
    executions: LATER_ATTEMPT,
    partOf: 'copies',
  },
  'check-amis': { steward: true, reads: ['plans'], executions: LATER_ATTEMPT },
  'test-amis': {
    tester: true,
    reads: ['plans'],
    writes: ['plans', 'tests'],
    lists: ['plans'],
    executions: LATER_ATTEMPT,
    partOf: 'tests',
  },
  'compare-amis': {
    steward: true,
    reads: ['plans', 'bakes'],
    writes: ['plans', 'sboms'],
    executions: LATER_ATTEMPT,
  },
  'scan-amis': {
    reads: ['plans', 'sboms'],
    writes: ['plans'],
    lists: ['plans'],
    scans: true,
    executions: LATER_ATTEMPT,
    partOf: 'scans',
  },
  approve: {
    reads: ['plans', 'released', 'revoked', 'bakes'],
    lists: ['released', 'revoked', 'bakes'],
    executions: LATER_ATTEMPT,
    announces: true,
    partOf: 'approval',
  },
  'answer-approval': {
    executions: {
      [NAMES.releaseImageMachine]: LOOK,
      // When the release began that it is of.
      [NAMES.releaseMachine]: ['states:DescribeExecution'],
    },
    findsStartersOf: NAMES.releaseMachine,
    answersTasks: true,
    announces: true,
    partOf: 'approval',
  },
  'apply-version-tags': { steward: true, readsToDeprecate: ['plans'], executions: LATER_ATTEMPT },
  'publish-release': {
    steward: true,
    toShare: { ...GIVES, reads: ['plans', 'permissions'] },
    executions: LATER_ATTEMPT,
  },
  'announce-release': {
    reads: ['plans'],
    writes: ['released'],
    // Where the time of the release went.
    executions: { [NAMES.releaseImageMachine]: HISTORY, [NAMES.bakeBatchMachine]: HISTORY },
    announces: true,
  },
  'withdraw-publication': { steward: true, toShare: GIVES, executions: LATER_ATTEMPT },
  'deregister-amis': { steward: true, toShare: PERMISSIONS, executions: LATER_ATTEMPT },
  'verify-rollback': { steward: true, toShare: PERMISSIONS, toCopy: PERMISSIONS, executions: LATER_ATTEMPT },
  'announce-rollback': { announces: true },
  'find-dead-releases': {
    steward: true,
    reads: ['plans'],
    writes: ['sweeps'],
    lists: ['plans', 'released'],
    executions: { [NAMES.releaseImageMachine]: LOOK },
  },
  'sweep-release': {
    steward: true,
    reads: ['sweeps'],
    writes: ['sweeps'],
    lists: ['released'],
    toShare: GIVES,
    toCopy: GIVES,
    executions: {
      [NAMES.releaseImageMachine]: LOOK,
      [NAMES.bakeBatchMachine]: ['states:DescribeExecution', 'states:StopExecution'],
    },
  },
  'report-sweep': { reads: ['sweeps'], lists: ['sweeps'] },
  'plan-repoint': {
    steward: true,
    reads: ['released', 'revoked', 'repoints'],
    writes: ['repoints'],
    lists: ['released', 'revoked', 'repoints'],
    // Whether who claimed an image before is still at work.
    executions: { [NAMES.repointMachine]: ['states:DescribeExecution'] },
    // What runs beside it is told, and goes on.
    listsExecutionsOf: [NAMES.releaseImageMachine],
  },
  'enable-amis': { steward: true, reads: ['repoints'] },
  'mark-versions': { steward: true, reads: ['repoints'] },
  'point-latest': { steward: true, reads: ['repoints'] },
  'disable-amis': { steward: true, reads: ['repoints'] },
  'put-back-versions': { steward: true, reads: ['repoints'] },
  'record-repoint': {
    reads: ['repoints', 'revoked'],
    writes: ['revoked'],
    lists: ['revoked'],
    announces: true,
  },
  'plan-inventory': { partOf: 'retiring' },
  'take-inventory': { steward: true, partOf: 'retiring' },
  'report-inventory': { partOf: 'retiring' },
  'retire-versions': { steward: true, announces: true, partOf: 'retiring' },
  'restore-version': { steward: true, announces: true, partOf: 'retiring' },
} as const satisfies Readonly<Record<string, TaskAccess>>;

export type TaskName = keyof typeof ROWS;

export const TASKS: Readonly<Record<TaskName, TaskAccess>> = ROWS;

/** Whether a word is the name of a task. */
export const isTaskName = (name: string): name is TaskName => Object.hasOwn(TASKS, name);

export const taskNames = (): TaskName[] => Object.keys(TASKS).filter(isTaskName);

/** The tasks that act in target accounts; those of a part only where that is switched on. */
export const stewards = (isOn: Readonly<Record<Part, boolean>>): TaskName[] =>
  taskNames().filter((name) => {
    const { steward, partOf } = TASKS[name];
    return steward && (partOf === undefined || isOn[partOf]);
  });

/** The name of a task's Lambda function. */
export const functionName = (task: TaskName): string => `packleader-${task}`;
