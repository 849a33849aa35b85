import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../tasks/announce-release.ts';
import type { Plan, Release } from '../../core/contract/releases.ts';
import { DEV } from '../fixtures/accounts.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { PRERELEASE, RELEASE, amiIn } from '../fixtures/releases.ts';

const aws = useAws();

const announce = (release: Release) =>
  handler({
    release,
    source: { bucket: 'hub', key: 'sources/x.zip', sha256: 'a'.repeat(64) },
    plan: { bucket: 'hub', prefix: 'plans/x/web' },
    executionName: 'web',
    amis: { dev: [amiIn(DEV, 'ami-1')], prod: [] },
  });

const detail = (release: Release) => ({ ...release, images: [{ stage: 'dev', ...DEV, imageId: 'ami-1' }] });
const SOURCE = {
  sourceAmi: { ssmParameter: '/aws/service/al2023', maxAgeDays: 30 },
  architecture: 'arm64',
} as const;
const readPlan = new GetObjectCommand({ Bucket: 'hub', Key: 'plans/x/web/plan.json' });
beforeEach(() => {
  const plan: Plan = {
    release: RELEASE,
    stages: [{ name: 'dev', targets: [{ ...DEV, ...SOURCE, timeoutMinutes: 60 }] }],
  };
  aws.holds('hub', 'plans/x/web/plan.json', plan);
});

const record = new PutObjectCommand({
  Bucket: 'hub',
  Key: `released/web/${RELEASE.version}.json`,
  Body: JSON.stringify(
    { ...RELEASE, images: [{ stage: 'dev', ...DEV, imageId: 'ami-1', ...SOURCE }] },
    null,
    2,
  ),
  ContentType: 'application/json',
});
const event = (release: Release) =>
  new PutEventsCommand({
    Entries: [
      { Source: 'packleader', DetailType: 'Image Released', Detail: JSON.stringify(detail(release)) },
    ],
  });

describe('announcing a release', () => {
  it('remembers the commit, and how each source AMI was found, then puts one event', async () => {
    aws.accepts(HUB, record, event(RELEASE));
    expect(await announce(RELEASE)).toEqual({ announced: true });
    expect(aws.sent).toEqual([readPlan, record, event(RELEASE)].map((command) => call(HUB, command)));
  });

  it('remembers the directory of a template that was there before, and what was laid over it', async () => {
    const adopted = { directory: '.repository/mine/web', overlaySha256: 'b'.repeat(64) };
    aws.holds('hub', 'plans/x/web/plan.json', { release: RELEASE, adopted, stages: [] });
    aws.expects(HUB, ({ command }) => command === 'PutObject' || command === 'PutEvents');
    await announce(RELEASE);
    const written = aws.sent.find(({ command }) => command === 'PutObject')?.input;
    expect(JSON.parse(String(Object(written).Body))).toMatchObject({ adopted });
  });

  it('twice writes the same record and puts the same event again', async () => {
    aws.accepts(HUB, record, event(RELEASE));
    await announce(RELEASE);
    await announce(RELEASE);
    expect(aws.sent.slice(3)).toEqual(aws.sent.slice(0, 3));
  });

  it('of a prerelease writes no record, so that "what changed" is still measured from the last release', async () => {
    aws.accepts(HUB, event(PRERELEASE));
    expect(await announce(PRERELEASE)).toEqual({ announced: true });
  });

  it('tells people everything as they can see it, because a mail or a chat may show it', async () => {
    aws.accepts(HUB, event({ ...PRERELEASE, repository: 'https://a/\\u202eb' }));
    expect(await announce({ ...PRERELEASE, repository: 'https://a/\u202Eb\u001B[2J' })).toEqual({
      announced: true,
    });
  });

  it('fails with AnnouncementFailed when EventBridge answers well but took no event', async () => {
    aws.accepts(HUB, record);
    aws.on(HUB, event(RELEASE), {
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'try again' }],
    });
    await expect(announce(RELEASE)).rejects.toMatchObject({
      name: 'AnnouncementFailed',
      message: 'EventBridge refused "Image Released": InternalFailure try again',
    });
  });

  it('fails with a name that Retry knows, not with one of S3 or EventBridge, when they are busy', async () => {
    aws.on(HUB, record, awsError('SlowDown'), {});
    aws.on(HUB, event(RELEASE), awsError('InternalException'));
    await expect(announce(RELEASE)).rejects.toMatchObject({ name: 'Throttled' });
    await expect(announce(RELEASE)).rejects.toMatchObject({ name: 'ConnectionLost' });
  });
});
