import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/await-retry.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE_ARN, describeExecution, history, unknownExecution } from '../fixtures/aws/executions.ts';
import { RELEASE } from '../fixtures/releases.ts';

const aws = useAws();

const EVENT = {
  release: RELEASE,
  failure: {
    Error: 'BakeFailed',
    Cause: JSON.stringify({ errorType: 'BakeFailed', errorMessage: 'no room' }),
  },
  cleared: { stage: 'prod', until: '2026-11-21T13:30:00.000Z' },
  executionArn: RELEASE_ARN,
};
const RETRY = `${RELEASE_ARN}-r2`;

function retryIs(arn: string, status: 'RUNNING' | 'FAILED', ...states: string[]): void {
  aws.on(HUB, describeExecution(arn), { status });
  const entered = states.map((name, id) => ({
    id,
    type: 'TaskStateEntered' as const,
    timestamp: new Date(0),
    stateEnteredEventDetails: { name },
  }));
  aws.on(HUB, history(arn), { events: entered.toReversed() });
}

describe('waiting for a retry', () => {
  it('fails with NotRetried, and says until when, while there is none', async () => {
    unknownExecution(aws, RETRY);
    await expect(handler(EVENT)).rejects.toMatchObject({
      name: 'NotRetried',
      message: `nobody has retried ${RELEASE.releaseId} so far; it waits until 2026-11-21T13:30:00.000Z`,
    });
    expect(aws.sent).toEqual([call(HUB, describeExecution(RETRY))]);
  });

  it('hands over to one that has begun to take over, and says what failed and where it goes on', async () => {
    retryIs(RETRY, 'RUNNING', 'Resolve source AMIs', 'Take over AMIs');
    expect(await handler(EVENT)).toEqual({
      cause: `BakeFailed: no room\nIt goes on with the AMIs of the stages before prod as ${RETRY}`,
    });
  });

  it('fails to hand over to one that may still be refused', async () => {
    retryIs(RETRY, 'RUNNING', 'Resolve source AMIs');
    unknownExecution(aws, `${RELEASE_ARN}-r3`);
    await expect(handler(EVENT)).rejects.toMatchObject({ name: 'NotRetried' });
  });

  it('passes by one that was refused, and takes the next', async () => {
    aws.on(HUB, describeExecution(RETRY), { status: 'FAILED' });
    retryIs(`${RELEASE_ARN}-r3`, 'RUNNING', 'Resolve source AMIs', 'Take over AMIs', 'Bake dev AMIs');
    expect((await handler(EVENT)).cause).toContain('-r3');
  });

  it('of a retry looks only at later ones', async () => {
    unknownExecution(aws, `${RELEASE_ARN}-r3`);
    await expect(handler({ ...EVENT, executionArn: RETRY })).rejects.toMatchObject({ name: 'NotRetried' });
    expect(aws.sent).toEqual([call(HUB, describeExecution(`${RELEASE_ARN}-r3`))]);
  });

  it('fails with AccessDenied when nobody may look: unknown is no retry', async () => {
    aws.on(HUB, describeExecution(RETRY), awsError('AccessDeniedException', 'no'));
    await expect(handler(EVENT)).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
