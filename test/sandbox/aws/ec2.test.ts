import {
  CreateLaunchTemplateVersionCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImageReferencesCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeVolumesCommand,
  EnableImageDeregistrationProtectionCommand,
  ModifyImageAttributeCommand,
  TerminateInstancesCommand,
  paginateDescribeImages,
} from '@aws-sdk/client-ec2';
import type { Image } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { DEV, HUB, PROD } from '../../fixtures/accounts.ts';
import { bound, clientsOf, ownerOf } from '../fixture.ts';

const AL2023 = { Name: 'name', Values: ['al2023-ami-2023.*-kernel-6.1-x86_64'] };

test('without owners, the newest AMI of a name pattern is a stranger’s', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  const newest = async (Owners?: string[]): Promise<Image | undefined> => {
    const { Images: images = [] } = await ec2.send(
      new DescribeImagesCommand({ Filters: [AL2023], ...(Owners === undefined ? {} : { Owners }) }),
    );
    return images.sort((a, b) => (a.CreationDate ?? '').localeCompare(b.CreationDate ?? '')).at(-1);
  };
  expect((await newest())?.OwnerId).toBe('666655554444');
  expect((await newest(['amazon']))?.OwnerId).toBe('137112412989');
});

async function imagesSeenBy(target: typeof DEV): Promise<(string | undefined)[][]> {
  const { ec2 } = await clientsOf(target);
  const { Images: found = [] } = await ec2.send(
    new DescribeImagesCommand({ Filters: [AL2023], Owners: ['137112412989'] }),
  );
  return found.map(({ ImageId, Name }) => [ImageId, Name]);
}

test('a public AMI has one id for all accounts of a region, and the same name in another', async () => {
  bound({ targets: [DEV, { ...DEV, accountId: '333333333333' }, PROD] });
  const dev = await imagesSeenBy(DEV);
  const prod = await imagesSeenBy(PROD);
  expect(await imagesSeenBy({ ...DEV, accountId: '333333333333' })).toEqual(dev);
  expect(new Set(prod.map(([, name]) => name))).toEqual(new Set(dev.map(([, name]) => name)));
  expect(prod.map(([id]) => id)).not.toEqual(expect.arrayContaining(dev.map(([id]) => id)));
});

test('deprecated AMIs are shown only on request', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  const query = { Filters: [AL2023], Owners: ['amazon'] };
  const { Images: shown = [] } = await ec2.send(new DescribeImagesCommand(query));
  const { Images: all = [] } = await ec2.send(
    new DescribeImagesCommand({ ...query, IncludeDeprecated: true }),
  );
  expect([shown.length, all.length]).toEqual([4, 6]);
});

test('lists come in pages, even when no size was asked for', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  const pages: number[] = [];
  for await (const { Images: images = [] } of paginateDescribeImages(
    { client: ec2 },
    { IncludeDeprecated: true },
  )) {
    pages.push(images.length);
  }
  expect(pages.length).toBeGreaterThan(2);
  expect(pages[0]).toBe(25);
});

test('fails for a page token that belongs to another request', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  const { NextToken } = await ec2.send(new DescribeImagesCommand({ Owners: ['amazon'], MaxResults: 5 }));
  const other = ec2.send(new DescribeImagesCommand({ Owners: ['self'], MaxResults: 5, NextToken }));
  await expect(other).rejects.toMatchObject({ name: 'InvalidPaginationToken' });
});

test.each([
  ['ami-0123456789abcdef0', 'InvalidAMIID.NotFound', "The image id '[ami-0123456789abcdef0]' does not exist"],
  ['ami-nonsense', 'InvalidAMIID.Malformed', 'Invalid id: "ami-nonsense" (expecting "ami-...")'],
])('fails to describe %s with %s', async (id, name, message) => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  await expect(ec2.send(new DescribeImagesCommand({ ImageIds: [id] }))).rejects.toMatchObject({
    name,
    message,
  });
});

async function ownImage(
  ec2: Awaited<ReturnType<typeof clientsOf>>['ec2'],
): Promise<{ id: string; snapshot: string }> {
  const { Images: images } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'] }));
  const [image] = images ?? [];
  return { id: image?.ImageId ?? '', snapshot: image?.BlockDeviceMappings?.at(0)?.Ebs?.SnapshotId ?? '' };
}

test('fails to delete the snapshot of an AMI; deregistering deletes both and a second time it is gone', async () => {
  const ec2 = ownerOf(bound(), DEV);
  const { id, snapshot } = await ownImage(ec2);
  await expect(ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }))).rejects.toMatchObject({
    name: 'InvalidSnapshot.InUse',
    message: `The snapshot ${snapshot} is currently in use by ${id}`,
  });
  const deregister = new DeregisterImageCommand({ ImageId: id, DeleteAssociatedSnapshots: true });
  expect(await ec2.send(deregister)).toMatchObject({
    Return: true,
    DeleteSnapshotResults: [{ SnapshotId: snapshot, ReturnCode: 'success' }],
  });
  await expect(ec2.send(deregister)).rejects.toMatchObject({ name: 'InvalidAMIID.Unavailable' });
  await expect(ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }))).rejects.toMatchObject({
    name: 'InvalidSnapshot.NotFound',
  });
});

test('fails to deregister a protected AMI', async () => {
  const ec2 = ownerOf(bound(), DEV);
  const { id } = await ownImage(ec2);
  await ec2.send(new EnableImageDeregistrationProtectionCommand({ ImageId: id }));
  await expect(ec2.send(new DeregisterImageCommand({ ImageId: id }))).rejects.toMatchObject({
    name: 'OperationNotPermitted',
  });
});

test('fails when the steward destroys what no release made', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  const { id } = await ownImage(ec2);
  await expect(ec2.send(new DeregisterImageCommand({ ImageId: id }))).rejects.toMatchObject({
    name: 'UnauthorizedOperation',
  });
});

test('an AMI is seen by another account once it is shared, without its tags', async () => {
  const sandbox = bound();
  const target = { ...DEV, accountId: PROD.accountId };
  const owner = ownerOf(sandbox, DEV);
  const { ec2: other } = await clientsOf(target);
  const { id } = await ownImage(owner);
  const look = new DescribeImagesCommand({ ImageIds: [id] });
  await expect(other.send(look)).rejects.toMatchObject({ name: 'InvalidAMIID.NotFound' });
  await owner.send(
    new ModifyImageAttributeCommand({
      ImageId: id,
      LaunchPermission: { Add: [{ UserId: target.accountId }] },
    }),
  );
  expect((await other.send(look)).Images).toMatchObject([{ ImageId: id, OwnerId: DEV.accountId, Tags: [] }]);
});

test('references of an AMI name its instance, launch template and parameter', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV);
  const { id } = await ownImage(ec2);
  const { ImageReferences: references = [] } = await ec2.send(
    new DescribeImageReferencesCommand({ ImageIds: [id], IncludeAllResourceTypes: true }),
  );
  expect(references.map(({ ResourceType }) => ResourceType)).toEqual([
    'ec2:Instance',
    'ec2:LaunchTemplate',
    'ssm:Parameter',
  ]);
});

test('references by instances can be asked for by state, those by templates by the number of versions', async () => {
  const ec2 = ownerOf(bound(), DEV);
  const { id } = await ownImage(ec2);
  const { LaunchTemplates: templates = [] } = await ec2.send(new DescribeLaunchTemplatesCommand({}));
  for (let version = 2; version <= 12; version++) {
    await ec2.send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateId: templates[0]?.LaunchTemplateId,
        LaunchTemplateData: { ImageId: 'ami-0123456789abcdef0' },
      }),
    );
  }
  const types = async (state: string, depth: string): Promise<unknown[]> => {
    const { ImageReferences: references = [] } = await ec2.send(
      new DescribeImageReferencesCommand({
        ImageIds: [id],
        ResourceTypes: [
          {
            ResourceType: 'ec2:Instance',
            ResourceTypeOptions: [{ OptionName: 'state-name', OptionValues: [state] }],
          },
          {
            ResourceType: 'ec2:LaunchTemplate',
            ResourceTypeOptions: [{ OptionName: 'version-depth', OptionValues: [depth] }],
          },
        ],
      }),
    );
    return references.map(({ ResourceType }) => ResourceType);
  };
  expect(await types('running', '10')).toEqual(['ec2:Instance']);
  expect(await types('terminated', '12')).toEqual(['ec2:LaunchTemplate']);
});

test('fails to delete the security group of an instance that is shutting down', async () => {
  const sandbox = bound();
  const ec2 = ownerOf(sandbox, DEV);
  const { Reservations: reservations } = await ec2.send(new DescribeInstancesCommand({}));
  const instance = reservations?.at(0)?.Instances?.at(0);
  const remove = new DeleteSecurityGroupCommand({ GroupId: instance?.SecurityGroups?.at(0)?.GroupId });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance?.InstanceId ?? ''] }));
  await expect(ec2.send(remove)).rejects.toMatchObject({ name: 'DependencyViolation' });
  await sandbox.clock.sleep(60_000);
  expect(await ec2.send(remove)).toMatchObject({ Return: true });
  expect((await ec2.send(new DescribeVolumesCommand({}))).Volumes).toEqual([]);
});

test('fails to tag with the fifty-first tag, and tags nothing', async () => {
  const ec2 = ownerOf(bound(), DEV);
  const { id } = await ownImage(ec2);
  const Tags = Array.from({ length: 50 }, (_item, index) => ({ Key: `key-${String(index)}`, Value: '' }));
  await expect(ec2.send(new CreateTagsCommand({ Resources: [id], Tags }))).rejects.toMatchObject({
    name: 'TagLimitExceeded',
  });
  const { Images: images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
  expect(images?.at(0)?.Tags).toHaveLength(1);
});

test('a hub Lambda without credentials of its own calls as the hub', async () => {
  const sandbox = bound();
  const { EC2Client } = await import('@aws-sdk/client-ec2');
  await new EC2Client({}).send(new DescribeInstancesCommand({}));
  expect(sandbox.calls.at(-1)).toMatchObject({
    ...HUB,
    role: 'packleader-tasks',
    operation: 'DescribeInstances',
  });
});
