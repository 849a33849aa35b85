import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { TELL_ENVIRONMENT } from '../../core/contract/environments.ts';
import { handler } from '../../telling/tell-approvers.ts';
import { type Call, HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { unpublishedEvents } from '../fixtures/events.ts';
import { RELEASE } from '../fixtures/releases.ts';
import { IMAGE_ARN } from './executions.ts';

const aws = useAws();
const isPublished = ({ command }: Call): boolean => command === 'Publish';
const TOPIC = 'arn:aws:sns:eu-west-1:999999999999:packleader-approvals-prod';

beforeEach(() => {
  process.env[TELL_ENVIRONMENT.approvers] = JSON.stringify({ prod: TOPIC });
});
afterEach(() => {
  delete process.env[TELL_ENVIRONMENT.approvers];
});

function approved(stage: string) {
  const detail = {
    schema: 1,
    ...RELEASE,
    stage,
    by: 'arn:…:alice',
    reason: 'CHG-4711',
    executionArn: IMAGE_ARN,
  };
  expect(unpublishedEvents([{ source: 'packleader', detailType: 'Release Approved', detail }])).toEqual([]);
  return { source: 'packleader', 'detail-type': 'Release Approved', detail };
}

describe('those who may approve a stage are told', () => {
  it('on the topic of that stage', async () => {
    aws.expects(HUB, isPublished);
    const told = `${RELEASE.releaseId} is approved for prod, by arn:…:alice`;
    expect(await handler(approved('prod'))).toEqual({ told });
    const [published] = aws.sent;
    expect(published?.input).toMatchObject({ TopicArn: TOPIC, MessageStructure: 'json' });
    const { Message } = z.object({ Message: z.string() }).parse(published?.input);
    expect(z.object({ email: z.string() }).parse(JSON.parse(Message)).email).toContain('CHG-4711');
  });

  it('of no other stage, and of nothing else', async () => {
    expect(await handler(approved('test'))).toEqual({ told: null });
  });

  it('fails when SNS does not take it, so that Lambda tries again', async () => {
    aws.expects(HUB, isPublished, awsError('AuthorizationErrorException', 'not allowed'));
    await expect(handler(approved('prod'))).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
