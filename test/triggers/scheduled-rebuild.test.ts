import { DescribeImagesCommand, type Image } from '@aws-sdk/client-ec2';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ListExecutionsCommand, type ExecutionStatus, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand, GetParametersByPathCommand } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import type { SourceAmi } from '../../core/contract/source-amis.ts';
import { handler } from '../../triggers/scheduled-rebuild.ts';
import { HUB, type Where, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { tagList } from '../fixtures/aws/release-images.ts';

const aws = useAws();
const MACHINE = 'arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release';
const SCHEDULED_AT = '2026-11-23T04:00:00Z';
const RELEASED_AT = '20261101093000';
const EARLIER = { accountId: '111111111111', region: 'eu-west-1' };
const LATER = { accountId: '222222222222', region: 'eu-west-1' };
let log: string[] = [];

beforeEach(() => {
  process.env[TRIGGER_ENVIRONMENT.releaseMachine] = MACHINE;
  process.env[TRIGGER_ENVIRONMENT.bucket] = 'hub';
  log = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => log.push(String(line)) > 0);
});
afterEach(() => void vi.restoreAllMocks());

const rebuild = (when: 'always' | 'newer-source-ami' = 'always', image = 'base') =>
  handler({ image, when, scheduledAt: SCHEDULED_AT });

// ---------------------------------------------------------------------------------------------- what is expected

const readSwitch = new GetParameterCommand({ Name: '/packleader/triggers' });
const readResumed = new GetParameterCommand({ Name: '/packleader/triggers/resumed/base' });
const listReleases = new ListObjectsV2Command({ Bucket: 'hub', Prefix: 'released/base/' });
const listExecutions = new ListExecutionsCommand({ stateMachineArn: MACHINE, maxResults: 1000 });
const start = (reason: string) =>
  new StartExecutionCommand({
    stateMachineArn: MACHINE,
    name: 'rebuild-base-20261123040000',
    input: JSON.stringify({ image: 'base', reason }),
  });
const plainStart = start(`schedule of ${SCHEDULED_AT}`);

const record = (from: { sourceAmi?: SourceAmi; architecture?: string }) => ({
  releaseId: `base@1.4.${RELEASED_AT}`,
  image: 'base',
  version: `1.4.${RELEASED_AT}`,
  commit: 'c'.repeat(40),
  images: [
    { stage: 'dev', ...EARLIER, imageId: 'ami-dev', ...from },
    { stage: 'prod', ...LATER, imageId: 'ami-prod', ...from },
  ],
});

/** Nothing else of the release is left: its plan has expired. */
function released(from: { sourceAmi?: SourceAmi; architecture?: string } = {}): void {
  const Contents = [
    `released/base/1.9.20260101000000.json`,
    `released/base/1.4.${RELEASED_AT}.json`,
    'released/base/notes.txt',
  ].map((Key) => ({ Key }));
  aws.on(HUB, listReleases, { Contents });
  aws.holds('hub', `released/base/1.4.${RELEASED_AT}.json`, record(from));
}

/** Executions, the newest first, an hour apart, the newest an hour before the schedule. */
function executed(...executions: readonly (readonly [name: string, status: ExecutionStatus])[]): void {
  const list = executions.map(([name, status], index) => ({
    executionArn: `${MACHINE}:${name}`,
    stateMachineArn: MACHINE,
    name,
    status,
    startDate: new Date(Date.parse(SCHEDULED_AT) - (index + 1) * 3_600_000),
  }));
  aws.on(HUB, listExecutions, { executions: list });
}
const failed = (hours: string): [string, ExecutionStatus] => [`rebuild-base-202611${hours}0000`, 'FAILED'];
const threeFailures = [failed('2203'), failed('2202'), failed('2201')] as const;

beforeEach(() => {
  aws.on(HUB, readSwitch, awsError('ParameterNotFound'));
  aws.on(HUB, readResumed, awsError('ParameterNotFound'));
  aws.on(HUB, listReleases, {});
  executed();
});

// ----------------------------------------------------------------------------------------------

describe('a schedule', () => {
  it('starts one rebuild of its image, named after the time it was due', async () => {
    aws.on(HUB, plainStart, {});
    expect(await rebuild()).toEqual({
      outcome: 'started',
      execution: 'rebuild-base-20261123040000',
      already: false,
    });
    expect(aws.sent).toEqual(
      [readSwitch, listReleases, readResumed, listExecutions, plainStart].map((command) =>
        call(HUB, command),
      ),
    );
  });

  it('that is delivered twice starts one rebuild', async () => {
    aws.on(HUB, plainStart, awsError('ExecutionAlreadyExists'));
    expect(await rebuild()).toMatchObject({ outcome: 'started', already: true });
  });

  it('starts nothing while triggers are switched off', async () => {
    aws.on(HUB, readSwitch, { Parameter: { Value: 'disabled' } });
    expect(await rebuild()).toEqual({ outcome: 'switched off' });
    expect(log.map((line) => JSON.parse(line))).toMatchObject([{ TriggersSwitchedOff: 1, Image: 'base' }]);
  });

  it.each([
    {},
    { image: 'base', when: 'never', scheduledAt: SCHEDULED_AT },
    { image: 'base', when: 'always' },
  ])('fails as %j', async (event) => {
    await expect(handler(event)).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});

describe('three rebuilds of an image in a row that failed', () => {
  it('pause its schedule, and are counted for the alarm each time it is due', async () => {
    executed(...threeFailures);
    expect(await rebuild()).toEqual({ outcome: 'paused' });
    expect(log.map((line) => JSON.parse(line))).toMatchObject([
      { RebuildsPaused: 1, Image: 'base', _aws: { CloudWatchMetrics: [{ Dimensions: [[], ['Image']] }] } },
    ]);
  });

  it.each<[string, (readonly [string, ExecutionStatus])[]]>([
    ['two have', [failed('2203'), failed('2202')]],
    [
      'one in between succeeded',
      [failed('2203'), failed('2202'), ['rebuild-base-20261121040000', 'SUCCEEDED'], failed('2001')],
    ],
    [
      'a person stopped one of them',
      [failed('2203'), ['rebuild-base-20261121040000', 'ABORTED'], failed('2001')],
    ],
    ['one still runs', [['rebuild-base-20261121040000', 'RUNNING'], failed('2203'), failed('2202')]],
    [
      'they are those of a longer name',
      [
        ['rebuild-base-2-20261121040000', 'FAILED'],
        ['rebuild-base-2-20261121050000', 'FAILED'],
        ['rebuild-base-2-20261121060000', 'FAILED'],
      ],
    ],
    [
      'they were pushes',
      [
        ['push-1', 'FAILED'],
        ['push-2', 'FAILED'],
        ['base-1.4.20261121040000', 'FAILED'],
      ],
    ],
  ])('do not when %s', async (_, executions) => {
    executed(...executions);
    aws.on(HUB, plainStart, {});
    expect(await rebuild()).toMatchObject({ outcome: 'started' });
  });

  it('may have timed out, and have others in between', async () => {
    executed(
      failed('2203'),
      ['push-1', 'SUCCEEDED'],
      ['rebuild-base-20261121040000', 'TIMED_OUT'],
      ['rebuild-web-20261121040000', 'SUCCEEDED'],
      failed('2001'),
    );
    expect(await rebuild()).toEqual({ outcome: 'paused' });
  });

  it('may be on several pages', async () => {
    const [first, second, third] = threeFailures.map(([name], index) => ({
      executionArn: name,
      stateMachineArn: MACHINE,
      name,
      status: 'FAILED' as const,
      startDate: new Date(Date.parse(SCHEDULED_AT) - index * 3_600_000),
    }));
    if (!first || !second || !third) throw new Error('three failures');
    aws.on(HUB, listExecutions, { executions: [first, second], nextToken: 'more' });
    aws.on(HUB, new ListExecutionsCommand({ ...listExecutions.input, nextToken: 'more' }), {
      executions: [third],
    });
    expect(await rebuild()).toEqual({ outcome: 'paused' });
  });

  it('count no more once the image was released, by whomever', async () => {
    aws.on(HUB, listReleases, { Contents: [{ Key: 'released/base/1.4.20261123013000.json' }] });
    aws.holds('hub', 'released/base/1.4.20261123013000.json', record({}));
    executed(...threeFailures);
    aws.on(HUB, plainStart, {});
    expect(await rebuild()).toMatchObject({ outcome: 'started' });
  });

  it('count no more once somebody has resumed', async () => {
    executed(...threeFailures);
    aws.on(HUB, readResumed, { Parameter: { LastModifiedDate: new Date('2026-11-23T03:30:00Z') } });
    aws.on(HUB, plainStart, {});
    expect(await rebuild()).toMatchObject({ outcome: 'started' });
  });

  it('fail the schedule when nobody can tell how many there are', async () => {
    aws.on(HUB, listExecutions, awsError('AccessDeniedException'));
    await expect(rebuild()).rejects.toMatchObject({ name: 'AccessDenied' });
    aws.on(HUB, readResumed, awsError('ThrottlingException'));
    await expect(rebuild()).rejects.toMatchObject({ name: 'Throttled' });
  });
});

describe('a schedule that waits for a newer source AMI', () => {
  const SSM = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';
  const source = (imageId: string, CreationDate: string): Image => ({
    ImageId: imageId,
    Name: imageId.replace('ami', 'al2023'),
    OwnerId: '137112412989',
    State: 'available',
    Architecture: 'x86_64',
    CreationDate,
  });
  const USED = source('ami-used', '2026-10-01T00:00:00Z');
  const NEWER = source('ami-newer', '2026-11-20T00:00:00Z');
  const OLDER = source('ami-older', '2026-09-01T00:00:00Z');
  const everyAge = { IncludeDeprecated: true, IncludeDisabled: true };
  const byFilter = (imageId: string) =>
    new DescribeImagesCommand({ Filters: [{ Name: 'image-id', Values: [imageId] }], ...everyAge });

  /** One target: what it released from, whether that is still there, and what it would start from now. */
  function target(
    where: Where,
    imageId: string,
    {
      now = USED,
      used = [USED],
      releasedAmi = true,
      changes = {},
    }: { now?: Image; used?: Image[]; releasedAmi?: boolean; changes?: Partial<Image> } = {},
  ): void {
    aws.on(where, new GetParameterCommand({ Name: SSM }), { Parameter: { Value: now.ImageId } });
    aws.on(where, new DescribeImagesCommand({ ImageIds: [now.ImageId ?? ''], ...everyAge }), {
      Images: [now],
    });
    const Tags = tagList({ 'packleader:source-ami': 'ami-used' });
    aws.on(where, byFilter(imageId), {
      Images: releasedAmi ? [{ ImageId: imageId, State: 'available', Tags, ...changes }] : [],
    });
    aws.on(where, byFilter('ami-used'), { Images: used });
  }

  const releasedFrom = (sourceAmi: SourceAmi) => released({ sourceAmi, architecture: 'x86_64' });

  beforeEach(() => {
    releasedFrom({ ssmParameter: SSM });
    target(EARLIER, 'ami-dev');
    target(LATER, 'ami-prod');
  });

  it('starts nothing while every target would start from what it was released from', async () => {
    expect(await rebuild('newer-source-ami')).toEqual({ outcome: 'source AMI is the newest' });
    expect(aws.commands).not.toContain('StartExecution');
  });

  it('reads nothing but the record, which is kept when the plan has expired', async () => {
    await rebuild('newer-source-ami');
    expect(aws.sent.filter(({ command }) => command === 'GetObject')).toEqual([
      call(HUB, new GetObjectCommand({ Bucket: 'hub', Key: `released/base/1.4.${RELEASED_AT}.json` })),
    ]);
  });

  it('rebuilds, and says why, when there is a newer one', async () => {
    target(EARLIER, 'ami-dev', { now: NEWER });
    target(LATER, 'ami-prod', { now: NEWER });
    aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: ami-newer (al2023-newer) is newer than ami-used`), {});
    expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
  });

  it('starts nothing when its publisher went back to an older one', async () => {
    target(EARLIER, 'ami-dev', { now: OLDER });
    target(LATER, 'ami-prod', { now: OLDER });
    expect(await rebuild('newer-source-ami')).toEqual({ outcome: 'source AMI is the newest' });
  });

  it('rebuilds when the one it used is gone', async () => {
    target(EARLIER, 'ami-dev', { now: NEWER, used: [] });
    target(LATER, 'ami-prod', { now: NEWER, used: [] });
    aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: ami-newer (al2023-newer) is newer than ami-used`), {});
    expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
  });

  it('rebuilds when a released AMI is gone', async () => {
    target(LATER, 'ami-prod', { releasedAmi: false });
    aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: ami-prod is gone from 222222222222/eu-west-1`), {});
    expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
  });

  it.each<[string, Partial<Image>, string]>([
    ['disabled', { State: 'disabled' }, 'it is disabled'],
    [
      'deprecated',
      { DeprecationTime: '2026-01-01T00:00:00.000Z' },
      'it is deprecated since 2026-01-01T00:00:00.000Z',
    ],
  ])('rebuilds when a released AMI is %s', async (_, changes, why) => {
    target(LATER, 'ami-prod', { changes });
    const because = `ami-prod cannot be used in 222222222222/eu-west-1: ${why}`;
    aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: ${because}`), {});
    expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
  });

  it('rebuilds what was never released', async () => {
    aws.on(HUB, listReleases, {});
    aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: base was never released`), {});
    expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
  });

  it('rebuilds what an older deployment released, whose record does not say what it was made from', async () => {
    released();
    const why = `the record of 1.4.${RELEASED_AT} does not say what it was made from`;
    aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: ${why}`), {});
    expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
  });

  it('fails when the source is refused now: a rebuild would fail as well', async () => {
    const disabled = { ...NEWER, State: 'disabled' as const };
    target(EARLIER, 'ami-dev', { now: disabled });
    target(LATER, 'ami-prod', { now: disabled });
    await expect(rebuild('newer-source-ami')).rejects.toMatchObject({ name: 'SourceAmiRefused' });
  });

  it('fails when a target does not answer', async () => {
    aws.on(LATER, byFilter('ami-prod'), awsError('RequestLimitExceeded'));
    await expect(rebuild('newer-source-ami')).rejects.toMatchObject({ name: 'Throttled' });
  });

  describe('on another image of this factory', () => {
    const versionsIn = (where: Where, ...versions: readonly string[]) =>
      aws.on(
        where,
        new GetParametersByPathCommand({ Path: '/packleader/linux/versions', Recursive: false }),
        {
          Parameters: versions.map((version) => ({
            Name: `/packleader/linux/versions/${version}`,
            Value: version === NEW_BASE ? NEWER.ImageId : USED.ImageId,
          })),
        },
      );
    const versionIn = (where: Where, version: string, base: Image) => {
      const Name = `/packleader/linux/versions/${version}`;
      aws.on(where, new GetParameterCommand({ Name }), { Parameter: { Value: base.ImageId } });
      aws.on(where, new DescribeImagesCommand({ ImageIds: [base.ImageId ?? ''], ...everyAge }), {
        Images: [base],
      });
    };
    const [OLD_BASE, NEW_BASE] = ['1.0.20261101000000', '1.0.20261122000000'];

    beforeEach(() => {
      for (const where of [EARLIER, LATER]) {
        versionsIn(where, OLD_BASE, NEW_BASE);
        versionIn(where, OLD_BASE, USED);
        versionIn(where, NEW_BASE, NEWER);
      }
    });

    it('rebuilds once that has a newer release, though the last one was built on the same execution’s', async () => {
      releasedFrom({ image: 'linux', version: OLD_BASE, sameExecution: true });
      aws.on(HUB, start(`schedule of ${SCHEDULED_AT}: ami-newer (al2023-newer) is newer than ami-used`), {});
      expect(await rebuild('newer-source-ami')).toMatchObject({ outcome: 'started' });
    });

    it('starts nothing for the version that the configuration names', async () => {
      releasedFrom({ image: 'linux', version: OLD_BASE });
      expect(await rebuild('newer-source-ami')).toEqual({ outcome: 'source AMI is the newest' });
    });
  });
});
