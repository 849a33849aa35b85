import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeTagsCommand,
  DisableImageDeprecationCommand,
  EnableImageCommand,
  EnableImageDeprecationCommand,
  ListImagesInRecycleBinCommand,
  ListSnapshotsInRecycleBinCommand,
  RestoreImageFromRecycleBinCommand,
  RestoreSnapshotFromRecycleBinCommand,
} from '@aws-sdk/client-ec2';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
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
const VERSION = '/packleader/base/versions/1.4.20260901000000';
const published = new PutParameterCommand({
  Name: VERSION,
  Value: 'ami-1',
  Type: 'String',
  DataType: 'aws:ec2:image',
  Overwrite: true,
});
const shown = new GetParameterCommand({ Name: VERSION });
const undeprecated = new DisableImageDeprecationCommand({ ImageId: 'ami-1' });
const takenBack = [used, enabled, undeprecated, published, shown];
const undone = [...takenBack, forgotten];
/** What carries the tag of the release, there or in the Recycle Bin. */
const ofRelease = new DescribeTagsCommand({
  Filters: [
    { Name: 'key', Values: ['packleader:release'] },
    { Name: 'value', Values: [RELEASE_ID] },
    { Name: 'resource-type', Values: ['image', 'snapshot'] },
  ],
});
const statesOf = (...ids: string[]) =>
  new DescribeTagsCommand({
    Filters: [
      { Name: 'key', Values: ['packleader:state'] },
      { Name: 'resource-id', Values: ids },
    ],
  });
const tagged = (Value: string, ...ids: string[]) => ({
  Tags: ids.map((ResourceId) => ({ ResourceId, Value })),
});

beforeEach(() => {
  aws.expects(HUB, ({ command }) => command === 'PutEvents');
  for (const target of [DEV, PROD]) {
    aws.on(target, ofRelease, { Tags: [] });
    aws.on(target, published, {});
    aws.on(target, shown, { Parameter: { Value: 'ami-1' } });
  }
});

describe('taking back what was done to a version', () => {
  it('counts it as used now, enables it, takes its deprecation away, and forgets its phase last', async () => {
    aws.on(DEV, factoryImages, { Images: [disabled, factoryImage('ami-2')] });
    aws.on(PROD, factoryImages, { Images: [] });
    aws.accepts(DEV, used, enabled, undeprecated, forgotten);
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
    aws.accepts(PROD, used, enabled, undeprecated);
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

  it('takes an AMI out of the Recycle Bin where there is none, after its snapshots, and looks again', async () => {
    aws.on(DEV, factoryImages, { Images: [disabled] });
    aws.accepts(PROD, factoryImages);
    aws.on(PROD, ofRelease, tagged(RELEASE_ID, 'ami-9', 'snap-9', 'ami-8', 'snap-8', 'ami-7'));
    // Of the same release: a candidate that was rolled back, and what is in no bin.
    aws.on(PROD, statesOf('ami-9', 'snap-9', 'ami-8', 'snap-8', 'ami-7'), {
      Tags: [
        ...tagged('released', 'ami-9', 'snap-9', 'ami-7').Tags,
        ...tagged('candidate', 'ami-8', 'snap-8').Tags,
      ],
    });
    const ids = ['9', '8', 'of-others'];
    aws.on(PROD, new ListImagesInRecycleBinCommand({}), {
      Images: ids.map((id) => ({ ImageId: `ami-${id}` })),
    });
    aws.on(PROD, new ListSnapshotsInRecycleBinCommand({}), {
      Snapshots: ids.map((id) => ({ SnapshotId: `snap-${id}` })),
    });
    const out = [
      new RestoreSnapshotFromRecycleBinCommand({ SnapshotId: 'snap-9' }),
      new RestoreImageFromRecycleBinCommand({ ImageId: 'ami-9' }),
    ];
    aws.accepts(PROD, ...out);
    await expect(restore()).rejects.toMatchObject({ name: 'NotReadyYet' });
    expect(aws.sentTo(PROD).slice(-2)).toEqual(out.map((effect) => call(PROD, effect)));
    expect(aws.sentTo(DEV).map(({ command }) => command)).toEqual(['DescribeImages']);
  });

  it('publishes it again, and comes back until that is seen', async () => {
    aws.on(DEV, factoryImages, { Images: [disabled] });
    aws.accepts(PROD, factoryImages);
    aws.accepts(DEV, used, enabled, undeprecated, forgotten);
    aws.on(DEV, shown, awsError('ParameterNotFound'), { Parameter: { Value: 'ami-1' } });
    await expect(restore()).rejects.toMatchObject({ name: 'NotReadyYet' });
    expect(aws.sentTo(DEV)).not.toContainEqual(call(DEV, forgotten));
    expect(await restore()).toMatchObject({ restored: 1 });
  });

  it('publishes nothing that was imported: it never had a parameter', async () => {
    const tags = {
      'packleader:retirement': 'disabled 2026-11-01T00:00:00.000Z',
      'packleader:state': 'imported',
    };
    aws.on(DEV, factoryImages, {
      Images: [{ ...disabled, ...factoryImage('ami-1', tags), State: 'disabled' }],
    });
    aws.accepts(PROD, factoryImages);
    aws.accepts(DEV, used, enabled, undeprecated, forgotten);
    await restore();
    expect(aws.sentTo(DEV)).not.toContainEqual(call(DEV, published));
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
