/** One sweep, and how the tests of its tasks tell AWS what became of a release. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type ExecutionStatus,
} from '@aws-sdk/client-sfn';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Plan, PlannedRelease } from '../../core/contract/releases.ts';
import { type Aws, DEV, HUB, PROD, awsError } from './aws.ts';
import { RELEASE } from './example.ts';

const arn = (machine: string, name: string) =>
  `arn:aws:states:eu-central-1:999999999999:execution:${machine}:${name}`;

export const BUCKET = 'hub';
export const SWEEP = {
  id: arn('packleader-sweep', 'sweep-1'),
  name: 'sweep-1',
  startedAt: '2026-11-21T12:00:00.000Z',
};
export const RELEASE_ARN = arn('packleader-release-image', `web-${RELEASE.version}`);
export const batchArn = (stage: string, number: number) =>
  arn('packleader-bake-batch', `web-${RELEASE.version}-${stage}-${number}`);

export const PLANNED: PlannedRelease = {
  release: RELEASE,
  source: { bucket: BUCKET, key: 'sources/x.zip', sha256: 'a'.repeat(64) },
  plan: { bucket: BUCKET, prefix: 'plans/x/web' },
  executionName: `web-${RELEASE.version}`,
};

const planned = { sourceAmi: { ids: {} }, architecture: 'x86_64' as const, timeoutMinutes: 60 };
export const PLAN: Plan = {
  release: RELEASE,
  stages: [
    { name: 'dev', targets: [{ ...DEV, ...planned }] },
    { name: 'prod', targets: [{ ...PROD, ...planned }] },
  ],
};

export const describeExecution = (executionArn: string) => new DescribeExecutionCommand({ executionArn });
export const history = (executionArn = RELEASE_ARN) =>
  new GetExecutionHistoryCommand({
    executionArn,
    reverseOrder: true,
    includeExecutionData: false,
    maxResults: 1_000,
  });
export const records = (Prefix = 'released/') => new ListObjectsV2Command({ Bucket: BUCKET, Prefix });
export const writes = (Key: string, document: object) =>
  new PutObjectCommand({
    Bucket: BUCKET,
    Key,
    Body: JSON.stringify(document, null, 2),
    ContentType: 'application/json',
  });

/** The execution of the release ended like this, two hours before the sweep, in the last of these states. */
export function releaseEnded(
  aws: Aws,
  status: ExecutionStatus,
  { states = ['Resolve source AMIs', 'Bake dev AMIs'], stopDate = new Date('2026-11-21T10:00:00Z') } = {},
): void {
  aws.on(HUB, describeExecution(RELEASE_ARN), {
    status,
    input: JSON.stringify(PLANNED),
    ...(status === 'RUNNING' ? {} : { stopDate }),
  });
  const events: HistoryEvent[] = states.map((name, index) => ({
    id: index + 2,
    timestamp: stopDate,
    type: 'TaskStateEntered',
    stateEnteredEventDetails: { name },
  }));
  aws.on(HUB, history(), { events: events.toReversed() });
}

export const unknownExecution = (aws: Aws, executionArn = RELEASE_ARN) =>
  aws.on(HUB, describeExecution(executionArn), awsError('ExecutionDoesNotExist'));
