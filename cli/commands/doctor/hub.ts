/** What the doctor looks at in the hub. */
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { DescribeEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { NAMES, STACKS } from '../../../core/contract/names.ts';
import type { DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { machineArn } from '../../../client/hub.ts';
import {
  type Check,
  type Finding,
  type Verdict,
  examineAll,
  failed,
  nameOf,
  notChecked,
  ok,
} from './finding.ts';
import { concurrencyCheck } from './bakes/concurrency.ts';
import { type LookedFor, findProject, packerCheck } from './bakes/pinned-tools.ts';
import { type Session, configOf } from './sessions.ts';
import { switchedOnChecks } from './switched-on.ts';

const MACHINES = [
  NAMES.releaseMachine,
  NAMES.releaseImageMachine,
  NAMES.bakeBatchMachine,
  NAMES.sweepMachine,
  NAMES.repointMachine,
];
const DEPLOY = `deploy the stack ${STACKS.hub}`;

export async function examineHub(
  hub: Target,
  bucket: string,
  session: Session,
  { fetchTool, required }: LookedFor,
  settings: DeploymentSettings = {},
  approvers: Parameters<typeof switchedOnChecks>[3] = {},
): Promise<Finding[]> {
  const config = configOf(session, hub.region);
  const validate =
    session.as === 'nobody'
      ? Promise.resolve(undefined)
      : findProject(new CodeBuildClient(config), NAMES.validateProject);
  validate.catch(() => undefined);
  const checks: Check[] = [
    ...MACHINES.map((name): Check => [
      `state machine ${name}`,
      'states:DescribeStateMachine',
      async () => stateMachine(new SFNClient(config), machineArn(hub, name)),
    ]),
    ['bucket', 's3:ListBucket', async () => bucketExists(new S3Client(config), bucket)],
    ['event bus', 'events:DescribeEventBus', async () => defaultBus(new EventBridgeClient(config))],
    ...[NAMES.fetchSourceProject, NAMES.validateProject].map((name): Check => [
      `project ${name}`,
      'codebuild:BatchGetProjects',
      async () => projectExists(new CodeBuildClient(config), name),
    ]),
    // Two requests at once, or a request and a bake in the hub's own account, wait for each other.
    concurrencyCheck(config, validate, 1, DEPLOY),
    packerCheck(validate, fetchTool, { of: 'the hub', stack: STACKS.hub, required }),
    ...switchedOnChecks(hub, config, settings, approvers, new Date()),
  ];
  const access: Finding = { place: 'hub', check: 'access', ...session.verdict };
  if (session.as === 'nobody') {
    const { todo } = session.verdict;
    return [
      access,
      ...checks.map(([check]) => ({ place: 'hub', check, ...notChecked('no access to the hub', todo) })),
    ];
  }
  return [access, ...(await examineAll('hub', checks))];
}

async function stateMachine(sfn: SFNClient, stateMachineArn: string): Promise<Verdict> {
  try {
    // Not the definition: with a key of the customer's that would take a permission to decrypt.
    const command = new DescribeStateMachineCommand({ stateMachineArn, includedData: 'METADATA_ONLY' });
    const { status } = await sfn.send(command);
    return status === 'ACTIVE' ? ok(stateMachineArn) : failed(`${stateMachineArn} is ${status}`, DEPLOY);
  } catch (error) {
    if (nameOf(error) === 'StateMachineDoesNotExist')
      return failed(`${stateMachineArn} does not exist`, DEPLOY);
    throw error;
  }
}

/** HeadBucket has no body, so its errors are named by their status at best. */
async function bucketExists(s3: S3Client, bucket: string): Promise<Verdict> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }));
    return ok(bucket);
  } catch (error) {
    if (['NotFound', 'NoSuchBucket', '404'].includes(nameOf(error)))
      return failed(`there is no bucket ${bucket}`, DEPLOY);
    throw error;
  }
}

async function defaultBus(events: EventBridgeClient): Promise<Verdict> {
  const { Name, Arn } = await events.send(new DescribeEventBusCommand({}));
  return Name === 'default'
    ? ok(Arn ?? Name)
    : failed(`found the bus ${Name}`, 'see why there is no default bus');
}

async function projectExists(codebuild: CodeBuildClient, project: string): Promise<Verdict> {
  return (await findProject(codebuild, project))
    ? ok(project)
    : failed(`there is no project ${project}`, DEPLOY);
}
