import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetExecutionHistoryCommand, type HistoryEvent } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../tasks/announce-release.ts';
import type { Plan, Release } from '../../core/contract/releases.ts';
import { DEV } from '../fixtures/accounts.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE_ARN, batchArn } from '../fixtures/aws/executions.ts';
import { PRERELEASE, RELEASE, SOURCE_AMI, amiIn, batchOf } from '../fixtures/releases.ts';

const aws = useAws();

const announce = (release: Release, execution: object = EXECUTION) =>
  handler({
    release,
    source: { bucket: 'hub', key: 'sources/x.zip', sha256: 'a'.repeat(64) },
    plan: { bucket: 'hub', prefix: 'plans/x/web' },
    executionName: 'web',
    amis: { dev: [amiIn(DEV, 'ami-1')], prod: [] },
    ...execution,
  });

const EXECUTION = {
  executionArn: RELEASE_ARN,
  startedAt: '2026-11-21T09:31:00.000Z',
  resolved: { dev: { batches: [batchOf(DEV)] }, prod: { batches: [] } },
};

const detail = (release: Release) => ({
  schema: 1,
  ...release,
  executionArn: RELEASE_ARN,
  images: [{ stage: 'dev', ...DEV, imageId: 'ami-1' }],
});
const SOURCE = {
  sourceAmi: { ssmParameter: '/aws/service/al2023', maxAgeDays: 30 },
  architecture: 'arm64',
} as const;
const readPlan = new GetObjectCommand({ Bucket: 'hub', Key: 'plans/x/web/plan.json' });
const ORIGIN = {
  branch: 'main',
  requestArn: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-1',
  reason: 'a newer source AMI',
  configuration: [{ setting: 'architecture', value: 'arm64', file: 'config/default.yaml', line: 3 }],
};
beforeEach(() => {
  const plan: Plan = {
    release: RELEASE,
    ...ORIGIN,
    stages: [{ name: 'dev', targets: [{ ...DEV, ...SOURCE, timeoutMinutes: 60 }] }],
  };
  aws.holds('hub', 'plans/x/web/plan.json', plan);
});

const put = (record: object) =>
  new PutObjectCommand({
    Bucket: 'hub',
    Key: `released/web/${RELEASE.version}.json`,
    Body: JSON.stringify(record, null, 2),
    ContentType: 'application/json',
  });
const record = put({
  schema: 2,
  ...RELEASE,
  ...ORIGIN,
  executionArn: RELEASE_ARN,
  startedAt: '2026-11-21T09:31:00.000Z',
  images: [{ stage: 'dev', ...DEV, imageId: 'ami-1', ...SOURCE, sourceImageId: SOURCE_AMI }],
});
const event = (release: Release) =>
  new PutEventsCommand({
    Entries: [
      { Source: 'packleader', DetailType: 'Image Released', Detail: JSON.stringify(detail(release)) },
    ],
  });

describe('announcing a release', () => {
  it('remembers what the plan and the execution know of the release, then puts one event', async () => {
    aws.accepts(HUB, record, event(RELEASE));
    expect(await announce(RELEASE)).toEqual({
      announced: true,
      ...RELEASE,
      amis: { dev: [{ ...DEV, imageId: 'ami-1' }] },
    });
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

  it('remembers when an AMI will be deprecated', async () => {
    const target = { ...DEV, ...SOURCE, timeoutMinutes: 60, deprecateAfterDays: 90 };
    const stages = [{ name: 'dev', targets: [target] }];
    aws.holds('hub', 'plans/x/web/plan.json', { release: RELEASE, stages });
    aws.expects(HUB, ({ command }) => command === 'PutObject' || command === 'PutEvents');
    await announce(RELEASE);
    const written = aws.sent.find(({ command }) => command === 'PutObject')?.input;
    expect(JSON.parse(String(Object(written).Body)).images).toMatchObject([
      { imageId: 'ami-1', deprecatedAt: '2027-02-19T09:31:00.000Z' },
    ]);
  });

  it('twice writes the same record and puts the same event again', async () => {
    aws.accepts(HUB, record, event(RELEASE));
    await announce(RELEASE);
    await announce(RELEASE);
    expect(aws.sent.slice(3)).toEqual(aws.sent.slice(0, 3));
  });

  it.each([
    ['the plan pins', { image: 'base', version: '1.0.20261101000000' }, undefined, 'base@1.0.20261101000000'],
    ['was resolved', { image: 'base' }, { base: '1.1.20261102000000' }, 'base@1.1.20261102000000'],
  ])('remembers the release it was built on, which %s', async (_, sourceAmi, bases, builtOn) => {
    const target = { ...DEV, sourceAmi, architecture: 'arm64', timeoutMinutes: 60 };
    aws.holds('hub', 'plans/x/web/plan.json', {
      release: RELEASE,
      stages: [{ name: 'dev', targets: [target] }],
    });
    const image = { stage: 'dev', ...DEV, imageId: 'ami-1', sourceAmi, architecture: 'arm64' };
    const images = [{ ...image, sourceImageId: SOURCE_AMI, builtOn }];
    const { executionArn, startedAt } = EXECUTION;
    aws.accepts(HUB, put({ schema: 2, ...RELEASE, executionArn, startedAt, images }), event(RELEASE));
    const resolved = { dev: { batches: [batchOf(DEV)], ...(bases && { bases }) } };
    expect(await announce(RELEASE, { ...EXECUTION, resolved })).toMatchObject({ announced: true });
  });

  it('announces for a state machine of an older deployment, and leaves out of the record what that does not tell', async () => {
    const images = [{ stage: 'dev', ...DEV, imageId: 'ami-1', ...SOURCE }];
    const { executionArn: _unknown, ...told } = detail(RELEASE);
    const older = { Source: 'packleader', DetailType: 'Image Released', Detail: JSON.stringify(told) };
    aws.accepts(
      HUB,
      put({ schema: 2, ...RELEASE, ...ORIGIN, images }),
      new PutEventsCommand({ Entries: [older] }),
    );
    expect(await announce(RELEASE, {})).toMatchObject({ announced: true });
  });

  it.each([
    ['m7i.large', { instanceType: 'm7i.large' }],
    ['m7a.large spot', { instanceType: 'm7a.large', spot: true }],
  ])('tells and remembers that the bake had the builder %s', async (told, builder) => {
    const baked = { dev: [{ bakes: [{ builder: [told] }] }], prod: [] };
    aws.expects(HUB, ({ command }) => command === 'PutObject' || command === 'PutEvents');
    await announce(RELEASE, { ...EXECUTION, baked });
    const inputs = aws.sent.map(({ input }) => Object(input));
    const written = JSON.parse(String(inputs.find(({ Body }) => Body !== undefined).Body));
    const announced = JSON.parse(
      String(inputs.find(({ Entries }) => Entries !== undefined).Entries[0].Detail),
    );
    expect(written.images).toEqual([expect.objectContaining({ imageId: 'ami-1', ...builder })]);
    expect(announced.images).toEqual([{ stage: 'dev', ...DEV, imageId: 'ami-1', ...builder }]);
  });

  it.each([[[]], [undefined]])(
    'knows of no builder when the project of an older deployment told %j',
    async (builder) => {
      const baked = { dev: [{ bakes: [{ ...(builder && { builder }) }] }], prod: [] };
      aws.accepts(HUB, record, event(RELEASE));
      expect(await announce(RELEASE, { ...EXECUTION, baked })).toMatchObject({ announced: true });
    },
  );

  it('of a prerelease writes no record, so that "what changed" is still measured from the last release', async () => {
    aws.accepts(HUB, event(PRERELEASE));
    expect(await announce(PRERELEASE)).toMatchObject({ announced: true });
  });

  it('tells people everything as they can see it, because a mail or a chat may show it', async () => {
    aws.accepts(HUB, event({ ...PRERELEASE, repository: 'https://a/\\u202eb' }));
    expect(await announce({ ...PRERELEASE, repository: 'https://a/\u202Eb\u001B[2J' })).toMatchObject({
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

  describe('where its time went', () => {
    const at = (minutes: number) => new Date(Date.parse(EXECUTION.startedAt) + minutes * 60_000);
    const announcedAt = at(14.5).toISOString();
    const entered = (id: number, name: string, minutes: number): HistoryEvent => ({
      id,
      previousEventId: id - 1,
      type: 'PassStateEntered',
      timestamp: at(minutes),
      stateEnteredEventDetails: { name },
    });
    const exited = (id: number, name: string, minutes: number): HistoryEvent => ({
      id,
      previousEventId: id - 1,
      type: 'PassStateExited',
      timestamp: at(minutes),
      stateExitedEventDetails: { name },
    });
    const told = [
      entered(1, 'Bake dev AMIs', 1),
      exited(2, 'Bake dev AMIs', 14),
      entered(3, 'Publish release', 14),
      entered(4, 'Announce release', 14.5),
      { id: 5, previousEventId: 4, type: 'LambdaFunctionStarted', timestamp: at(14.6) } as const,
    ];
    const batch = [
      {
        ...entered(1, 'Bake AMI', 1.5),
        stateEnteredEventDetails: { name: 'Bake AMI', input: JSON.stringify(DEV) },
      },
      exited(2, 'Bake AMI', 13.75),
    ];
    const own = new GetExecutionHistoryCommand({
      executionArn: RELEASE_ARN,
      includeExecutionData: false,
      maxResults: 1_000,
    });
    const ofBatch = new GetExecutionHistoryCommand({
      executionArn: batchArn('dev', 1),
      includeExecutionData: true,
      maxResults: 1_000,
    });
    const written = () =>
      JSON.parse(String(Object(aws.sent.find(({ command }) => command === 'PutObject')?.input).Body));
    const release = async (more: object = {}) =>
      announce(RELEASE, {
        ...EXECUTION,
        executionName: `web-${RELEASE.version}`,
        announcedAt,
        ...more,
      });

    beforeEach(() => aws.expects(HUB, ({ command }) => command === 'PutObject' || command === 'PutEvents'));

    it('is remembered up to here, with what it cost; Step Functions may not show the last end yet', async () => {
      aws.on(HUB, own, { events: told.slice(0, 2), nextToken: 'more' });
      aws.on(HUB, new GetExecutionHistoryCommand({ ...own.input, nextToken: 'more' }), {
        events: told.slice(2),
      });
      aws.on(HUB, ofBatch, { events: batch });
      await release();
      expect(written().timeline).toEqual({
        states: [
          { state: 'Bake dev AMIs', startedAt: at(1).toISOString(), stoppedAt: at(14).toISOString() },
          { state: 'Publish release', startedAt: at(14).toISOString(), stoppedAt: announcedAt },
        ],
        bakes: [
          {
            stage: 'dev',
            ...DEV,
            startedAt: at(1.5).toISOString(),
            stoppedAt: at(13.75).toISOString(),
            error: null,
          },
        ],
        billed: { transitions: 3, lambdaRequests: 0, lambdaSeconds: 0, buildMinutes: 13 },
        cost: expect.closeTo(13 * 0.005 + 3 * 0.000025),
      });
      expect(written()).not.toHaveProperty('notTimed');
    });

    it('is read of those batches only that this execution has baked', async () => {
      aws.on(HUB, own, { events: told });
      const resolved = { dev: { batches: [batchOf(DEV)], toBake: [] } };
      await release({ resolved });
      expect(written().timeline).toMatchObject({ bakes: [], billed: { buildMinutes: 0 } });
    });

    it.each(['AccessDeniedException', 'ThrottlingException', 'ExecutionDoesNotExist'])(
      'is not worth the announcement: the record says %s',
      async (code) => {
        aws.on(HUB, own, { events: told });
        aws.on(HUB, ofBatch, awsError(code));
        expect(await release()).toMatchObject({ announced: true });
        expect(written().notTimed).toContain(code);
        expect(written()).not.toHaveProperty('timeline');
      },
    );
  });
});
