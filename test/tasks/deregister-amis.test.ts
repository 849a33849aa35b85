import { StopBuildCommand } from '@aws-sdk/client-codebuild';
import {
  CreateTagsCommand,
  DeleteKeyPairCommand,
  DeleteLaunchTemplateCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../core/contract/targets.ts';
import { handler } from '../../tasks/deregister-amis.ts';
import { lookUps, references, usersAre } from '../fixtures/aws/image-users.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { awsError, builds, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, batchOf } from '../fixtures/releases.ts';
import {
  candidate,
  imagesByName,
  imagesByTag,
  imagesByTagSecondPage,
} from '../fixtures/aws/release-images.ts';
import {
  type Found,
  build,
  keyPairs,
  listBuilds,
  look,
  targetHolds,
  leftBehind,
} from '../fixtures/aws/looks.ts';
import { leftoversOf } from './leftovers.ts';

const aws = useAws();

/** Every undo looks twice, before and after. */
const accountHolds = (target: Target, ...looks: readonly Found[]) => targetHolds(aws, target, ...looks);

/** Without `DeleteAssociatedSnapshots`: each snapshot goes by itself, so that each refusal is told. */
const deregister = (ImageId: string) => new DeregisterImageCommand({ ImageId });
const deleteSnapshot = (SnapshotId: string) => new DeleteSnapshotCommand({ SnapshotId });

const undo = (...targets: readonly Target[]) =>
  handler({ release: RELEASE, stage: 'dev', batches: [batchOf(...targets)] });

describe('undoing the bakes of a stage', () => {
  it('of which nothing is there changes nothing', async () => {
    accountHolds(DEV, {});
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.sent).toEqual([...look(DEV), ...look(DEV)]);
  });

  it('of no targets looks at nothing', async () => {
    expect(await handler({ release: RELEASE, stage: 'prod', batches: [] })).toEqual({
      targets: 0,
      quarantined: 0,
    });
    expect(aws.sent).toEqual([]);
  });

  it('looks, stops builds, removes what Packer left, then AMIs, then each snapshot, and looks again', async () => {
    accountHolds(DEV, leftBehind(DEV), {
      builds: [build('b:1', 'FAILED', DEV), build('b:0', 'FAILED', DEV)],
      instances: { 'i-1': 'terminated' },
    });
    const stop = new StopBuildCommand({ id: 'b:1' });
    const builders = [
      new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
      new DeleteKeyPairCommand({ KeyPairId: 'key-1' }),
      new DeleteLaunchTemplateCommand({ LaunchTemplateId: 'lt-1' }),
      new DeleteVolumeCommand({ VolumeId: 'vol-1' }),
      new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: 'eni-1' }),
      new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }),
    ] as const;
    const made = [deregister('ami-1'), deleteSnapshot('snap-2'), deleteSnapshot('snap-1')] as const;
    aws.accepts(builds(DEV), stop);
    aws.accepts(DEV, ...builders, ...made);
    usersAre(aws, DEV, ['ami-1']);

    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.sent).toEqual([
      ...look(DEV, 'b:1', 'b:0'),
      call(builds(DEV), stop),
      ...builders.map((command) => call(DEV, command)),
      ...lookUps(DEV, 'ami-1'),
      ...made.map((command) => call(DEV, command)),
      ...look(DEV, 'b:1', 'b:0'),
    ]);
  });

  it('leaves a builder that is kept, and what it needs, and is no leftover; never an AMI', async () => {
    const kept = { ...leftBehind(DEV), kept: { 'i-1': '2026-11-21T13:30:00.000Z' } };
    const { builds: _b, images: _i, snapshots: _s, ...builder } = kept;
    accountHolds(DEV, { ...builder, images: [candidate('ami-1')] }, builder);
    aws.accepts(DEV, deregister('ami-1'), deleteSnapshot('snap-1'));
    usersAre(aws, DEV, ['ami-1']);
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.commands.filter((command) => /^(Delete|Deregister|Terminate)/.test(command))).toEqual([
      'DeregisterImage',
      'DeleteSnapshot',
    ]);
  });

  it('twice succeeds twice, and removes nothing the second time', async () => {
    accountHolds(DEV, { images: [candidate('ami-1')], snapshots: ['snap-1'] }, {});
    usersAre(aws, DEV, ['ami-1']);
    aws.accepts(DEV, deregister('ami-1'));
    aws.accepts(DEV, deleteSnapshot('snap-1'));
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.commands.filter((command) => command === 'DeleteSnapshot')).toHaveLength(1);
    aws.sent = [];
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.sent).toEqual([...look(DEV), ...look(DEV)]);
  });

  it('takes what is gone already for success', async () => {
    accountHolds(DEV, { instances: { 'i-1': 'running' }, images: [candidate('ami-1')] }, {});
    aws.on(
      DEV,
      new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
      awsError('InvalidInstanceID.NotFound'),
    );
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, deregister('ami-1'), awsError('InvalidAMIID.Unavailable'));
    aws.on(DEV, deleteSnapshot('snap-1'), awsError('InvalidSnapshot.NotFound'));
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
  });

  it('finds AMIs on a second page, and those that carry only the name', async () => {
    accountHolds(DEV, {});
    aws.on(DEV, imagesByTag, { Images: [candidate('ami-1')], NextToken: 'more' }, { Images: [] });
    aws.on(DEV, imagesByTagSecondPage, { Images: [candidate('ami-2')] });
    aws.on(DEV, imagesByName, { Images: [candidate('ami-2'), candidate('ami-3')] }, { Images: [] });
    usersAre(aws, DEV, ['ami-1', 'ami-2', 'ami-3']);
    for (const digit of [1, 2, 3])
      aws.accepts(DEV, deregister(`ami-${digit}`), deleteSnapshot(`snap-${digit}`));
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.commands.filter((command) => command === 'DeregisterImage')).toHaveLength(3);
    expect(aws.commands.filter((command) => command === 'DeleteSnapshot')).toHaveLength(3);
  });

  it('leaves builds of other releases and other regions alone', async () => {
    const others = [
      build('b:1', 'IN_PROGRESS', PROD),
      build('b:2', 'IN_PROGRESS', DEV, 'web@1.3.20261121093000'),
    ];
    accountHolds(DEV, { builds: others });
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.commands).not.toContain('StopBuild');
  });

  it('leaves parameters alone: withdrawing them is a step of its own', async () => {
    accountHolds(DEV, { version: 'ami-1', latest: 'ami-1' });
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
    expect(aws.sent).toEqual([...look(DEV), ...look(DEV)]);
  });

  const Arn = 'arn:aws:ec2:eu-west-1:111111111111:instance/i-1';
  const quarantine = (why: string) =>
    new CreateTagsCommand({
      Resources: ['ami-1', 'snap-1'],
      Tags: [
        { Key: 'packleader:state', Value: 'quarantined' },
        { Key: 'packleader:quarantine', Value: why },
      ],
    });
  /** One AMI is used by somebody, the other is not. */
  function oneIsUsed() {
    const used = candidate('ami-1');
    accountHolds(
      DEV,
      { images: [used, candidate('ami-2')], snapshots: ['snap-1', 'snap-2'] },
      { images: [used], snapshots: ['snap-1'] },
    );
    usersAre(aws, DEV, ['ami-1', 'ami-2'], { ImageReferences: [{ ImageId: 'ami-1', Arn }] });
    aws.accepts(DEV, deregister('ami-2'), deleteSnapshot('snap-2'));
  }

  it('quarantines an AMI that something uses, with its snapshots, instead of deregistering it', async () => {
    oneIsUsed();
    aws.accepts(DEV, quarantine(`it is used by ${Arn}`));
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 2 });
    expect(aws.sent).toEqual([
      ...look(DEV),
      ...lookUps(DEV, 'ami-1', 'ami-2'),
      call(DEV, quarantine(`it is used by ${Arn}`)),
      call(DEV, deregister('ami-2')),
      call(DEV, deleteSnapshot('snap-2')),
      ...look(DEV),
    ]);
  });

  it('does not take the instance that tested an AMI for somebody who uses it: it goes, and the AMI behind it', async () => {
    const used = candidate('ami-1');
    accountHolds(DEV, { instances: { 'i-1': 'running' }, images: [used], snapshots: ['snap-1'] }, {});
    usersAre(aws, DEV, ['ami-1'], {
      ImageReferences: [{ ImageId: 'ami-1', Arn }],
    });
    aws.accepts(
      DEV,
      new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
      deregister('ami-1'),
      deleteSnapshot('snap-1'),
    );
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
  });

  it('fails when the tag of an AMI in use is refused: keeps it all the same, and removes the rest', async () => {
    oneIsUsed();
    aws.on(DEV, quarantine(`it is used by ${Arn}`), awsError('UnauthorizedOperation', 'not allowed'));
    expect(await leftoversOf(undo(DEV))).toEqual([
      { ...DEV, resourceId: 'ami-1', why: 'UnauthorizedOperation: not allowed' },
    ]);
    expect(aws.sent).not.toContainEqual(call(DEV, deregister('ami-1')));
    expect(aws.sent).toContainEqual(call(DEV, deregister('ami-2')));
    expect(aws.sent).toContainEqual(call(DEV, deleteSnapshot('snap-2')));
    expect(aws.sent).not.toContainEqual(call(DEV, deleteSnapshot('snap-1')));
  });

  it('cuts the reason to the 256 characters of a tag', async () => {
    accountHolds(DEV, { images: [candidate('ami-1')] });
    const arns = Array.from({ length: 9 }, (_, index) => `${Arn}${index}`);
    usersAre(aws, DEV, ['ami-1'], { ImageReferences: arns.map((one) => ({ ImageId: 'ami-1', Arn: one })) });
    aws.accepts(DEV, quarantine(`it is used by ${arns.join(', ')}`.slice(0, 256)));
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 2 });
  });

  it('does not quarantine twice', async () => {
    const used = candidate('ami-1', { 'packleader:state': 'quarantined' });
    accountHolds(DEV, { images: [used], snapshots: ['snap-1'] });
    usersAre(aws, DEV, ['ami-1'], { ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn' }] });
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 2 });
    expect(aws.sent).toEqual([...look(DEV), ...lookUps(DEV, 'ami-1'), ...look(DEV)]);
  });

  it('deregisters what was quarantined once nothing uses it any more', async () => {
    const image = candidate('ami-1', { 'packleader:state': 'quarantined' });
    accountHolds(DEV, { images: [image], snapshots: ['snap-1'] }, {});
    usersAre(aws, DEV, ['ami-1']);
    aws.accepts(DEV, deregister('ami-1'), deleteSnapshot('snap-1'));
    expect(await undo(DEV)).toEqual({ targets: 1, quarantined: 0 });
  });

  it('fails with what it may not look up, and takes no AMI for unused', async () => {
    accountHolds(DEV, { images: [candidate('ami-1')] });
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, references('ami-1'), awsError('UnauthorizedOperation', 'not allowed'));
    expect(await leftoversOf(undo(DEV))).toEqual([
      {
        ...DEV,
        resourceId: RELEASE.releaseId,
        why: 'could not be looked at: AccessDenied: UnauthorizedOperation: not allowed',
      },
    ]);
    expect(aws.commands).not.toContain('DeregisterImage');
    expect(aws.commands).not.toContain('DeleteSnapshot');
  });

  it('fails and removes nothing when one kind of thing cannot be looked at', async () => {
    accountHolds(DEV, { groups: ['sg-1'], images: [candidate('ami-1')] });
    aws.on(DEV, keyPairs, awsError('UnauthorizedOperation', 'not allowed'));
    expect(await leftoversOf(undo(DEV))).toMatchObject([{ resourceId: RELEASE.releaseId }]);
    expect(aws.commands.filter((command) => !/^(Describe|List|Get)/.test(command))).toEqual([]);
  });

  it('fails with each resource that refused to go, and why, after everything else is gone', async () => {
    accountHolds(
      DEV,
      { groups: ['sg-1'], images: [candidate('ami-1')] },
      { groups: ['sg-1'], snapshots: ['snap-1', 'snap-9'] },
    );
    aws.on(
      DEV,
      new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }),
      awsError('DependencyViolation', 'in use'),
    );
    usersAre(aws, DEV, ['ami-1']);
    aws.accepts(DEV, deregister('ami-1'));
    aws.on(DEV, deleteSnapshot('snap-1'), awsError('SnapshotLocked', 'locked'));
    expect(await leftoversOf(undo(DEV))).toEqual([
      { ...DEV, resourceId: 'sg-1', why: 'DependencyViolation: in use' },
      { ...DEV, resourceId: 'snap-1', why: 'SnapshotLocked: locked' },
      { ...DEV, resourceId: 'snap-9', why: 'it is still there' },
    ]);
    expect(aws.sent).toContainEqual(call(DEV, deregister('ami-1')));
  });

  it('fails while a builder is shutting down, so that a retry comes back for its security group', async () => {
    accountHolds(DEV, { instances: { 'i-1': 'shutting-down' } });
    aws.accepts(DEV, new TerminateInstancesCommand({ InstanceIds: ['i-1'] }));
    expect(await leftoversOf(undo(DEV))).toEqual([{ ...DEV, resourceId: 'i-1', why: 'it is still there' }]);
  });

  it('fails for the target it cannot see, and undoes the others all the same', async () => {
    accountHolds(DEV, { images: [candidate('ami-1')] }, {});
    usersAre(aws, DEV, ['ami-1']);
    aws.accepts(DEV, deregister('ami-1'), deleteSnapshot('snap-1'));
    accountHolds(PROD, {});
    aws.on(builds(PROD), listBuilds, awsError('ThrottlingException', 'slow down'));
    expect(await leftoversOf(undo(PROD, DEV))).toEqual([
      {
        ...PROD,
        resourceId: RELEASE.releaseId,
        why: 'could not be looked at: Throttled: ThrottlingException: slow down',
      },
    ]);
    expect(aws.sent).toContainEqual(call(DEV, deregister('ami-1')));
  });
});
