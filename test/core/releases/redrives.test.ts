import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../core/contract/names.ts';
import { executionName } from '../../../core/releases/execution-name.ts';
import { refuseBesideRetry } from '../../../core/releases/redrives.ts';
import { stateGraphSchema, statesOf } from '../../../sandbox/engine/asl.ts';
import { RELEASE_ARN, describeExecution } from '../../fixtures/aws/executions.ts';
import { HUB, awsError, call, useAws } from '../../fixtures/aws/strict-aws.ts';
import { ownFactory } from '../../fixtures/factories.ts';
import { RELEASE } from '../../fixtures/releases.ts';
import { definitionsOf } from '../../../workflow/definitions.ts';

const aws = useAws();
const retry = RELEASE_ARN.replace(/[^:]+$/, executionName(RELEASE, 2));
const third = RELEASE_ARN.replace(/[^:]+$/, executionName(RELEASE, 3));
const redriven = (executionArn: string) => refuseBesideRetry(RELEASE, { executionArn, redriveCount: 1 });

describe('an execution', () => {
  it('that was not redriven asks nothing, and neither does one of a machine that tells nothing', async () => {
    await refuseBesideRetry(RELEASE, { executionArn: RELEASE_ARN, redriveCount: 0 });
    await refuseBesideRetry(RELEASE, undefined);
    expect(aws.sent).toEqual([]);
  });

  it.each([
    [RELEASE_ARN, retry],
    [retry, third],
  ])('that was redriven asks for the attempt after it: %s', async (own, next) => {
    aws.on(HUB, describeExecution(next), awsError('ExecutionDoesNotExist'));
    await redriven(own);
    expect(aws.sent).toEqual([call(HUB, describeExecution(next))]);
  });

  it('fails when it was redriven and its release was retried, with the name of that attempt', async () => {
    aws.on(HUB, describeExecution(retry), { status: 'FAILED' });
    await expect(redriven(RELEASE_ARN)).rejects.toMatchObject({
      name: 'ReleaseRetried',
      message: `${RELEASE.releaseId} was retried as ${executionName(RELEASE, 2)}: this earlier attempt must not be redriven, and does nothing any more`,
    });
  });

  it('fails when it may not ask: unknown is not absent', async () => {
    aws.on(HUB, describeExecution(retry), awsError('AccessDeniedException'));
    await expect(redriven(RELEASE_ARN)).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('packleader-release-image', () => {
  it('tells of its redrives to every task but those that only announce', () => {
    const machine = definitionsOf(ownFactory()).find(({ name }) => name === NAMES.releaseImageMachine);
    const untold = statesOf(stateGraphSchema.parse(machine?.definition))
      .filter(
        ({ state: { Resource = '', Parameters } }) =>
          Resource.includes(':lambda:') && !isDeepStrictEqual(Reflect.get(Object(Parameters), 'run'), RUN),
      )
      .map(({ name }) => name)
      .sort();
    expect(untold).toEqual(['Announce release', 'Announce rollback']);
  });
});

const RUN = {
  'executionArn.$': '$$.Execution.Id',
  'redriveCount.$': '$$.Execution.RedriveCount',
};
