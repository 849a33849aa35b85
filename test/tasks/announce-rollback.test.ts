import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/announce-rollback.ts';
import { DEV } from '../fixtures/accounts.ts';
import { HUB, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';

const aws = useAws();

const rollback = {
  complete: false,
  error: 'RollbackIncomplete',
  cause: 'BakeFailed: exit status 1',
  leftovers: [{ ...DEV, resourceId: 'sg-1', why: 'in use' }],
  leftoverCount: 201,
};
const event = new PutEventsCommand({
  Entries: [
    {
      Source: 'packleader',
      DetailType: 'Image Rolled Back',
      Detail: JSON.stringify({ schema: 1, ...RELEASE, ...rollback }),
    },
  ],
});

describe('announcing a rollback', () => {
  it('puts one event with the explanation, what is left, and how much that is', async () => {
    aws.accepts(HUB, event);
    expect(await handler({ release: RELEASE, rollback })).toEqual({ announced: true });
    expect(aws.sent).toEqual([call(HUB, event)]);
  });

  it('fails with AnnouncementFailed when EventBridge took no event', async () => {
    aws.on(HUB, event, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'X', ErrorMessage: 'no' }] });
    await expect(handler({ release: RELEASE, rollback })).rejects.toMatchObject({
      name: 'AnnouncementFailed',
    });
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ release: RELEASE })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
