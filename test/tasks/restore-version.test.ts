import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DisableImageDeprecationCommand,
  EnableImageCommand,
  EnableImageDeprecationCommand,
} from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { byRegion } from '../../core/contract/targets.ts';
import { handler } from '../../tasks/restore-version.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { factoryImage, factoryImages } from '../fixtures/aws/census.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();

const NOW = '2026-11-21T09:30:00.000Z';
const RELEASE_ID = 'base@1.4.20260901000000';
const restore = async (request: unknown = { undo: RELEASE_ID }) =>
  handler({ request, deployed: byRegion([DEV, PROD]), now: NOW });
const disabled = {
  ...factoryImage('ami-1', { 'packleader:retirement': 'disabled 2026-11-01T00:00:00.000Z' }),
  State: 'disabled' as const,
  DeprecationTime: '2026-10-01T00:00:00.000Z',
};
const used = new CreateTagsCommand({ Resources: ['ami-1'], Tags: [{ Key: 'LastUsed', Value: NOW }] });
const enabled = new EnableImageCommand({ ImageId: 'ami-1' });
const forgotten = new DeleteTagsCommand({
  Resources: ['ami-1'],
  Tags: [{ Key: 'packleader:retirement' }],
});
const takenBack = [used, enabled, new DisableImageDeprecationCommand({ ImageId: 'ami-1' })];
const undone = [...takenBack, forgotten];

beforeEach(() => aws.expects(HUB, ({ command }) => command === 'PutEvents'));

describe('taking back what was done to a version', () => {
  it('counts it as used now, enables it, takes its deprecation away, and forgets its phase last', async () => {
    aws.on(DEV, factoryImages, { Images: [disabled, factoryImage('ami-2')] });
    aws.on(PROD, factoryImages, { Images: [] });
    aws.accepts(DEV, ...undone);
    expect(await restore()).toEqual({ releaseId: RELEASE_ID, restored: 1 });
    expect(aws.sentTo(DEV).slice(1)).toEqual(undone.map((effect) => call(DEV, effect)));
  });

  it('of one that is only deprecated enables nothing', async () => {
    const deprecated = factoryImage('ami-1', {
      'packleader:retirement': 'deprecated 2026-11-01T00:00:00.000Z',
    });
    aws.on(DEV, factoryImages, { Images: [deprecated] });
    aws.accepts(PROD, factoryImages);
    aws.accepts(DEV, used, forgotten);
    await restore();
    expect(aws.sentTo(DEV).map(({ command }) => command)).toEqual([
      'DescribeImages',
      'CreateTags',
      'DeleteTags',
    ]);
  });

  it('gives it the deprecation back that was planned before', async () => {
    const before = '2027-02-01T00:00:00.000Z';
    const tag = `deprecated 2026-11-01T00:00:00.000Z was ${before}`;
    aws.on(DEV, factoryImages, {
      Images: [{ ...disabled, ...factoryImage('ami-1', { 'packleader:retirement': tag }) }],
    });
    aws.accepts(PROD, factoryImages);
    const again = new EnableImageDeprecationCommand({ ImageId: 'ami-1', DeprecateAt: new Date(before) });
    aws.accepts(DEV, used, again, forgotten);
    await restore();
    expect(aws.sentTo(DEV).slice(1)).toEqual([used, again, forgotten].map((effect) => call(DEV, effect)));
  });

  it('leaves it deprecated when it would be by now anyhow', async () => {
    const tag = 'deprecated 2026-11-01T00:00:00.000Z was 2026-11-20T00:00:00.000Z';
    aws.on(DEV, factoryImages, {
      Images: [{ ...disabled, ...factoryImage('ami-1', { 'packleader:retirement': tag }) }],
    });
    aws.accepts(PROD, factoryImages);
    aws.accepts(DEV, used, forgotten);
    await restore();
    expect(aws.sentTo(DEV)).toHaveLength(3);
  });

  it('of one that nothing was done to does nothing', async () => {
    aws.on(DEV, factoryImages, { Images: [factoryImage('ami-1')] });
    aws.accepts(PROD, factoryImages);
    expect(await restore()).toEqual({ releaseId: RELEASE_ID, restored: 0 });
  });

  it('fails with LeftoversRemain where an account refuses, after all the others, and forgets the phase in none', async () => {
    aws.on(DEV, factoryImages, { Images: [disabled] });
    aws.on(PROD, factoryImages, { Images: [disabled] });
    aws.accepts(PROD, ...takenBack);
    aws.accepts(DEV, used);
    aws.on(DEV, enabled, awsError('UnauthorizedOperation', 'no'));
    await expect(restore()).rejects.toMatchObject({
      name: 'LeftoversRemain',
      leftovers: [{ ...DEV, resourceId: 'ami-1' }],
    });
    expect(aws.sentTo(PROD).slice(1)).toEqual(takenBack.map((effect) => call(PROD, effect)));
  });

  it('fails with AccessDenied when a target cannot be read: its AMIs would stay as they are', async () => {
    aws.on(DEV, factoryImages, { Images: [disabled] });
    aws.on(PROD, factoryImages, awsError('UnauthorizedOperation', 'no'));
    await expect(restore()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(aws.sent.every(({ command }) => command === 'DescribeImages')).toBe(true);
  });

  it('fails with InvalidRequest when nothing is left of it, and says where it may still be', async () => {
    aws.accepts(DEV, factoryImages);
    aws.accepts(PROD, factoryImages);
    await expect(restore()).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('Recycle Bin'),
    });
  });

  it.each([{ undo: 'base' }, { undo: RELEASE_ID, dryRun: true }, { undo: 7 }, {}])(
    'fails with InvalidRequest when asked for %j',
    async (request) => {
      await expect(restore(request)).rejects.toMatchObject({ name: 'InvalidRequest' });
      expect(aws.sent).toEqual([]);
    },
  );
});
