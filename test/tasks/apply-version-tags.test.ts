import {
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  EnableImageDeprecationCommand,
  type Image,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/apply-version-tags.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, amiIn } from '../fixtures/releases.ts';
import { candidate, tagList } from '../fixtures/aws/release-images.ts';

const aws = useAws();

const released = { 'packleader:state': 'released', Version: RELEASE.version };
const image = new DescribeImagesCommand({ ImageIds: ['ami-1'] });
const snapshot = new DescribeSnapshotsCommand({ SnapshotIds: ['snap-1'] });
const tag = (...Resources: string[]) => new CreateTagsCommand({ Resources, Tags: tagList(released) });

const bare = (tags: Record<string, string>) => candidate('ami-1', tags, { BlockDeviceMappings: [] });

const apply = () => handler({ release: RELEASE, amis: { dev: [amiIn(DEV, 'ami-1')], prod: [] } });
const shows = (...images: readonly Image[]) => images.map((one) => ({ Images: [one] }));
const showsSnapshot = (...tags: readonly Record<string, string>[]) =>
  tags.map((one): { Snapshots: Snapshot[] } => ({
    Snapshots: [{ SnapshotId: 'snap-1', Tags: tagList(one) }],
  }));

describe('applying version tags', () => {
  it('marks the AMI and its snapshots as released under one version, and reads the tags back', async () => {
    aws.on(DEV, image, ...shows(candidate('ami-1'), candidate('ami-1', released)));
    aws.on(DEV, snapshot, ...showsSnapshot({}, released));
    aws.accepts(DEV, tag('ami-1', 'snap-1'));
    expect(await apply()).toEqual({ tagged: 1 });
    expect(aws.sent).toEqual(
      [image, snapshot, tag('ami-1', 'snap-1'), image, snapshot].map((command) => call(DEV, command)),
    );
  });

  it('says in a tag who approved what, when and why, as far as a tag takes it', async () => {
    const approved = {
      prod: {
        by: 'arn:aws:sts::999999999999:assumed-role/lead/jane',
        at: '2026-11-21T10:00:00.000Z',
        reason: `fine; "really" ${'x'.repeat(300)}`,
        answeredIn: 'arn',
      },
      later: { Error: 'NothingToApprove' },
    };
    const text =
      'prod by arn:aws:sts::999999999999:assumed-role/lead/jane at 2026-11-21T10:00:00.000Z: fine   really  ';
    const tags = { ...released, 'packleader:approved': text.padEnd(256, 'x') };
    const event = { release: RELEASE, amis: { dev: [amiIn(DEV, 'ami-1')] }, approved };
    aws.on(DEV, image, ...shows(bare(released), bare(tags)));
    aws.accepts(DEV, new CreateTagsCommand({ Resources: ['ami-1'], Tags: tagList(tags) }));
    expect(await handler(event)).toEqual({ tagged: 1 });
    expect(await handler(event)).toEqual({ tagged: 1 });
    expect(aws.commands.filter((command) => command === 'CreateTags')).toHaveLength(1);
  });

  it('twice writes nothing the second time', async () => {
    aws.on(DEV, image, ...shows(candidate('ami-1', released)));
    aws.on(DEV, snapshot, ...showsSnapshot(released));
    expect(await apply()).toEqual({ tagged: 1 });
    expect(await apply()).toEqual({ tagged: 1 });
    expect(aws.commands).not.toContain('CreateTags');
  });

  it('tags only what lacks a tag', async () => {
    aws.on(DEV, image, ...shows(candidate('ami-1', released)));
    aws.on(DEV, snapshot, ...showsSnapshot({ ...released, Version: 'another' }, released));
    aws.accepts(DEV, tag('snap-1'));
    expect(await apply()).toEqual({ tagged: 1 });
  });

  it('asks for no snapshots when the AMI shows none: no ids would mean every snapshot there is', async () => {
    aws.on(DEV, image, ...shows(bare({}), bare(released)));
    aws.accepts(DEV, tag('ami-1'));
    expect(await apply()).toEqual({ tagged: 1 });
    expect(aws.commands).toEqual(['DescribeImages', 'CreateTags', 'DescribeImages']);
  });

  it('fails with NotReadyYet while the tags do not show', async () => {
    aws.on(DEV, image, ...shows(candidate('ami-1')));
    aws.on(DEV, snapshot, ...showsSnapshot(released));
    aws.accepts(DEV, tag('ami-1'));
    await expect(apply()).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: '111111111111/eu-west-1: ami-1 do not show their tags yet',
    });
  });

  it('fails with NotReadyYet while the AMI does not show', async () => {
    aws.on(DEV, image, { Images: [] });
    await expect(apply()).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  describe('of which some are deprecated one day', () => {
    const DeprecateAt = new Date('2027-02-19T09:31:00Z');
    const deprecate = new EnableImageDeprecationCommand({ ImageId: 'ami-1', DeprecateAt });
    const before = candidate('ami-1', released);
    const after = candidate('ami-1', released, { DeprecationTime: '2027-02-19T09:31:00.000Z' });

    function applyPlan() {
      const target = { sourceAmi: { ids: {} }, architecture: 'x86_64', timeoutMinutes: 60 };
      aws.holds('hub', 'plans/x/web/plan.json', {
        release: RELEASE,
        stages: [
          { name: 'dev', targets: [{ ...DEV, ...target, deprecateAfterDays: 90 }] },
          { name: 'prod', targets: [{ ...PROD, ...target }] },
        ],
      });
      return handler({
        release: RELEASE,
        amis: { dev: [amiIn(DEV, 'ami-1')], prod: [] },
        plan: { bucket: 'hub', prefix: 'plans/x/web', deprecates: true },
        startedAt: '2026-11-21T09:30:00.123Z',
      });
    }

    it('tells EC2 when, by whole minutes from the start of the release, and reads it back', async () => {
      aws.on(DEV, image, ...shows(before, after));
      aws.on(DEV, snapshot, ...showsSnapshot(released));
      aws.accepts(DEV, deprecate);
      expect(await applyPlan()).toEqual({ tagged: 1 });
      expect(aws.sentTo(DEV)).toEqual(
        [image, snapshot, deprecate, image, snapshot].map((command) => call(DEV, command)),
      );
    });

    it('twice writes nothing the second time', async () => {
      aws.on(DEV, image, ...shows(after));
      aws.on(DEV, snapshot, ...showsSnapshot(released));
      expect(await applyPlan()).toEqual({ tagged: 1 });
      expect(aws.commands).not.toContain('EnableImageDeprecation');
    });

    it('takes the place of another time', async () => {
      aws.on(
        DEV,
        image,
        ...shows(candidate('ami-1', released, { DeprecationTime: '2028-01-01T00:00:00.000Z' }), after),
      );
      aws.on(DEV, snapshot, ...showsSnapshot(released));
      aws.accepts(DEV, deprecate);
      expect(await applyPlan()).toEqual({ tagged: 1 });
    });

    it('fails with NotReadyYet while the time does not show', async () => {
      aws.on(DEV, image, ...shows(before));
      aws.on(DEV, snapshot, ...showsSnapshot(released));
      aws.accepts(DEV, deprecate);
      await expect(applyPlan()).rejects.toMatchObject({
        name: 'NotReadyYet',
        message: '111111111111/eu-west-1: ami-1 does not show yet when it will be deprecated',
      });
    });

    it('fails when the steward may not, with what EC2 says', async () => {
      aws.on(DEV, image, ...shows(before));
      aws.on(DEV, snapshot, ...showsSnapshot(released));
      aws.on(DEV, deprecate, awsError('UnauthorizedOperation'));
      await expect(applyPlan()).rejects.toMatchObject({ name: 'AccessDenied' });
    });

    it('reads no plan where none is', async () => {
      aws.on(DEV, image, ...shows(before));
      aws.on(DEV, snapshot, ...showsSnapshot(released));
      await handler({
        release: RELEASE,
        amis: { dev: [amiIn(DEV, 'ami-1')], prod: [] },
        plan: { bucket: 'hub', prefix: 'plans/x/web' },
        startedAt: '2026-11-21T09:30:00.123Z',
      });
      expect(aws.commands).toEqual(['DescribeImages', 'DescribeSnapshots']);
    });
  });

  it('fails in the target that refuses, after tagging the others', async () => {
    aws.on(DEV, image, ...shows(candidate('ami-1'), candidate('ami-1', released)));
    aws.on(DEV, snapshot, ...showsSnapshot(released));
    aws.accepts(DEV, tag('ami-1'));
    aws.on(PROD, new DescribeImagesCommand({ ImageIds: ['ami-2'] }), awsError('UnauthorizedOperation'));
    const amis = { dev: [amiIn(DEV, 'ami-1')], prod: [amiIn(PROD, 'ami-2')] };
    await expect(handler({ release: RELEASE, amis })).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(aws.sent).toContainEqual(call(DEV, tag('ami-1')));
  });
});
