import { Duration, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { NAMES } from '../../core/contract/names.ts';
import {
  TASKS,
  functionName,
  type BucketFolder,
  type TaskAccess,
  type TaskName,
} from '../../core/contract/tasks.ts';
import type { Scanner } from '../../core/contract/vulnerabilities.ts';
import { keyStatements } from '../constructs/bucket-key.ts';
import { lookAtExecutions } from '../constructs/customer-key.ts';
import { taskRole } from '../constructs/role-names.ts';
import type { Wildcards } from '../constructs/wildcards.ts';
import * as timeouts from '../machines/timeouts.ts';
import { HubFunction } from './hub-function.ts';
import type { TargetRoles } from './target-roles.ts';

const WILDCARDS: Wildcards = {
  '*': 'X-Ray has no resources, nor have the answer to a task token, the event history of CloudTrail, and the scan of an SBOM.',
  [`:execution:${NAMES.releaseMachine}:*`]:
    'Releases of any name may wait; their names are made when they start.',
  '/bakes/*': 'What a bake left is in a folder of its account and one of its build.',
  '/plans/*': 'Each release has a folder of its own, named after its execution.',
  '/sources/*': 'A source has the name of its commit.',
  '/sboms/*': 'One SBOM for each list of packages in each version of each image.',
  '/scans/*': 'What was found is in a folder of the execution.',
  '/released/*': 'One record for each version of each image.',
  '/sweeps/*': 'Each sweep has a folder of its own, named after its execution.',
  '/repoints/*': 'A plan has the name of its execution, a claim that of its image.',
  '/tests/*': 'What tests printed is in a folder of its account and one of its execution.',
  '/permissions/*': 'One object for each AMI of each version that others may launch.',
  '/revoked/*': 'One record for each version of each image that was ever revoked.',
  [`:execution:${NAMES.repointMachine}:*`]:
    'Whoever claimed an image before; the names are made when they start.',
  [`:execution:${NAMES.releaseImageMachine}:*`]:
    'Releases of any name may be dead; their names are made when they start.',
  [`:execution:${NAMES.bakeBatchMachine}:*`]:
    'The bakes of any dead release; their names are made when they start.',
};

export interface TaskFunctionsProps {
  readonly bucket: Bucket;
  /** The steward of every target account. */
  readonly stewards: TargetRoles;
  /** The tester of every target account, where AMIs are tested. */
  readonly testers?: TargetRoles;
  /** The copier of every target account, where AMIs are copied. */
  readonly copiers?: TargetRoles;
  /** Whether the stewards may deprecate AMIs. */
  readonly deprecatesAmis: boolean;
  /** Whether other accounts may launch AMIs. */
  readonly sharesAmis: boolean;
  /** What scans SBOMs; default: nothing does. */
  readonly scanner?: Scanner;
  /** Encrypts the state machines; default: keys of AWS's do. */
  readonly key?: Key;
}

/** One Lambda function per task; each is made when a state asks for it, and may do what its row of `TASKS` says. */
export class TaskFunctions extends Construct {
  readonly #functions = new Map<TaskName, HubFunction>();
  readonly #props: TaskFunctionsProps;

  constructor(scope: Construct, id: string, props: TaskFunctionsProps) {
    super(scope, id);
    this.#props = props;
  }

  of(name: TaskName): HubFunction {
    const existing = this.#functions.get(name);
    if (existing) return existing;
    const task = new HubFunction(this, name, {
      file: `tasks/${name}`,
      functionName: functionName(name),
      roleName: taskRole(name),
      description: `The task ${name} of packleader.`,
      timeout: Duration.seconds(timeouts.LAMBDA.toSeconds()),
      wildcards: WILDCARDS,
    });
    const access = TASKS[name];
    for (const statement of this.#statements(access)) task.addToRolePolicy(statement);
    if (access.answersTasks) task.addToRolePolicy(answerTasks());
    if (access.findsStartersOf !== undefined)
      for (const statement of findStarters(this, access.findsStartersOf)) task.addToRolePolicy(statement);
    if (access.scans) for (const statement of this.#scanning()) task.addToRolePolicy(statement);
    if (access.steward) this.#props.stewards.letAssume(task);
    if (access.tester) this.#props.testers?.letAssume(task);
    if (access.copier) this.#props.copiers?.letAssume(task);
    if (access.announces) EventBus.fromEventBusName(this, `${name}-bus`, 'default').grantPutEventsTo(task);
    this.#functions.set(name, task);
    return task;
  }

  #statements({ executions = {}, listsExecutionsOf = [], ...folders }: TaskAccess): PolicyStatement[] {
    const { key, deprecatesAmis, sharesAmis, copiers } = this.#props;
    const { account, region } = Stack.of(this);
    const machines = Object.keys(executions);
    const given = (sharesAmis && folders.toShare) || (copiers && folders.toCopy);
    return [
      ...this.#onObjects(folders),
      ...(deprecatesAmis && folders.readsToDeprecate
        ? this.#onObjects({ reads: folders.readsToDeprecate })
        : []),
      ...(given ? this.#onObjects(given) : []),
      ...(key && machines.length > 0 ? [lookAtExecutions(key, machines)] : []),
      ...Object.entries(executions).map(
        ([machine, actions]) =>
          new PolicyStatement({
            actions: [...actions],
            resources: [`arn:aws:states:${region}:${account}:execution:${machine}:*`],
          }),
      ),
      ...listsExecutionsOf.map(
        (machine) =>
          new PolicyStatement({
            actions: ['states:ListExecutions'],
            resources: [`arn:aws:states:${region}:${account}:stateMachine:${machine}`],
          }),
      ),
    ];
  }

  #scanning(): PolicyStatement[] {
    return this.#props.scanner === 'command'
      ? this.#onObjects({ reads: ['scans'], lists: ['scans'] })
      : [scanSboms()];
  }

  #onObjects({ reads, writes, lists }: Pick<TaskAccess, 'reads' | 'writes' | 'lists'>): PolicyStatement[] {
    const { bucket } = this.#props;
    const on = (action: string, folders: readonly BucketFolder[]) =>
      new PolicyStatement({
        actions: [action],
        resources: folders.map((folder) => bucket.arnForObjects(`${folder}/*`)),
      });
    return [
      ...(reads ? [on('s3:GetObject', reads)] : []),
      ...(writes ? [on('s3:PutObject', writes)] : []),
      ...(reads ? keyStatements(bucket, 'read') : []),
      ...(writes ? keyStatements(bucket, 'write') : []),
      ...(lists
        ? [
            new PolicyStatement({
              actions: ['s3:ListBucket'],
              resources: [bucket.bucketArn],
              conditions: { StringLike: { 's3:prefix': lists.map((folder) => `${folder}/*`) } },
            }),
          ]
        : []),
    ];
  }
}

/** A token is no resource to IAM: it says itself which Task of which execution it is of.
 *  @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html */
const answerTasks = (): PolicyStatement =>
  new PolicyStatement({
    sid: 'AnswerTasks',
    actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
    resources: ['*'],
  });

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoninspectorscan.html */
const scanSboms = (): PolicyStatement =>
  new PolicyStatement({ sid: 'ScanSboms', actions: ['inspector-scan:ScanSbom'], resources: ['*'] });

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html */
const findStarters = (scope: Construct, machine: string): PolicyStatement[] => [
  new PolicyStatement({ sid: 'FindStarters', actions: ['cloudtrail:LookupEvents'], resources: ['*'] }),
  new PolicyStatement({
    sid: 'KnowItsRole',
    actions: ['states:DescribeStateMachine'],
    resources: [
      `arn:aws:states:${Stack.of(scope).region}:${Stack.of(scope).account}:stateMachine:${machine}`,
    ],
  }),
];
