import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/take-over-amis.ts';
import { DEV } from '../fixtures/accounts.ts';
import { HUB, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE_ARN, describeExecution, history } from '../fixtures/aws/executions.ts';
import { RELEASE, batchOf } from '../fixtures/releases.ts';

const aws = useAws();

const RETRY = `${RELEASE_ARN}-r2`;
const takeOver = async (toBake: number[], executionArn = RETRY) =>
  handler({ release: RELEASE, first: { batches: [batchOf(DEV)], toBake }, executionArn });

function attemptIs(arn: string, status: 'RUNNING' | 'FAILED', ...states: string[]): void {
  aws.on(HUB, describeExecution(arn), { status });
  aws.on(HUB, history(arn), {
    events: states
      .map((name, id) => ({
        id,
        type: 'TaskStateEntered' as const,
        timestamp: new Date(0),
        stateEnteredEventDetails: { name },
      }))
      .toReversed(),
  });
}

describe('taking over what an attempt has kept', () => {
  it.each([RELEASE_ARN, RETRY])('asks nothing where everything is baked: %s', async (arn) => {
    expect(await takeOver([0], arn)).toEqual({ kept: false });
    expect(aws.sent).toEqual([]);
  });

  it('waits while the attempt before has not seen it, and goes on when that has handed over', async () => {
    attemptIs(RELEASE_ARN, 'RUNNING', 'Take over AMIs', 'Clear failed stage', 'Await retry');
    await expect(takeOver([])).rejects.toMatchObject({ name: 'NotHandedOver' });
    attemptIs(RELEASE_ARN, 'RUNNING', 'Take over AMIs', 'Await retry', 'Handed over');
    expect(await takeOver([])).toEqual({ kept: true });
  });

  it.each([
    ['is undoing everything', 'RUNNING', 'Deregister prod AMIs'],
    ['has undone everything', 'FAILED', 'Rolled back'],
    ['was stopped while it waited', 'FAILED', 'Await retry'],
  ] as const)('fails with InvalidRequest when the attempt before %s', async (_what, status, last) => {
    attemptIs(RELEASE_ARN, status, 'Take over AMIs', 'Clear failed stage', 'Await retry', last);
    await expect(takeOver([])).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  it('passes by a retry that was refused before it took anything over', async () => {
    attemptIs(RETRY, 'FAILED', 'Resolve source AMIs', 'Verify rollback', 'Rolled back');
    attemptIs(RELEASE_ARN, 'FAILED', 'Take over AMIs', 'Await retry', 'Handed over');
    expect(await takeOver([], `${RELEASE_ARN}-r3`)).toEqual({ kept: true });
  });

  it('fails with InvalidRequest when a retry before it has taken over, and undone it', async () => {
    attemptIs(RETRY, 'FAILED', 'Resolve source AMIs', 'Take over AMIs', 'Rolled back');
    await expect(takeOver([], `${RELEASE_ARN}-r3`)).rejects.toMatchObject({ name: 'InvalidRequest' });
  });
});
