import {
  CopyImageCommand,
  DescribeImageAttributeCommand,
  DescribeImagesCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  CreateTagsCommand,
  DisableImageCommand,
  EC2Client,
  ModifyImageAttributeCommand,
  type ModifyImageAttributeCommandInput,
  ModifySnapshotAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { addImage } from '../../../sandbox/rehearsal/own-things.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { bound, clientsOf, ownerOf } from '../fixture.ts';

const OTHER = { ...DEV, accountId: PROD.accountId };
const ORGANIZATION = 'arn:aws:organizations::999999999999:organization/o-abcdefghij';
const UNIT = 'arn:aws:organizations::999999999999:ou/o-abcdefghij/ou-abcd-12345678';

/** An AMI in DEV, its owner, and somebody in another account of the same region. */
function shared() {
  const sandbox = bound();
  const { world } = sandbox;
  const id = addImage(world, DEV, { name: 'to be shared', tags: new Map([['Team', 'web']]), createdAt: 0 });
  const image = world.region(DEV.accountId, DEV.region).images.get(id);
  const snapshotId = image?.blockDevices[0]?.snapshotId ?? '';
  return { sandbox, world, id, snapshotId, owner: ownerOf(sandbox, DEV), other: ownerOf(sandbox, OTHER) };
}

const permit = (ImageId: string, input: Partial<ModifyImageAttributeCommandInput>) =>
  new ModifyImageAttributeCommand({ ImageId, ...input });
const add = (
  id: string,
  ...Add: { UserId?: string; OrganizationArn?: string; OrganizationalUnitArn?: string }[]
) => permit(id, { LaunchPermission: { Add } });
const launchersOf = async (ec2: EC2Client, ImageId: string) =>
  (await ec2.send(new DescribeImageAttributeCommand({ ImageId, Attribute: 'launchPermission' })))
    .LaunchPermissions;
const sees = async (ec2: EC2Client, id: string) =>
  ec2.send(new DescribeImagesCommand({ ImageIds: [id] })).then(
    ({ Images = [] }) => Images.length > 0,
    () => false,
  );

describe('launch permissions', () => {
  test('are only told by the owner, and changed by nobody else', async () => {
    const { id, owner, other } = shared();
    await owner.send(add(id, { UserId: OTHER.accountId }));
    expect(await launchersOf(owner, id)).toEqual([{ UserId: OTHER.accountId }]);
    await expect(launchersOf(other, id)).rejects.toMatchObject({ name: 'AuthFailure' });
    await expect(other.send(add(id, { UserId: '333333333333' }))).rejects.toMatchObject({
      name: 'AuthFailure',
    });
  });

  test('let a member of an organisation or of a unit see and launch the AMI, and nobody else', async () => {
    const { world, id, owner, other } = shared();
    await owner.send(add(id, { OrganizationArn: ORGANIZATION }, { OrganizationalUnitArn: UNIT }));
    expect(await sees(other, id)).toBe(false);
    world.memberships.set(OTHER.accountId, new Set([UNIT]));
    expect(await sees(other, id)).toBe(true);
    await other.send(
      new RunInstancesCommand({ ImageId: id, InstanceType: 'm7i.large', MinCount: 1, MaxCount: 1 }),
    );
    await owner.send(permit(id, { LaunchPermission: { Remove: [{ OrganizationalUnitArn: UNIT }] } }));
    expect(await sees(other, id)).toBe(false);
  });

  test.each([
    ['an account that is none', { UserId: '12345' }],
    ['an account that was closed', { UserId: '777777777777' }],
    ['the id of an organisation', { OrganizationArn: 'o-abcdefghij' }],
    [
      'an ARN without the management account',
      { OrganizationArn: 'arn:aws:organizations:::organization/o-abcdefghij' },
    ],
    ['the ARN of a unit for that of an organisation', { OrganizationArn: UNIT }],
    ['the id of a unit', { OrganizationalUnitArn: 'ou-abcd-12345678' }],
  ])('fail for %s, and nothing of the call is done', async (_what, wrong) => {
    const { world, id, owner } = shared();
    world.closedAccounts.add('777777777777');
    await expect(owner.send(add(id, { UserId: OTHER.accountId }, wrong))).rejects.toMatchObject({
      name: 'InvalidAMIAttributeItemValue',
    });
    expect(await launchersOf(owner, id)).toEqual([]);
  });

  test('fail beyond 1,000 accounts and organisations', async () => {
    const { id, owner } = shared();
    const accounts = Array.from({ length: 1_000 }, (_, index) => ({
      UserId: String(100_000_000_000 + index),
    }));
    await owner.send(add(id, ...accounts));
    await expect(owner.send(add(id, { OrganizationArn: ORGANIZATION }))).rejects.toMatchObject({
      name: 'ResourceLimitExceeded',
    });
  });

  test('fail of an AMI under AWS’s own key, and of one that is disabled', async () => {
    const { world, id, snapshotId, owner } = shared();
    const { snapshots } = world.region(DEV.accountId, DEV.region);
    const before = snapshots.get(snapshotId);
    if (before === undefined) throw new Error('there is no snapshot');
    const { kmsKeyId: _key, ...underAwsKey } = before;
    snapshots.set(snapshotId, underAwsKey);
    await expect(owner.send(add(id, { UserId: OTHER.accountId }))).rejects.toMatchObject({
      name: 'InvalidParameter',
    });
    snapshots.set(snapshotId, before);
    await owner.send(new DisableImageCommand({ ImageId: id }));
    await expect(owner.send(add(id, { UserId: OTHER.accountId }))).rejects.toMatchObject({
      name: 'InvalidAMIID.Unavailable',
    });
  });

  test('fail beside another attribute in one call, and beside their opposite', async () => {
    const { id, owner } = shared();
    const Add = [{ UserId: OTHER.accountId }];
    for (const input of [
      { LaunchPermission: { Add }, Description: { Value: 'shared' } },
      { LaunchPermission: { Add, Remove: [{ UserId: '333333333333' }] } },
      {},
    ])
      await expect(owner.send(permit(id, input))).rejects.toMatchObject({
        name: 'InvalidParameterCombination',
      });
    await owner.send(permit(id, { Description: { Value: 'told' } }));
    const { Images } = await owner.send(new DescribeImagesCommand({ ImageIds: [id] }));
    expect(Images?.[0]?.Description).toBe('told');
  });

  test('let nobody see its tags, but those that are for them', async () => {
    const { id, owner, other } = shared();
    await owner.send(add(id, { UserId: OTHER.accountId }));
    const tags = [{ Key: 'ec2:SharedTag/image', Value: 'base' }];
    await owner.send(new CreateTagsCommand({ Resources: [id], Tags: tags }));
    const { Images } = await other.send(new DescribeImagesCommand({ ImageIds: [id] }));
    expect(Images?.[0]?.Tags).toEqual(tags);
  });
});

describe('permissions of snapshots', () => {
  const modify = (SnapshotId: string, how: 'Add' | 'Remove', ...UserIds: string[]) =>
    new ModifySnapshotAttributeCommand({
      SnapshotId,
      CreateVolumePermission: { [how]: UserIds.map((UserId) => ({ UserId })) },
    });
  const tell = async (ec2: EC2Client, SnapshotId: string) =>
    (
      await ec2.send(
        new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' }),
      )
    ).CreateVolumePermissions;
  const copy = (SourceImageId: string) =>
    new CopyImageCommand({ SourceImageId, SourceRegion: DEV.region, Name: 'a copy' });

  test('are what a copy by another account needs besides, and its own are encrypted with its own key', async () => {
    const { world, id, snapshotId, owner, other } = shared();
    await expect(other.send(copy(id))).rejects.toMatchObject({ name: 'InvalidAMIID.NotFound' });
    await owner.send(add(id, { UserId: OTHER.accountId }));
    await expect(other.send(copy(id))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'You do not have permission to access the storage of this ami',
    });
    await owner.send(modify(snapshotId, 'Add', OTHER.accountId));
    expect(await tell(owner, snapshotId)).toEqual([{ UserId: OTHER.accountId }]);
    await expect(tell(other, snapshotId)).rejects.toMatchObject({ name: 'AuthFailure' });
    const { ImageId = '' } = await other.send(copy(id));
    const made = world.region(OTHER.accountId, OTHER.region);
    const [device] = made.images.get(ImageId)?.blockDevices ?? [];
    // Without a key in the call it is under AWS's own, so that it can never be shared on.
    await expect(other.send(modify(device?.snapshotId ?? '', 'Add', '333333333333'))).rejects.toMatchObject({
      name: 'OperationNotPermitted',
    });
    await owner.send(modify(snapshotId, 'Remove', OTHER.accountId));
    expect(await tell(owner, snapshotId)).toEqual([]);
  });

  test('fail for more than 500 in a call, for both directions, and of what is not one’s own', async () => {
    const { snapshotId, owner, other } = shared();
    const accounts = Array.from({ length: 501 }, (_, index) => String(100_000_000_000 + index));
    await expect(owner.send(modify(snapshotId, 'Add', ...accounts))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
    const both = { Add: [{ UserId: OTHER.accountId }], Remove: [{ UserId: '333333333333' }] };
    await expect(
      owner.send(
        new ModifySnapshotAttributeCommand({ SnapshotId: snapshotId, CreateVolumePermission: both }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidParameterCombination' });
    await expect(other.send(modify(snapshotId, 'Add', OTHER.accountId))).rejects.toMatchObject({
      name: 'InvalidSnapshot.NotFound',
    });
  });

  test('of an encrypted one are never everybody’s', async () => {
    const { snapshotId, owner } = shared();
    const everybody = new ModifySnapshotAttributeCommand({
      SnapshotId: snapshotId,
      OperationType: 'add',
      GroupNames: ['all'],
    });
    await expect(owner.send(everybody)).rejects.toMatchObject({ name: 'OperationNotPermitted' });
    const { Snapshots } = await owner.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
    expect(Snapshots?.[0]?.KmsKeyId).toMatch(/^arn:aws:kms:eu-west-1:\d{12}:key\//);
  });
});

test('a bake describes its candidate and shares nothing; the steward shares, and describes nothing', async () => {
  const { id, world, sandbox } = shared();
  world.region(DEV.accountId, DEV.region).images.get(id)?.tags.set('packleader:release', 'web@1.4.0');
  const described = permit(id, { Description: { Value: 'told' } });
  const given = add(id, { UserId: OTHER.accountId });
  const { ec2: steward } = await clientsOf(DEV);
  const credentials = sandbox.issue(DEV.accountId, NAMES.bakeRole, 'build');
  const bake = new EC2Client({ region: DEV.region, credentials });
  await steward.send(given);
  await expect(steward.send(described)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  await bake.send(described);
  await expect(bake.send(given)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
});
