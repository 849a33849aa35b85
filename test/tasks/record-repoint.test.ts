import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/record-repoint.ts';
import type { RepointPlan } from '../../core/contract/repoints.ts';
import { DEV } from '../fixtures/accounts.ts';
import { ARN, NEWER, OLDER, POINTED, holdsPlan, planOf } from '../fixtures/aws/repoints.ts';
import { HUB, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();
const KEY = `revoked/web/${NEWER}.json`;
const BEFORE = {
  schema: 1,
  releaseId: `web@${NEWER}`,
  image: 'web',
  version: NEWER,
  by: 'rollback',
  executionArn: `${ARN}-before`,
  at: '2026-11-21T12:00:00.000Z',
  disabled: [{ ...DEV, imageId: 'ami-9', sharedWith: [] }],
};

/** What was written, and what was told. */
async function recorded(plan: RepointPlan, before?: object) {
  if (before) aws.holds('hub', KEY, before);
  else aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: KEY }), {});
  aws.expects(HUB, ({ command }) => command === 'PutObject' || command === 'PutEvents');
  const answer = await handler(holdsPlan(aws, plan));
  const inputs = (command: { readonly name: string }) =>
    aws.sent.filter((one) => `${one.command}Command` === command.name).map(({ input }) => Object(input));
  return {
    answer,
    records: inputs(PutObjectCommand).map(({ Key, Body }) => [Key, JSON.parse(Body)]),
    events: inputs(PutEventsCommand).map(({ Entries: [entry] }) => [
      entry.DetailType,
      JSON.parse(entry.Detail),
    ]),
  };
}

describe('recording a repoint', () => {
  it('keeps why and by what a version was revoked, and tells it, and where latest goes', async () => {
    const { answer, records, events } = await recorded(
      planOf({ reason: 'it does not boot', latest: [POINTED] }),
    );
    expect(answer).toEqual({ recorded: 1 });
    const told = {
      releaseId: `web@${NEWER}`,
      image: 'web',
      version: NEWER,
      by: 'rollback',
      reason: 'it does not boot',
    };
    expect(records).toEqual([
      [KEY, { schema: 1, ...told, executionArn: ARN, at: '2026-11-22T09:30:00.000Z' }],
    ]);
    expect(events).toEqual([
      ['Image Revoked', { schema: 1, ...told, disabled: false, executionArn: ARN }],
      [
        'Image Repointed',
        {
          schema: 1,
          releaseId: `web@${OLDER}`,
          image: 'web',
          version: OLDER,
          by: 'rollback',
          reason: 'it does not boot',
          from: [NEWER],
          images: [{ stage: 'dev', ...DEV, imageId: 'ami-0' }],
          executionArn: ARN,
        },
      ],
    ]);
  });

  it('adds to the record of what was revoked before', async () => {
    const sharedWith = [{ UserId: '333333333333' }];
    const ami = { disable: true as const, was: { state: 'revoked', disabled: false, sharedWith } };
    const { records, events } = await recorded(
      planOf({ action: 'revoke', reason: 'a leaked key', ami }),
      BEFORE,
    );
    expect(records).toEqual([
      [
        KEY,
        {
          ...BEFORE,
          reason: 'a leaked key',
          disabled: [...BEFORE.disabled, { ...DEV, imageId: 'ami-1', sharedWith }],
        },
      ],
    ]);
    expect(events).toEqual([['Image Revoked', expect.objectContaining({ disabled: true })]]);
  });

  it('begins anew after a restoration', async () => {
    const restored = { executionArn: ARN, at: '2026-11-21T13:00:00.000Z' };
    const { records } = await recorded(planOf(), { ...BEFORE, restored });
    expect(records).toEqual([[KEY, expect.not.objectContaining({ restored, disabled: expect.anything() })]]);
    expect(records[0]?.[1]).toMatchObject({ executionArn: ARN });
  });

  it('of a restoration is kept with what it takes back', async () => {
    const { records, events } = await recorded(
      planOf({ action: 'restore', reason: 'it was another one' }),
      BEFORE,
    );
    const restored = { executionArn: ARN, at: '2026-11-22T09:30:00.000Z', reason: 'it was another one' };
    expect(records).toEqual([[KEY, { ...BEFORE, restored }]]);
    expect(events).toEqual([['Image Restored', expect.objectContaining({ reason: 'it was another one' })]]);
  });

  it('of a restoration writes nothing where a revocation never came to its end', async () => {
    const { records } = await recorded(planOf({ action: 'restore' }));
    expect(records).toEqual([]);
  });

  it('fails when EventBridge does not take an event', async () => {
    aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: KEY }), {});
    aws.expects(HUB, ({ command }) => command === 'PutObject');
    await expect(handler(holdsPlan(aws, planOf()))).rejects.toThrow();
    aws.unexpected.length = 0;
  });
});
