import { NAMES } from './names.ts';

/** A folder of the hub's bucket; `keys` says what is in it. */
export type BucketFolder = 'sources' | 'plans' | 'released' | 'sweeps';

/** A task: the code of one state, `tasks/<its name>.ts`, and all that its function may touch. */
export interface TaskAccess {
  /** Whether it acts in target accounts, through their steward role. */
  readonly steward?: true;
  readonly reads?: readonly BucketFolder[];
  /** What it reads besides in a factory that has AMIs deprecated. */
  readonly readsToDeprecate?: readonly BucketFolder[];
  readonly writes?: readonly BucketFolder[];
  /** To see what is there, and what is not. */
  readonly lists?: readonly BucketFolder[];
  /** What it may do with executions, by their machine. */
  readonly executions?: Readonly<Record<string, readonly ExecutionAction[]>>;
  /** The machines whose executions it may list. */
  readonly listsExecutionsOf?: readonly string[];
  /** Whether it puts events on the bus. */
  readonly announces?: true;
}

export type ExecutionAction =
  'states:DescribeExecution' | 'states:GetExecutionHistory' | 'states:StopExecution';

const LOOK: readonly ExecutionAction[] = ['states:DescribeExecution', 'states:GetExecutionHistory'];

/**
 * Every task, by the name of its file: one row gives it its function, its permissions, and its place in a rehearsal. A name that is
 * not here does not compile.
 */
const ROWS = {
  'plan-releases': { reads: ['sources'], writes: ['plans'] },
  'summarise-releases': {},
  'resolve-source-amis': {
    steward: true,
    reads: ['plans'],
    // What a retry asks of the attempts before it.
    executions: { [NAMES.releaseImageMachine]: LOOK, [NAMES.bakeBatchMachine]: ['states:DescribeExecution'] },
    listsExecutionsOf: [NAMES.sweepMachine],
  },
  'check-amis': { steward: true, reads: ['plans'] },
  'apply-version-tags': { steward: true, readsToDeprecate: ['plans'] },
  'publish-release': { steward: true },
  'announce-release': { reads: ['plans'], writes: ['released'], announces: true },
  'withdraw-publication': { steward: true },
  'deregister-amis': { steward: true },
  'verify-rollback': { steward: true },
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
    executions: {
      [NAMES.releaseImageMachine]: LOOK,
      [NAMES.bakeBatchMachine]: ['states:DescribeExecution', 'states:StopExecution'],
    },
  },
  'report-sweep': { reads: ['sweeps'], lists: ['sweeps'] },
} as const satisfies Readonly<Record<string, TaskAccess>>;

export type TaskName = keyof typeof ROWS;

export const TASKS: Readonly<Record<TaskName, TaskAccess>> = ROWS;

/** Whether a word is the name of a task. */
export const isTaskName = (name: string): name is TaskName => Object.hasOwn(TASKS, name);

export const taskNames = (): TaskName[] => Object.keys(TASKS).filter(isTaskName);

/** The tasks that act in target accounts. */
export const stewards = (): TaskName[] => taskNames().filter((name) => TASKS[name].steward);

/** The name of a task's Lambda function. */
export const functionName = (task: TaskName): string => `packleader-${task}`;
