import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { NAMES } from '../tasks/contract.ts';
import { lookAtExecutions } from './customer-key.ts';
import { HubFunction } from './hub-function.ts';
import { keyStatements } from './release-bucket.ts';
import { mayAssume, taskRole } from './role-names.ts';
import type { Wildcards } from './wildcards.ts';
import * as timeouts from './timeouts.ts';

/** Tasks that act in target accounts, through the steward role. */
export const STEWARDS = [
  'resolve-source-amis',
  'check-amis',
  'apply-version-tags',
  'publish-release',
  'withdraw-publication',
  'deregister-amis',
  'verify-rollback',
  'find-dead-releases',
  'sweep-release',
];
/** The folders of the bucket that a task reads, and those that it writes. */
const READS: Readonly<Record<string, readonly string[]>> = {
  'plan-releases': ['sources'],
  'resolve-source-amis': ['plans'],
  'announce-release': ['plans'],
  'find-dead-releases': ['plans'],
  'sweep-release': ['sweeps'],
  'report-sweep': ['sweeps'],
};
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'plan-releases': ['plans'],
  'announce-release': ['released'],
  'find-dead-releases': ['sweeps'],
  'sweep-release': ['sweeps'],
};
/** The folders that a task lists: to see what is there, and what is not. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  'find-dead-releases': ['plans', 'released'],
  'sweep-release': ['released'],
  'report-sweep': ['sweeps'],
};
/** What a task may do with executions, by their machine. */
const EXECUTIONS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'find-dead-releases': {
    [NAMES.releaseImageMachine]: ['states:DescribeExecution', 'states:GetExecutionHistory'],
  },
  'sweep-release': {
    [NAMES.releaseImageMachine]: ['states:DescribeExecution', 'states:GetExecutionHistory'],
    [NAMES.bakeBatchMachine]: ['states:DescribeExecution', 'states:StopExecution'],
  },
};
const ANNOUNCERS = ['announce-release', 'announce-rollback'];

const WILDCARDS: Wildcards = {
  '*': 'X-Ray has no resources.',
  '/plans/*': 'Each release has a folder of its own, named after its execution.',
  '/sources/*': 'A source has the name of its commit.',
  '/released/*': 'One record for each version of each image.',
  '/sweeps/*': 'Each sweep has a folder of its own, named after its execution.',
  [`:execution:${NAMES.releaseImageMachine}:*`]:
    'Releases of any name may be dead; their names are made when they start.',
  [`:execution:${NAMES.bakeBatchMachine}:*`]:
    'The bakes of any dead release; their names are made when they start.',
};

/** One Lambda function per task file; each is made when a state asks for it. */
export class TaskFunctions extends Construct {
  readonly #functions = new Map<string, HubFunction>();
  readonly #grants: ((file: string, task: HubFunction) => void)[] = [];

  of(file: string): HubFunction {
    const existing = this.#functions.get(file);
    if (existing) return existing;
    const task = new HubFunction(this, file, {
      file: `tasks/${file}`,
      functionName: `packleader-${file}`,
      roleName: taskRole(file),
      description: `The task ${file} of packleader.`,
      timeout: Duration.seconds(timeouts.LAMBDA.toSeconds()),
      wildcards: WILDCARDS,
    });
    for (const grant of this.#grants) grant(file, task);
    if (ANNOUNCERS.includes(file))
      EventBus.fromEventBusName(this, `${file}-bus`, 'default').grantPutEventsTo(task);
    this.#functions.set(file, task);
    return task;
  }

  /** Which tasks read plans and sources, and which write plans and records. */
  mayUse(bucket: Bucket): void {
    this.#grants.push((file, task) => {
      const may = (action: string, folders: readonly string[] | undefined) => {
        if (folders === undefined) return;
        const resources = folders.map((folder) => bucket.arnForObjects(`${folder}/*`));
        task.addToRolePolicy(new PolicyStatement({ actions: [action], resources }));
      };
      may('s3:GetObject', READS[file]);
      may('s3:PutObject', WRITES[file]);
      if (READS[file]) for (const statement of keyStatements(bucket, 'read')) task.addToRolePolicy(statement);
      if (WRITES[file])
        for (const statement of keyStatements(bucket, 'write')) task.addToRolePolicy(statement);
      const lists = LISTS[file];
      if (lists === undefined) return;
      task.addToRolePolicy(
        new PolicyStatement({
          actions: ['s3:ListBucket'],
          resources: [bucket.bucketArn],
          conditions: { StringLike: { 's3:prefix': lists.map((folder) => `${folder}/*`) } },
        }),
      );
    });
  }

  /** Which tasks look at executions, and which stop them; `key` encrypts the machines. */
  mayUseExecutions(key?: Key): void {
    const { account, region } = Stack.of(this);
    this.#grants.push((file, task) => {
      const machines = Object.keys(EXECUTIONS[file] ?? {});
      if (key && machines.length > 0) task.addToRolePolicy(lookAtExecutions(key, machines));
      for (const [machine, actions] of Object.entries(EXECUTIONS[file] ?? {})) {
        const resources = [`arn:aws:states:${region}:${account}:execution:${machine}:*`];
        task.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources }));
      }
    });
  }

  mayAssumeStewards(accountIds: readonly string[]): void {
    this.#grants.push((file, task) => {
      if (!STEWARDS.includes(file)) return;
      for (const statement of mayAssume(NAMES.stewardRole, accountIds)) task.addToRolePolicy(statement);
    });
  }
}
