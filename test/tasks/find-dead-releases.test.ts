import { BatchGetBuildsCommand } from '@aws-sdk/client-codebuild';
import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { DescribeParametersCommand } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../../core/contract/targets.ts';
import { handler } from '../../tasks/find-dead-releases.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, builds, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';
import { tagList, releaseFilter } from '../fixtures/aws/release-images.ts';
import { build, listBuilds, looksFor } from '../fixtures/aws/looks.ts';
import {
  BUCKET,
  PLAN,
  RELEASE_ARN,
  SWEEP,
  describeExecution,
  history,
  records,
  releaseEnded,
  unknownExecution,
  writes,
  DEAD,
} from '../fixtures/aws/executions.ts';

const aws = useAws();

const every = [{ Name: 'tag-key', Values: ['packleader:release'] }];
const tags = (more: Record<string, string> = {}) =>
  tagList({
    'packleader:release': RELEASE.releaseId,
    'packleader:execution': RELEASE_ARN,
    'packleader:state': 'candidate',
    'packleader:commit': RELEASE.commit,
    'packleader:repository': RELEASE.repository,
    ...more,
  });

const looks = (Filters: typeof every) => ({
  ...looksFor(Filters),
  images: new DescribeImagesCommand({
    Owners: ['self'],
    IncludeDeprecated: true,
    IncludeDisabled: true,
    Filters,
  }),
});
const names = new DescribeParametersCommand({
  ParameterFilters: [{ Key: 'Path', Option: 'Recursive', Values: ['/packleader'] }],
  MaxResults: 50,
});

/** A target in which an AMI with one snapshot is all that is seen, unless it holds nothing. */
function holds(target: Target, filters = every, Tags?: ReturnType<typeof tags>): void {
  const { instances, keyPairs, launchTemplates, volumes, interfaces, groups, images, snapshots } =
    looks(filters);
  aws.accepts(builds(target), listBuilds);
  aws.accepts(
    target,
    instances,
    keyPairs,
    launchTemplates,
    volumes,
    interfaces,
    groups,
    images,
    snapshots,
    names,
  );
  if (Tags === undefined) return;
  aws.on(target, images, { Images: [{ ImageId: 'ami-1', Tags }] });
  aws.on(target, snapshots, { Snapshots: [{ SnapshotId: 'snap-1', Tags }] });
}

const find = async (request: unknown = {}, { attempt = 9 } = {}) =>
  handler({
    request,
    execution: SWEEP,
    bucket: BUCKET,
    deployed: { [DEV.region]: [DEV.accountId], [PROD.region]: [PROD.accountId] },
    attempt,
  });

const nothing = { releases: [], kept: [], leftovers: [] };
const FINDINGS = 'sweeps/sweep-1/findings.json';
const found = (releaseId = RELEASE.releaseId, settledAt = '2026-11-21T10:00:00.000Z') => ({
  bucket: BUCKET,
  sweep: 'sweep-1',
  dryRun: false,
  releases: [{ releaseId, settledAt }],
});
const foundNothing = { ...found(), releases: [] };
const dead = {
  ...DEAD,
  targets: [
    { ...DEV, resourceIds: ['ami-1', 'snap-1'] },
    { ...PROD, resourceIds: [] },
  ],
};

beforeEach(() => {
  aws.accepts(HUB, records());
  aws.holds(BUCKET, 'plans/x/web/plan.json', PLAN);
});

describe('a sweep of everything', () => {
  it('finds a release whose execution was stopped, with its targets and batches', async () => {
    holds(DEV, every, tags());
    holds(PROD);
    releaseEnded(aws, 'ABORTED');
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, releases: [dead] }));
    expect(await find()).toEqual(found());
    expect(aws.sentTo(HUB)).toEqual([
      call(HUB, records()),
      call(HUB, describeExecution(RELEASE_ARN)),
      call(HUB, history()),
      call(HUB, describeExecution(`${RELEASE_ARN}-r2`)),
      call(HUB, records('plans/x/web/plan.json')),
      call(HUB, new GetObjectCommand({ Bucket: BUCKET, Key: 'plans/x/web/plan.json' })),
      call(HUB, writes(FINDINGS, { ...nothing, releases: [dead] })),
    ]);
    const { instances, keyPairs, launchTemplates, volumes, interfaces, groups, images, snapshots } =
      looks(every);
    expect(aws.sentTo(DEV)).toEqual(
      [instances, keyPairs, launchTemplates, volumes, interfaces, groups, images, snapshots, names].map(
        (one) => call(DEV, one),
      ),
    );
  });

  it('of nothing finds nothing', async () => {
    holds(DEV);
    holds(PROD);
    aws.accepts(HUB, writes(FINDINGS, nothing));
    expect(await find()).toEqual(foundNothing);
  });

  it.each(['RUNNING', 'SUCCEEDED'] as const)(
    'leaves a release alone whose execution is %s',
    async (status) => {
      holds(DEV, every, tags());
      holds(PROD);
      releaseEnded(aws, status);
      const kept =
        status === 'RUNNING'
          ? [{ releaseId: RELEASE.releaseId, is: 'running', why: 'its execution is RUNNING' }]
          : [];
      aws.accepts(HUB, writes(FINDINGS, { ...nothing, kept }));
      expect(await find()).toEqual(foundNothing);
    },
  );

  it('asks nobody about a release that left a record', async () => {
    aws.on(HUB, records(), { Contents: [{ Key: `released/web/${RELEASE.version}.json` }] });
    holds(DEV, every, tags({ 'packleader:state': 'released' }));
    holds(PROD);
    aws.accepts(HUB, writes(FINDINGS, nothing));
    expect(await find()).toEqual(foundNothing);
  });

  it('leaves a release that ended less than an hour ago to the sweep that its end has started', async () => {
    holds(DEV, every, tags());
    holds(PROD);
    releaseEnded(aws, 'FAILED', { stopDate: new Date('2026-11-21T11:00:01Z') });
    const why = 'its execution ended FAILED less than 60 minutes ago';
    aws.accepts(
      HUB,
      writes(FINDINGS, { ...nothing, kept: [{ releaseId: RELEASE.releaseId, is: 'recent', why }] }),
    );
    expect(await find({ olderThanMinutes: 60 })).toEqual(foundNothing);
  });

  it('names what it cannot tell, and leaves it', async () => {
    holds(DEV, every, tags());
    holds(PROD);
    unknownExecution(aws);
    const why = `of ${RELEASE.releaseId}: Step Functions does not know its execution, though it is only 0 days old`;
    const leftovers = ['ami-1', 'snap-1'].map((resourceId) => ({ ...DEV, resourceId, why }));
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, leftovers }));
    expect(await find()).toEqual(foundNothing);
  });

  it('looks at the other targets when one may not be looked at, and names that one', async () => {
    holds(DEV, every, tags());
    holds(PROD);
    aws.on(PROD, looks(every).volumes, awsError('UnauthorizedOperation', 'no'));
    releaseEnded(aws, 'ABORTED');
    const why = 'could not be looked at: AccessDenied: UnauthorizedOperation: no';
    const leftovers = [{ ...PROD, resourceId: 'anything', why }];
    aws.accepts(HUB, writes(FINDINGS, { releases: [dead], kept: [], leftovers }));
    expect(await find()).toEqual(found());
  });

  it('fails while a target is throttled, so that it is looked at again, and names it at last', async () => {
    holds(DEV);
    holds(PROD);
    aws.on(PROD, looks(every).volumes, awsError('RequestLimitExceeded', 'no'));
    await expect(find({}, { attempt: 3 })).rejects.toMatchObject({ name: 'Throttled' });
    const why = 'could not be looked at: Throttled: RequestLimitExceeded: no';
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, leftovers: [{ ...PROD, resourceId: 'anything', why }] }));
    expect(await find({}, { attempt: 4 })).toEqual(foundNothing);
  });

  it('finds a build that runs, and a parameter of which no AMI is left', async () => {
    holds(DEV);
    holds(PROD);
    const bake = build('packleader-bake:1', 'IN_PROGRESS', DEV);
    const ended = build('packleader-bake:2', 'FAILED', DEV);
    aws.on(builds(DEV), listBuilds, { ids: ['packleader-bake:1', 'packleader-bake:2'] });
    aws.on(builds(DEV), new BatchGetBuildsCommand({ ids: ['packleader-bake:1', 'packleader-bake:2'] }), {
      builds: [bake, ended],
    });
    const parameter = `/packleader/web/versions/${RELEASE.version}`;
    aws.on(PROD, names, {
      Parameters: [
        { Name: parameter },
        { Name: '/packleader/web/latest' },
        { Name: '/packleader/secrets/web' },
      ],
    });
    releaseEnded(aws, 'TIMED_OUT');
    const targets = [
      { ...DEV, resourceIds: ['packleader-bake:1'] },
      { ...PROD, resourceIds: [parameter] },
    ];
    const why = 'its execution ended TIMED_OUT';
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, releases: [{ ...dead, why, targets }] }));
    expect(await find()).toEqual(found());
  });

  it('takes what it knows of a forgotten release from its tags', async () => {
    const releaseId = 'web@1.4.20260801093000';
    holds(
      DEV,
      every,
      tags({
        'packleader:release': releaseId,
        'packleader:execution': RELEASE_ARN.replace('20261121', '20260801'),
      }),
    );
    holds(PROD);
    unknownExecution(aws, RELEASE_ARN.replace('20261121', '20260801'));
    const forgotten = {
      release: { ...RELEASE, releaseId, version: '1.4.20260801093000' },
      why: 'it never became more than a candidate, 112 days ago',
      settledAt: '1970-01-01T00:00:00.000Z',
      batches: [],
      targets: [{ ...DEV, resourceIds: ['ami-1', 'snap-1'] }],
    };
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, releases: [forgotten] }));
    expect(await find()).toEqual(found(releaseId, '1970-01-01T00:00:00.000Z'));
  });

  it('waits for a task that may still be publishing for as long as it may run', async () => {
    holds(DEV, every, tags());
    holds(PROD);
    releaseEnded(aws, 'ABORTED', { states: ['Publish release'] });
    const settledAt = '2026-11-21T10:11:00.000Z';
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, releases: [{ ...dead, settledAt }] }));
    expect(await find()).toEqual(found(RELEASE.releaseId, settledAt));
  });
});

describe('a sweep of one release', () => {
  it.each([{ release: RELEASE.releaseId }, { execution: RELEASE_ARN }])(
    'looks for it where its plan says, whatever is deployed, and however young it is (%o)',
    async (request) => {
      holds(DEV, releaseFilter, tags());
      holds(PROD, releaseFilter);
      const stopDate = new Date('2026-11-21T11:59:00Z');
      releaseEnded(aws, 'ABORTED', { stopDate });
      aws.accepts(
        HUB,
        writes(FINDINGS, {
          ...nothing,
          releases: [
            { ...dead, settledAt: stopDate.toISOString(), ...('release' in request && { evenKept: true }) },
          ],
        }),
      );
      expect(await find({ ...request, dryRun: true })).toEqual({
        ...found(RELEASE.releaseId, stopDate.toISOString()),
        dryRun: true,
      });
    },
  );

  it('is swept even when nothing of it is seen: something may appear', async () => {
    holds(DEV, releaseFilter);
    holds(PROD, releaseFilter);
    releaseEnded(aws, 'ABORTED');
    const targets = [DEV, PROD].map((target) => ({ ...target, resourceIds: [] }));
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, releases: [{ ...dead, targets, evenKept: true }] }));
    expect(await find({ release: RELEASE.releaseId })).toEqual(found());
  });

  it('says why it leaves one alone that is released', async () => {
    holds(DEV, releaseFilter);
    holds(PROD, releaseFilter);
    releaseEnded(aws, 'SUCCEEDED');
    const kept = [{ releaseId: RELEASE.releaseId, is: 'released', why: 'its execution succeeded' }];
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, kept }));
    expect(await find({ release: RELEASE.releaseId })).toEqual(foundNothing);
  });

  it('says so when nobody knows of it', async () => {
    for (const target of [DEV, PROD]) holds(target, releaseFilter);
    unknownExecution(aws);
    const why = 'Step Functions does not know its execution, though it is only 0 days old';
    const kept = [{ releaseId: RELEASE.releaseId, is: 'unclear', why }];
    aws.accepts(HUB, writes(FINDINGS, { ...nothing, kept }));
    expect(await find({ release: RELEASE.releaseId })).toEqual(foundNothing);
  });

  it('finds nothing for an execution that was never told what to release', async () => {
    aws.on(HUB, describeExecution(RELEASE_ARN), { status: 'FAILED', input: '{}' });
    aws.accepts(HUB, writes(FINDINGS, nothing));
    expect(await find({ execution: RELEASE_ARN })).toEqual(foundNothing);
  });

  it.each([
    [[]],
    ['web'],
    [{ release: 'web' }],
    [{ releases: [] }],
    [{ release: RELEASE.releaseId, execution: 'x' }],
  ])('fails with correct inputs for %j', async (request) => {
    await expect(find(request)).rejects.toThrow('Correct inputs are {} (everything)');
  });
});
