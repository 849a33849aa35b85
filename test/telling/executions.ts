/** Executions as Step Functions describes them to what tells of releases. */
import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { type Aws, HUB } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';

const machine = (name: string, execution: string) =>
  `arn:aws:states:eu-west-1:999999999999:execution:${name}:${execution}`;
export const IMAGE_ARN = machine('packleader-release-image', `web-${RELEASE.version}`);
export const PUSH_ARN = machine('packleader-release', 'push-1');

export const INPUT = {
  release: RELEASE,
  source: { bucket: 'b', key: 'sources/a.zip', sha256: 'a'.repeat(64) },
  plan: { bucket: 'b', prefix: 'plans/run/web' },
  executionName: `web-${RELEASE.version}`,
};

type Described = Omit<Partial<DescribeExecutionOutput>, 'input' | 'output'> & {
  readonly input?: unknown;
  readonly output?: unknown;
};

/** Lets Step Functions describe an execution, as each of these in turn. */
export function describes(aws: Aws, executionArn: string, ...as: readonly Described[]): void {
  const replies = as.map(({ input, output, ...one }) => ({
    ...one,
    ...(input !== undefined && { input: JSON.stringify(input) }),
    ...(output !== undefined && { output: JSON.stringify(output) }),
  }));
  aws.on(HUB, new DescribeExecutionCommand({ executionArn }), ...replies);
}

export const changed = (executionArn: string, status = 'RUNNING') => ({
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  detail: { executionArn, status },
});
