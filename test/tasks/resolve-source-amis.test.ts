import { DescribeImagesCommand, type Image } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import {
  DescribeParametersCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersByPathCommand,
} from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Plan, Release } from '../../core/contract/releases.ts';
import type { SourceAmi } from '../../core/contract/source-amis.ts';
import type { Target } from '../../core/contract/targets.ts';
import { executionName } from '../../core/releases/execution-name.ts';
import { handler } from '../../tasks/resolve-source-amis.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, builds, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE_ARN, batchArn, describeExecution, releaseEnded } from '../fixtures/aws/executions.ts';
import { PRERELEASE, RELEASE } from '../fixtures/releases.ts';
import { imagesByTag, releaseFilter, tagList } from '../fixtures/aws/release-images.ts';
import { listBuilds, looksFor } from '../fixtures/aws/looks.ts';

const aws = useAws();
/** Whether EventBridge takes an event. */
let takes = true;
beforeEach(() => {
  takes = true;
  aws.expects(HUB, ({ command }) => command === 'PutEvents' && takes);
  aws.expects(HUB, ({ command }) => command === 'PutEvents', awsError('AccessDeniedException'));
});

const STARTED_AT = '2026-11-21T09:30:00.000Z';
const PARAMETER = '/aws/service/al2023';
const byParameter: SourceAmi = { ssmParameter: PARAMETER, maxAgeDays: 60 };

const planObject = new GetObjectCommand({ Bucket: 'hub', Key: 'plans/x/web/plan.json' });
const get = (Name: string) => new GetParameterCommand({ Name });
const describeImage = (id: string) =>
  new DescribeImagesCommand({ ImageIds: [id], IncludeDeprecated: true, IncludeDisabled: true });
const versionsOf = (image: string, NextToken?: string) =>
  new GetParametersByPathCommand({
    Path: `/packleader/${image}/versions`,
    Recursive: false,
    ...(NextToken === undefined ? {} : { NextToken }),
  });

const sound = (id: string, changes: Partial<Image> = {}): Image => ({
  ImageId: id,
  OwnerId: '137112412989',
  Name: 'al2023-2026.11',
  State: 'available',
  Architecture: 'x86_64',
  CreationDate: '2026-11-01T00:00:00.000Z',
  ...changes,
});

type Planned = readonly (readonly [stage: string, ...targets: readonly (readonly [Target, SourceAmi])[]])[];

const plans = (...stages: Planned): Plan => ({
  release: RELEASE,
  stages: stages.map(([name, ...targets]) => ({
    name,
    targets: targets.map(([target, sourceAmi]) => ({
      ...target,
      sourceAmi,
      architecture: 'x86_64',
      timeoutMinutes: 60,
    })),
  })),
});

const event = {
  release: RELEASE,
  source: { bucket: 'hub', key: 'sources/x.zip', sha256: 'a'.repeat(64) },
  plan: { bucket: 'hub', prefix: 'plans/x/web' },
  executionName: `web-${RELEASE.version}`,
  executionArn: RELEASE_ARN,
  startedAt: STARTED_AT,
};

function resolve(...stages: Planned) {
  for (const [, ...targets] of stages) for (const [target] of targets) neverReleased(target);
  aws.holds('hub', 'plans/x/web/plan.json', plans(...stages));
  return handler(event);
}

/** Nothing of the image was published there. */
function neverReleased(target: Target): void {
  aws.on(target, versionsOf('web'), {});
  aws.on(target, get('/packleader/web/latest'), awsError('ParameterNotFound'));
}
const looked = (target: Target) => [
  call(target, versionsOf('web')),
  call(target, get('/packleader/web/latest')),
];

function finds(target: Target, image: Image): void {
  aws.on(target, get(PARAMETER), { Parameter: { Value: image.ImageId } });
  aws.on(target, describeImage(image.ImageId ?? ''), { Images: [image] });
}

const bakes = (target: Target, sourceImageId: string) => ({ ...target, sourceImageId, timeoutMinutes: 60 });
const NEIGHBOUR: Target = { ...DEV, accountId: '333333333333' };

const search = (NextToken?: string) =>
  new DescribeImagesCommand({
    Owners: ['099720109477'],
    Filters: [
      { Name: 'state', Values: ['available'] },
      { Name: 'architecture', Values: ['x86_64'] },
      { Name: 'name', Values: ['ubuntu-*'] },
    ],
    ...(NextToken === undefined ? {} : { NextToken }),
  });

const baseVersions = (...all: readonly string[]) => ({
  Parameters: all.map((version) => ({
    Name: `/packleader/base/versions/${version}`,
    Value: `ami-${version}`,
  })),
});
const parameter = (version: string) => get(`/packleader/base/versions/${version}`);

describe('resolving source AMIs', () => {
  it('looks each parameter up once per target, and pins the AMI for every bake', async () => {
    finds(DEV, sound('ami-1'));
    finds(PROD, sound('ami-2'));
    expect(await resolve(['dev', [DEV, byParameter]], ['prod', [PROD, byParameter]])).toEqual({
      dev: { batches: [{ number: 1, targets: [bakes(DEV, 'ami-1')] }] },
      prod: { batches: [{ number: 1, targets: [bakes(PROD, 'ami-2')] }] },
    });
    expect(aws.sentTo(DEV)).toEqual([
      ...looked(DEV),
      call(DEV, get(PARAMETER)),
      call(DEV, describeImage('ami-1')),
    ]);
    expect(aws.sentTo(PROD)).toEqual([
      ...looked(PROD),
      call(PROD, get(PARAMETER)),
      call(PROD, describeImage('ami-2')),
    ]);
    expect(aws.stewards.toSorted()).toEqual([DEV.accountId, PROD.accountId]);
  });

  it('says that the release begins, and how many targets there are in the stages that it is for', async () => {
    finds(DEV, sound('ami-1'));
    await resolve(['dev', [DEV, byParameter]], ['prod']);
    const [told] = aws.sentTo(HUB).filter(({ command }) => command === 'PutEvents');
    const Detail = JSON.stringify({
      schema: 1,
      ...RELEASE,
      executionArn: RELEASE_ARN,
      startedAt: STARTED_AT,
      stages: [{ stage: 'dev', targets: 1 }],
      builtOn: [],
    });
    const Entries = [{ Source: 'packleader', DetailType: 'Release Started', Detail }];
    expect(told).toEqual(call(HUB, new PutEventsCommand({ Entries })));
  });

  it('begins all the same when nobody can be told', async () => {
    finds(DEV, sound('ami-1'));
    takes = false;
    expect(await resolve(['dev', [DEV, byParameter]])).toMatchObject({ dev: { batches: [{ number: 1 }] } });
  });

  it('twice finds the same', async () => {
    finds(DEV, sound('ami-1'));
    const first = await resolve(['dev', [DEV, byParameter]]);
    expect(await resolve(['dev', [DEV, byParameter]])).toEqual(first);
  });

  it('keeps the stages that a prerelease leaves out, without batches', async () => {
    finds(DEV, sound('ami-1'));
    expect(await resolve(['dev', [DEV, byParameter]], ['prod'])).toMatchObject({ prod: { batches: [] } });
  });

  it('makes batches of at most 40', async () => {
    const targets = Array.from({ length: 81 }, (_, index) => ({
      ...DEV,
      accountId: String(100_000_000_000 + index),
    }));
    for (const target of targets) finds(target, sound('ami-1'));
    const { dev } = await resolve(['dev', ...targets.map((target) => [target, byParameter] as const)]);
    expect(dev?.batches.map((batch) => [batch.number, batch.targets.length])).toEqual([
      [1, 40],
      [2, 40],
      [3, 1],
    ]);
    expect(dev?.batches.flatMap((batch) => batch.targets.map(({ accountId }) => accountId))).toEqual(
      targets.map(({ accountId }) => accountId),
    );
  });

  it('takes the id of the region', async () => {
    aws.on(DEV, describeImage('ami-1'), { Images: [sound('ami-1')] });
    const resolved = await resolve(['dev', [DEV, { ids: { 'eu-west-1': 'ami-1', 'us-east-1': 'ami-2' } }]]);
    expect(resolved).toMatchObject({ dev: { batches: [{ targets: [bakes(DEV, 'ami-1')] }] } });
  });

  it.each([
    ['the parameter does not exist', awsError('ParameterNotFound'), `There is no parameter ${PARAMETER}.`],
    ['the parameter may not be read', awsError('AccessDeniedException'), undefined],
  ])('fails when %s', async (_, error, message) => {
    aws.on(DEV, get(PARAMETER), error);
    const resolving = resolve(['dev', [DEV, byParameter]]);
    await expect(resolving).rejects.toMatchObject(
      message === undefined
        ? { name: 'AccessDenied' }
        : { name: 'SourceAmiNotFound', message: `111111111111/eu-west-1: ${message}` },
    );
  });

  it.each([
    ['no such AMI exists', awsError('InvalidAMIID.NotFound')],
    ['no such AMI is visible', { Images: [] }],
  ])('fails when %s', async (_, reply) => {
    aws.on(DEV, get(PARAMETER), { Parameter: { Value: 'ami-1' } });
    aws.on(DEV, describeImage('ami-1'), reply);
    await expect(resolve(['dev', [DEV, byParameter]])).rejects.toMatchObject({
      name: 'SourceAmiNotFound',
      message: `111111111111/eu-west-1: The source AMI ami-1 (from ${PARAMETER}) does not exist here.`,
    });
  });

  it('fails when no id is given for the region', async () => {
    await expect(resolve(['dev', [DEV, { ids: { 'us-east-1': 'ami-2' } }]])).rejects.toMatchObject({
      name: 'SourceAmiNotFound',
      message: '111111111111/eu-west-1: source.ids has no AMI for eu-west-1; it has us-east-1.',
    });
  });

  it('fails with Throttled when the plan cannot be read for now, so that it is retried', async () => {
    aws.on(HUB, planObject, awsError('SlowDown'));
    await expect(handler(event)).rejects.toMatchObject({ name: 'Throttled' });
  });
});

describe('a source AMI', () => {
  const refused: readonly (readonly [string, Partial<Image>, string])[] = [
    ['disabled', { State: 'disabled' }, 'it is disabled'],
    ['pending', { State: 'pending' }, 'it is pending, not available'],
    [
      'deprecated',
      { DeprecationTime: '2026-11-21T09:30:00.000Z' },
      'it is deprecated since 2026-11-21T09:30:00.000Z; source.allowDeprecated would let it pass',
    ],
    ['of another architecture', { Architecture: 'arm64' }, 'it is built for arm64, the image for x86_64'],
    [
      'revoked',
      { Tags: tagList({ 'packleader:state': 'revoked', 'packleader:release': 'base@1.0.20260101000000' }) },
      'its release base@1.0.20260101000000 is revoked',
    ],
    ['quarantined', { Tags: tagList({ 'packleader:state': 'quarantined' }) }, 'its release is quarantined'],
    [
      'too old',
      { CreationDate: '2026-09-01T00:00:00.000Z' },
      'it is 81 days old, and source.maxAgeDays allows 60',
    ],
  ];

  const asked = { platform: 'linux' as const, rootVolumeSizeGiB: 8, devices: ['/dev/xvda'] };
  const volume = (DeviceName: string, VolumeSize = 8) => ({ DeviceName, Ebs: { VolumeSize } });
  it.each<[string, Partial<Image>, string]>([
    ['for Windows', { Platform: 'Windows' }, 'it is a windows AMI, the image is for linux'],
    [
      'with another root device',
      { RootDeviceName: '/dev/sda1', BlockDeviceMappings: [volume('/dev/sda1')] },
      'its root device is /dev/sda1, and the template makes /dev/xvda: it must map the source’s own',
    ],
    [
      'with a volume that the template does not know',
      { BlockDeviceMappings: [volume('/dev/xvda'), volume('/dev/sdb')] },
      'it brings a volume /dev/sdb, which the AMI would have as well, and the template makes /dev/xvda: it must map that too',
    ],
    [
      'larger than what is asked for',
      { BlockDeviceMappings: [volume('/dev/xvda', 30)] },
      'its root volume has 30 GiB, and rootVolumeSizeGiB is 8: no volume is smaller than its snapshot',
    ],
  ])('fails when it is one %s', async (_, changes, why) => {
    finds(DEV, sound('ami-1', { RootDeviceName: '/dev/xvda', ...changes }));
    const plan = plans(['dev', [DEV, byParameter]]);
    const stages = plan.stages.map((stage) => ({
      ...stage,
      targets: stage.targets.map((target) => ({ ...target, asked })),
    }));
    neverReleased(DEV);
    aws.holds('hub', 'plans/x/web/plan.json', { ...plan, stages });
    await expect(handler(event)).rejects.toMatchObject({
      name: 'SourceAmiRefused',
      message: `111111111111/eu-west-1: The source AMI ami-1 (al2023-2026.11) of web is refused: ${why}.`,
    });
  });

  it.each(refused)('fails when it is %s', async (_, changes, why) => {
    finds(DEV, sound('ami-1', changes));
    await expect(resolve(['dev', [DEV, byParameter]])).rejects.toMatchObject({
      name: 'SourceAmiRefused',
      message: `111111111111/eu-west-1: The source AMI ami-1 (al2023-2026.11) of web is refused: ${why}.`,
    });
  });

  it('fails when its age is unknown and limited', async () => {
    finds(DEV, sound('ami-1', { CreationDate: undefined }));
    await expect(resolve(['dev', [DEV, byParameter]])).rejects.toMatchObject({ name: 'SourceAmiRefused' });
  });

  it('may be exactly as old as allowed, and deprecated later', async () => {
    const changes = { CreationDate: '2026-09-22T09:30:00.000Z', DeprecationTime: '2026-11-21T09:30:01.000Z' };
    finds(DEV, sound('ami-1', changes));
    expect(await resolve(['dev', [DEV, byParameter]])).toHaveProperty('dev');
  });

  it('fails when two accounts of one region would start from different ones', async () => {
    finds(DEV, sound('ami-1'));
    finds(NEIGHBOUR, sound('ami-2'));
    await expect(resolve(['dev', [DEV, byParameter], [NEIGHBOUR, byParameter]])).rejects.toMatchObject({
      name: 'SourceAmisDiffer',
      message:
        'The targets would start from different source AMIs: 111111111111/eu-west-1 ami-1, 333333333333/eu-west-1 ami-2.',
    });
  });

  it('fails when two regions would start from different names', async () => {
    finds(DEV, sound('ami-1'));
    finds(PROD, sound('ami-2', { Name: 'al2023-2026.12' }));
    await expect(resolve(['dev', [DEV, byParameter]], ['prod', [PROD, byParameter]])).rejects.toMatchObject({
      name: 'SourceAmisDiffer',
      message:
        'The targets would start from different source AMIs: 111111111111/eu-west-1 al2023-2026.11, 222222222222/us-east-1 al2023-2026.12.',
    });
  });

  const own = (id: string, { accountId }: Target, Name: string) => sound(id, { Name, OwnerId: accountId });

  it("may differ where each account's own parameter holds an AMI of its own, in one region and across regions", async () => {
    finds(DEV, own('ami-1', DEV, 'golden-1'));
    finds(NEIGHBOUR, own('ami-2', NEIGHBOUR, 'golden-2'));
    finds(PROD, own('ami-3', PROD, 'golden-3'));
    const resolving = resolve(
      ['dev', [DEV, byParameter], [NEIGHBOUR, byParameter]],
      ['prod', [PROD, byParameter]],
    );
    expect(await resolving).toEqual({
      dev: { batches: [{ number: 1, targets: [bakes(DEV, 'ami-1'), bakes(NEIGHBOUR, 'ami-2')] }] },
      prod: { batches: [{ number: 1, targets: [bakes(PROD, 'ami-3')] }] },
    });
  });

  it('fails when two accounts of one region differ in what others own, whatever a third owns itself', async () => {
    const third: Target = { ...DEV, accountId: '444444444444' };
    finds(third, own('ami-own', third, 'golden'));
    finds(DEV, sound('ami-1'));
    finds(NEIGHBOUR, sound('ami-2'));
    const targets = [third, DEV, NEIGHBOUR].map((target) => [target, byParameter] as const);
    await expect(resolve(['dev', ...targets])).rejects.toMatchObject({
      name: 'SourceAmisDiffer',
      message:
        'The targets would start from different source AMIs: 111111111111/eu-west-1 ami-1, 333333333333/eu-west-1 ami-2.',
    });
  });

  it.each([
    ["another target's account", NEIGHBOUR.accountId],
    ['nobody, as far as EC2 says', undefined],
  ])('fails when accounts of one region differ and one AMI is owned by %s', async (_, OwnerId) => {
    finds(DEV, sound('ami-1', { OwnerId }));
    finds(NEIGHBOUR, sound('ami-2'));
    await expect(resolve(['dev', [DEV, byParameter], [NEIGHBOUR, byParameter]])).rejects.toMatchObject({
      name: 'SourceAmisDiffer',
    });
  });
});

describe('a source AMI by filter', () => {
  const byFilter: SourceAmi = { filter: { name: 'ubuntu-*' }, owners: ['099720109477'] };

  it('is the newest of the owners, on whichever page', async () => {
    aws.on(DEV, search(), { Images: [sound('ami-1')], NextToken: 'more' });
    aws.on(DEV, search('more'), {
      Images: [sound('ami-3', { CreationDate: '2026-11-03T00:00:00.000Z' }), sound('ami-2')],
    });
    const resolved = await resolve(['dev', [DEV, byFilter]]);
    expect(resolved).toMatchObject({ dev: { batches: [{ targets: [bakes(DEV, 'ami-3')] }] } });
  });

  it('passes one by that is deprecated: EC2 never hides an owner’s own', async () => {
    aws.on(DEV, search(), {
      Images: [
        sound('ami-2', { CreationDate: '2026-11-02T00:00:00.000Z', DeprecationTime: STARTED_AT }),
        sound('ami-1'),
      ],
    });
    const resolved = await resolve(['dev', [DEV, byFilter]]);
    expect(resolved).toMatchObject({ dev: { batches: [{ targets: [bakes(DEV, 'ami-1')] }] } });
  });

  it('takes one that is deprecated where that is allowed', async () => {
    const deprecated = sound('ami-2', { DeprecationTime: STARTED_AT });
    aws.on(DEV, new DescribeImagesCommand({ ...search().input, IncludeDeprecated: true }), {
      Images: [deprecated],
    });
    const resolved = await resolve(['dev', [DEV, { ...byFilter, allowDeprecated: true }]]);
    expect(resolved).toMatchObject({ dev: { batches: [{ targets: [bakes(DEV, 'ami-2')] }] } });
  });

  it('fails when all that matches is deprecated, and says so of the newest', async () => {
    aws.on(DEV, search(), { Images: [sound('ami-1', { DeprecationTime: STARTED_AT })] });
    await expect(resolve(['dev', [DEV, byFilter]])).rejects.toMatchObject({
      name: 'SourceAmiNotFound',
      message: expect.stringContaining(
        `but ami-1 (al2023-2026.11): it is deprecated since ${STARTED_AT}; source.allowDeprecated`,
      ),
    });
  });

  it('fails when nothing matches', async () => {
    aws.on(DEV, search(), { Images: [] });
    await expect(resolve(['dev', [DEV, byFilter]])).rejects.toMatchObject({
      name: 'SourceAmiNotFound',
      message:
        '111111111111/eu-west-1: No AMI of 099720109477 matches {"state":"available","architecture":"x86_64","name":"ubuntu-*"}.',
    });
  });
});

describe('a source AMI of this factory', () => {
  const base: SourceAmi = { image: 'base' };
  const OLD = '1.3.20261101000000';
  const NEW = '1.4.20261102000000';
  const amiOf = (version: string) => `ami-${version}`;
  const holdsBase = (target: Target, version: string, changes: Partial<Image> = {}) => {
    const id = amiOf(version);
    aws.on(target, parameter(version), { Parameter: { Value: id } });
    const Tags = tagList({ 'packleader:version': version });
    const own = sound(id, { Name: `base-${id}`, OwnerId: target.accountId, Tags, ...changes });
    aws.on(target, describeImage(id), { Images: [own] });
  };

  it('is the newest version that every target has, with an AMI of its own in each', async () => {
    aws.on(DEV, versionsOf('base'), { ...baseVersions(NEW), NextToken: 'more' });
    aws.on(DEV, versionsOf('base', 'more'), baseVersions(OLD));
    aws.on(PROD, versionsOf('base'), baseVersions(OLD));
    holdsBase(DEV, OLD);
    holdsBase(PROD, OLD);
    expect(await resolve(['dev', [DEV, base]], ['prod', [PROD, base]])).toMatchObject({
      dev: { batches: [{ targets: [bakes(DEV, amiOf(OLD))] }], bases: { base: OLD } },
      prod: { batches: [{ targets: [bakes(PROD, amiOf(OLD))] }], bases: { base: OLD } },
    });
  });

  it.each<[string, Partial<Image>]>([
    ['disabled', { State: 'disabled' }],
    ['failed', { State: 'failed' }],
    ['quarantined', { Tags: tagList({ 'packleader:state': 'quarantined' }) }],
    ['deprecated', { DeprecationTime: STARTED_AT }],
  ])('is the one before where the newest is %s in one target', async (_, changes) => {
    for (const target of [DEV, PROD]) {
      aws.on(target, versionsOf('base'), baseVersions(OLD, NEW));
      holdsBase(target, OLD);
      holdsBase(target, NEW, target === PROD ? changes : {});
    }
    expect(await resolve(['dev', [DEV, base]], ['prod', [PROD, base]])).toMatchObject({
      dev: { batches: [{ targets: [bakes(DEV, amiOf(OLD))] }] },
      prod: { batches: [{ targets: [bakes(PROD, amiOf(OLD))] }] },
    });
  });

  it('is the newest although it is deprecated where that is allowed', async () => {
    aws.on(DEV, versionsOf('base'), baseVersions(OLD, NEW));
    holdsBase(DEV, NEW, { DeprecationTime: STARTED_AT });
    expect(await resolve(['dev', [DEV, { ...base, allowDeprecated: true }]])).toMatchObject({
      dev: { batches: [{ targets: [bakes(DEV, amiOf(NEW))] }] },
    });
  });

  it('fails when no version that every target has can be used, and says why of the newest', async () => {
    aws.on(DEV, versionsOf('base'), baseVersions(OLD, NEW));
    holdsBase(DEV, OLD, { State: 'disabled' });
    aws.on(DEV, describeImage(amiOf(NEW)), awsError('InvalidAMIID.NotFound'));
    await expect(resolve(['dev', [DEV, base]])).rejects.toMatchObject({
      name: 'BaseImageNotReleased',
      message: `No version of base can be used in all of 111111111111/eu-west-1; release base first. The newest, ${NEW}, cannot be used (111111111111/eu-west-1 ${amiOf(NEW)}: it does not exist), and no older one can.`,
    });
  });

  it('fails with NotReadyYet while EC2 neither shows an AMI nor says that it is gone', async () => {
    aws.on(DEV, versionsOf('base'), baseVersions(NEW));
    aws.on(DEV, describeImage(amiOf(NEW)), { Images: [] });
    await expect(resolve(['dev', [DEV, base]])).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('is the version that the plan pinned', async () => {
    aws.on(DEV, parameter(OLD), { Parameter: { Value: 'ami-1' } });
    aws.on(DEV, describeImage('ami-1'), { Images: [sound('ami-1')] });
    expect(await resolve(['dev', [DEV, { image: 'base', version: OLD }]])).toHaveProperty('dev');
    expect(aws.sent).not.toContainEqual(call(DEV, versionsOf('base')));
  });

  it('fails when no version is released in every target', async () => {
    aws.on(DEV, versionsOf('base'), baseVersions(NEW));
    aws.on(PROD, versionsOf('base'), baseVersions(OLD));
    await expect(resolve(['dev', [DEV, base]], ['prod', [PROD, base]])).rejects.toMatchObject({
      name: 'BaseImageNotReleased',
      message:
        'No version of base is released in all of 111111111111/eu-west-1, 222222222222/us-east-1; release base first.',
    });
  });

  it('fails when the pinned version is not released in a target', async () => {
    aws.on(DEV, parameter(OLD), awsError('ParameterNotFound'));
    await expect(resolve(['dev', [DEV, { image: 'base', version: OLD }]])).rejects.toMatchObject({
      name: 'BaseImageNotReleased',
      message: `111111111111/eu-west-1: base@${OLD} is not released here (no parameter /packleader/base/versions/${OLD}).`,
    });
  });

  it('fails when the versions may not be listed', async () => {
    aws.on(DEV, versionsOf('base'), awsError('AccessDeniedException'));
    await expect(resolve(['dev', [DEV, base]])).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('a retry', () => {
  const retry = {
    ...event,
    executionName: `web-${RELEASE.version}-r2`,
    executionArn: `${RELEASE_ARN}-r2`,
    startedAt: '2026-11-21T10:30:00.000Z',
  };
  const retried = () => {
    aws.holds('hub', 'plans/x/web/plan.json', plans(['dev', [DEV, byParameter]]));
    return handler(retry);
  };

  it('fails beside a batch of an earlier attempt, which may start a build at any time', async () => {
    releaseEnded(aws, 'FAILED');
    aws.on(HUB, describeExecution(batchArn('dev', 1)), { status: 'RUNNING' });
    const looks = looksFor(releaseFilter);
    aws.accepts(builds(DEV), listBuilds);
    aws.accepts(DEV, ...Object.values(looks), imagesByTag);
    aws.accepts(
      DEV,
      new DescribeParametersCommand({
        ParameterFilters: [{ Key: 'Path', Option: 'Recursive', Values: ['/packleader'] }],
        MaxResults: 50,
      }),
    );
    aws.on(DEV, looks.groups, {
      SecurityGroups: [{ GroupId: 'sg-1', Tags: tagList({ 'packleader:release': RELEASE.releaseId }) }],
    });
    await expect(retried()).rejects.toMatchObject({
      name: 'LeftoversRemain',
      leftovers: [
        {
          accountId: '999999999999',
          region: 'eu-central-1',
          resourceId: batchArn('dev', 1),
          why: 'it still bakes for an earlier attempt',
        },
        { ...DEV, resourceId: 'sg-1', why: 'it is of an earlier attempt' },
      ],
    });
  });

  it.each([
    ['RUNNING', 'its execution is RUNNING'],
    ['SUCCEEDED', 'its execution succeeded'],
  ] as const)('fails for good when the attempt before it is %s', async (status, why) => {
    releaseEnded(aws, status);
    await expect(retried()).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: `${RELEASE.releaseId} cannot be retried: ${why}`,
    });
  });

  it('fails for good when its name is that of no attempt, or it is older than 14 days', async () => {
    aws.holds('hub', 'plans/x/web/plan.json', plans(['dev', [DEV, byParameter]]));
    releaseEnded(aws, 'FAILED');
    await expect(handler({ ...retry, executionName: 'web' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    const late = handler({ ...retry, startedAt: '2026-12-06T10:30:00.000Z' });
    await expect(late).rejects.toThrow('is older than 14 days');
  });
});

describe('a release that could not become latest', () => {
  const LATEST = '/packleader/web/latest';
  const history = (NextToken?: string) =>
    new GetParameterHistoryCommand({ Name: LATEST, ...(NextToken === undefined ? {} : { NextToken }) });
  const publishedAs = (...all: readonly string[]) =>
    aws.on(DEV, versionsOf('web'), {
      Parameters: all.map((version) => ({
        Name: `/packleader/web/versions/${version}`,
        Value: `ami-${version}`,
      })),
    });
  /** `latest` with so many values, of which some have labels. */
  const stored = (count: number, labels: Readonly<Record<number, string[]>> = {}) => {
    const values = Array.from({ length: Math.min(count, 100) }, (_, index) => {
      const Version = count - Math.min(count, 100) + index + 1;
      return { Version, Labels: labels[Version] ?? [] };
    });
    aws.on(DEV, get(LATEST), { Parameter: { Value: 'ami-0', Version: count } });
    aws.on(DEV, history(), { Parameters: values.slice(0, 50), NextToken: 'more' });
    aws.on(DEV, history('more'), { Parameters: values.slice(50) });
  };
  const begin = (release: Release = RELEASE) => {
    finds(DEV, sound('ami-1'));
    aws.holds('hub', 'plans/x/web/plan.json', { ...plans(['dev', [DEV, byParameter]]), release });
    return handler({ ...event, release, executionName: executionName(release) });
  };

  it('fails when a higher version is published, before any source is looked for', async () => {
    publishedAs('2.0.20261101000000', '1.3.20261101000000');
    aws.on(DEV, describeImage('ami-2.0.20261101000000'), {
      Images: [sound('ami-2.0.20261101000000')],
    });
    await expect(begin()).rejects.toMatchObject({
      name: 'VersionTooLow',
      message: `111111111111/eu-west-1: ${RELEASE.releaseId} would never be latest here: 2.0.20261101000000 is published (ami-2.0.20261101000000). Raise version in images/web/image.yaml above it; or, if that version was a mistake, packleader revoke web@2.0.20261101000000 --reason "…".`,
    });
    expect(aws.sent).not.toContainEqual(call(DEV, get(PARAMETER)));
  });

  it.each([
    ['its own major and minor, of a release that started later', '1.4.20261122093000'],
    ['a lower one', '1.3.20261122093000'],
    ['one of another branch', '2.0.20261101000000-topic'],
  ])('is none where what is published is %s', async (_, version) => {
    publishedAs(version);
    aws.on(DEV, get(LATEST), awsError('ParameterNotFound'));
    expect(await begin()).toHaveProperty('dev');
  });

  it.each([
    ['is disabled', { Images: [sound('ami-2.0.20261101000000', { State: 'disabled' })] }],
    ['is gone', awsError('InvalidAMIID.NotFound')],
  ])('is none where the AMI of the higher version %s', async (_, reply) => {
    publishedAs('2.0.20261101000000');
    aws.on(DEV, describeImage('ami-2.0.20261101000000'), reply);
    aws.on(DEV, get(LATEST), awsError('ParameterNotFound'));
    expect(await begin()).toHaveProperty('dev');
  });

  it.each([
    [100, 1],
    [100, 2],
    [99, 1],
    [250, 151],
  ])('fails when latest has %d values and the label is on value %d', async (count, labelled) => {
    publishedAs();
    stored(count, { [labelled]: ['approved', 'stable'] });
    await expect(begin()).rejects.toMatchObject({
      name: 'LatestIsFull',
      message: expect.stringContaining(
        `aws ssm unlabel-parameter-version --name ${LATEST} --parameter-version ${labelled} --labels approved stable`,
      ),
    });
  });

  it.each([
    [100, 3],
    [99, 2],
    [98, 1],
    [250, 250],
  ])('is none where latest has %d values and the label is on value %d', async (count, labelled) => {
    publishedAs();
    stored(count, { [labelled]: ['stable'] });
    expect(await begin()).toHaveProperty('dev');
  });

  it('is none from another branch than the default one, and nobody looks', async () => {
    expect(await begin(PRERELEASE)).toHaveProperty('dev');
    expect(aws.commands).not.toContain('GetParametersByPath');
  });
});
