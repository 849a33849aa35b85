import { StopBuildCommand } from '@aws-sdk/client-codebuild';
import {
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../tasks/sweep-release.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, builds, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';
import { candidate } from '../fixtures/aws/release-images.ts';
import { build, look, targetHolds } from '../fixtures/aws/looks.ts';
import {
  LATEST,
  VERSION,
  get,
  history as parameterHistory,
  published,
  reads,
  remove,
} from '../fixtures/aws/parameters.ts';
import { usersAre } from '../fixtures/aws/image-users.ts';
import {
  BUCKET,
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

const { releaseId } = RELEASE;
const RESULT = `sweeps/sweep-1/${releaseId}.json`;
const dead = { ...DEAD, targets: [DEV, PROD].map((target) => ({ ...target, resourceIds: [] })) };
const sweep = async () =>
  handler({
    releaseId,
    bucket: BUCKET,
    sweep: SWEEP.name,
    execution: { id: SWEEP.id, startedAt: SWEEP.startedAt },
  });
const concludes = (leftovers: object[] = [], spared: object | null = null) =>
  aws.accepts(HUB, writes(RESULT, { spared, leftovers }));
const leftover = (resourceId: string, why: string) => ({ ...DEV, resourceId, why });

beforeEach(() => {
  aws.holds(BUCKET, 'sweeps/sweep-1/findings.json', { releases: [dead], kept: [], leftovers: [] });
  aws.accepts(HUB, records('released/web/'));
  releaseEnded(aws, 'ABORTED');
  for (const arn of dead.batches) unknownExecution(aws, arn);
  for (const target of [DEV, PROD]) targetHolds(aws, target, {});
});

describe('sweeping a release', () => {
  it('looks once more whether it is dead, at its batches, and at every target', async () => {
    concludes();
    expect(await sweep()).toEqual({ releaseId, leftovers: 0 });
    expect(aws.sentTo(HUB).slice(1)).toEqual([
      call(HUB, records('released/web/')),
      call(HUB, describeExecution(RELEASE_ARN)),
      call(HUB, history()),
      call(HUB, describeExecution(`${RELEASE_ARN}-r2`)),
      ...dead.batches.map((arn) => call(HUB, describeExecution(arn))),
      call(HUB, writes(RESULT, { spared: null, leftovers: [] })),
    ]);
    expect(aws.commands.filter((command) => /^(Delete|Deregister|Stop|Terminate)/.test(command))).toEqual([]);
  });

  it('stops a batch that still runs before it stops what that has started', async () => {
    const [first = ''] = dead.batches;
    aws.on(HUB, describeExecution(first), { status: 'RUNNING' });
    const stop = new StopExecutionCommand({
      executionArn: first,
      error: 'Swept',
      cause: `${releaseId} is swept: its execution ended ABORTED`,
    });
    const stopBuild = new StopBuildCommand({ id: 'b:1' });
    targetHolds(
      aws,
      DEV,
      { builds: [build('b:1', 'IN_PROGRESS', DEV)] },
      { builds: [build('b:1', 'FAILED', DEV)] },
    );
    aws.accepts(HUB, stop);
    aws.accepts(builds(DEV), stopBuild);
    concludes();
    await sweep();
    const commands = aws.commands;
    expect(commands.indexOf('StopExecution')).toBeGreaterThan(0);
    expect(commands.indexOf('StopBuild')).toBeGreaterThan(commands.indexOf('StopExecution'));
  });

  it('removes a builder that is kept once its time is over, though it has not ended itself, and not before', async () => {
    const until = (kept: string) => ({ instances: { 'i-1': 'running' as const }, kept: { 'i-1': kept } });
    const terminate = new TerminateInstancesCommand({ InstanceIds: ['i-1'] });
    targetHolds(aws, DEV, until('2026-11-21T11:59:59.000Z'), {});
    targetHolds(aws, PROD, until('2026-11-21T12:00:01.000Z'));
    aws.accepts(DEV, terminate);
    concludes();
    await sweep();
    expect(aws.commands.filter((command) => command.startsWith('Terminate'))).toEqual(['TerminateInstances']);
    expect(aws.sentTo(DEV)).toContainEqual(call(DEV, terminate));
  });

  it('deregisters nothing anywhere before consumers have stopped finding it everywhere', async () => {
    const ami = candidate('ami-1');
    const half = { images: [ami], version: 'ami-1', latest: 'ami-1' };
    for (const target of [DEV, PROD]) {
      // Looked at by the withdrawal, twice, and by the removal, twice.
      targetHolds(aws, target, half, { images: [ami] }, {});
      aws.on(target, get(VERSION), reads('ami-1'), awsError('ParameterNotFound'));
      aws.on(target, get(LATEST), reads('ami-1'), awsError('ParameterNotFound'));
      aws.on(target, published(), {});
      aws.on(target, parameterHistory(), {});
      aws.accepts(target, remove(VERSION), remove(LATEST));
      usersAre(aws, target, ['ami-1']);
      aws.accepts(
        target,
        new DeregisterImageCommand({ ImageId: 'ami-1' }),
        new DeleteSnapshotCommand({ SnapshotId: 'snap-1' }),
      );
    }
    concludes();
    expect(await sweep()).toEqual({ releaseId, leftovers: 0 });
    const commands = aws.commands;
    expect(commands.filter((command) => command === 'DeleteParameter')).toHaveLength(4);
    expect(commands.filter((command) => command === 'DeregisterImage')).toHaveLength(2);
    expect(commands.indexOf('DeregisterImage')).toBeGreaterThan(commands.lastIndexOf('DeleteParameter'));
  });

  it.each<[string, () => void, object]>([
    [
      'was redriven meanwhile',
      () => releaseEnded(aws, 'RUNNING'),
      { releaseId, is: 'running', why: 'its execution is RUNNING' },
    ],
    [
      'was announced meanwhile',
      () =>
        aws.on(HUB, records('released/web/'), {
          Contents: [{ Key: `released/web/${RELEASE.version}.json` }],
        }),
      { releaseId, is: 'released', why: 'it was announced' },
    ],
  ])('spares it when it %s', async (_title, happens, spared) => {
    happens();
    concludes([], spared);
    expect(await sweep()).toEqual({ releaseId, leftovers: 0 });
    expect(aws.sentTo(DEV)).toEqual([]);
  });

  it('fails with LeftoversRemain when something stays, and writes all of it down', async () => {
    targetHolds(aws, DEV, { volumes: ['vol-1'] });
    const refused = awsError('VolumeInUse', 'attached');
    aws.on(DEV, new DeleteVolumeCommand({ VolumeId: 'vol-1' }), refused);
    concludes([leftover('vol-1', 'VolumeInUse: attached')]);
    await expect(sweep()).rejects.toMatchObject({
      name: 'LeftoversRemain',
      leftovers: [leftover('vol-1', 'VolumeInUse: attached')],
    });
  });

  it('succeeds with what is used and so is kept, because trying again would not help, and writes it down', async () => {
    const used = candidate('ami-1', {
      'packleader:state': 'quarantined',
      'packleader:quarantine': 'it is used by somebody',
    });
    targetHolds(aws, DEV, { images: [used] });
    const Arn = 'arn:aws:ec2:eu-west-1:111111111111:instance/i-9';
    usersAre(aws, DEV, ['ami-1'], { ImageReferences: [{ ImageId: 'ami-1', Arn }] });
    const why = `quarantined: it is used by ${Arn}`;
    concludes([leftover('ami-1', why), leftover('snap-1', why)]);
    expect(await sweep()).toEqual({ releaseId, leftovers: 2 });
  });

  it('goes on in the other targets when one may not be looked at, and names that one', async () => {
    aws.on(DEV, new DescribeImagesCommand(imagesOf()), awsError('UnauthorizedOperation', 'no'));
    const why = 'could not be looked at: AccessDenied: UnauthorizedOperation: no';
    concludes([leftover(releaseId, why)]);
    await expect(sweep()).rejects.toMatchObject({ leftovers: [leftover(releaseId, why)] });
    expect(aws.sent).toEqual(expect.arrayContaining(look(PROD)));
  });

  it('fails when a batch may not be looked at: it may start another bake', async () => {
    const [first = ''] = dead.batches;
    aws.on(HUB, describeExecution(first), awsError('AccessDeniedException'));
    await expect(sweep()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(aws.sentTo(DEV)).toEqual([]);
  });
});

const imagesOf = () => ({
  Owners: ['self'],
  IncludeDeprecated: true,
  IncludeDisabled: true,
  Filters: [{ Name: 'tag:packleader:release', Values: [releaseId] }],
});
