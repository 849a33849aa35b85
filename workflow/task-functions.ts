import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { NAMES } from '../tasks/contract.ts';
import { BundledFunction } from './bundled-function.ts';
import { mayAssume, taskRole } from './role-names.ts';
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
];
/** The folders of the bucket that a task reads, and those that it writes. */
const READS: Readonly<Record<string, readonly string[]>> = {
  'plan-releases': ['sources'],
  'resolve-source-amis': ['plans'],
};
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'plan-releases': ['plans'],
  'announce-release': ['released'],
};
const ANNOUNCERS = ['announce-release', 'announce-rollback'];

/** One Lambda function per task file; each is made when a state asks for it. */
export class TaskFunctions extends Construct {
  readonly #functions = new Map<string, NodejsFunction>();
  readonly #grants: ((file: string, task: NodejsFunction) => void)[] = [];

  of(file: string): NodejsFunction {
    const existing = this.#functions.get(file);
    if (existing) return existing;
    const task = new BundledFunction(this, file, {
      entry: `tasks/${file}.ts`,
      functionName: `packleader-${file}`,
      roleName: taskRole(file),
      description: `The task ${file} of packleader.`,
      timeout: Duration.seconds(timeouts.LAMBDA.toSeconds()),
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
    });
  }

  mayAssumeStewards(accountIds: readonly string[]): void {
    this.#grants.push((file, task) => {
      if (!STEWARDS.includes(file)) return;
      for (const statement of mayAssume(NAMES.stewardRole, accountIds)) task.addToRolePolicy(statement);
    });
  }
}
