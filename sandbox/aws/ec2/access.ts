/** Key pairs, security groups and network interfaces. */
import type {
  CreateKeyPairCommandInput,
  CreateKeyPairCommandOutput,
  CreateSecurityGroupCommandInput,
  CreateSecurityGroupCommandOutput,
  DeleteKeyPairCommandInput,
  DeleteKeyPairCommandOutput,
  DeleteNetworkInterfaceCommandInput,
  DeleteSecurityGroupCommandInput,
  DeleteSecurityGroupCommandOutput,
  DescribeKeyPairsCommandInput,
  DescribeKeyPairsCommandOutput,
  DescribeNetworkInterfacesCommandInput,
  DescribeNetworkInterfacesCommandOutput,
  DescribeSecurityGroupsCommandInput,
  DescribeSecurityGroupsCommandOutput,
} from '@aws-sdk/client-ec2';
import type { Context, Done, Output } from '../context.ts';
import { applyFilters, byIds, ec2Error, ec2Page, tagList, tagsFor } from './requests.ts';
import { compare, instanceState } from '../world.ts';

function createKeyPair(
  { place, world, now }: Context,
  input: CreateKeyPairCommandInput,
): Output<CreateKeyPairCommandOutput> {
  const keyName = input.KeyName ?? '';
  if (place.keyPairs.has(keyName)) {
    throw ec2Error('InvalidKeyPair.Duplicate', `The keypair already exists`);
  }
  const keyPairId = world.id(place, 'key');
  const tags = tagsFor(input.TagSpecifications, 'key-pair');
  place.keyPairs.set(keyName, { keyName, keyPairId, createdAt: now, tags });
  return {
    KeyName: keyName,
    KeyPairId: keyPairId,
    KeyFingerprint: world.hex(keyPairId, 40),
    KeyMaterial: 'a private key of the sandbox',
    Tags: tagList(tags),
  };
}

const noSuchKeyPair = (name: string): Error =>
  ec2Error('InvalidKeyPair.NotFound', `The key pair '${name}' does not exist`);

function describeKeyPairs(
  { place }: Context,
  input: DescribeKeyPairsCommandInput,
): Output<DescribeKeyPairsCommandOutput> {
  const byId = new Map([...place.keyPairs.values()].map((pair) => [pair.keyPairId, pair]));
  const candidates =
    input.KeyNames !== undefined
      ? byIds(place.keyPairs, input.KeyNames, noSuchKeyPair)
      : input.KeyPairIds !== undefined
        ? byIds(byId, input.KeyPairIds, noSuchKeyPair)
        : [...place.keyPairs.values()].sort((a, b) => compare(a.keyName, b.keyName));
  const matching = applyFilters(candidates, input.Filters, {
    'key-name': ({ keyName }) => [keyName],
    'key-pair-id': ({ keyPairId }) => [keyPairId],
  });
  return {
    KeyPairs: matching.map((pair) => ({
      KeyName: pair.keyName,
      KeyPairId: pair.keyPairId,
      KeyType: 'rsa',
      CreateTime: new Date(pair.createdAt),
      Tags: tagList(pair.tags),
    })),
  };
}

/** Deleting a key pair that does not exist succeeds, as it does at EC2. */
function deleteKeyPair(
  { place }: Context,
  input: DeleteKeyPairCommandInput,
): Output<DeleteKeyPairCommandOutput> {
  for (const pair of place.keyPairs.values()) {
    if (pair.keyName !== input.KeyName && pair.keyPairId !== input.KeyPairId) continue;
    place.keyPairs.delete(pair.keyName);
    return { Return: true, KeyPairId: pair.keyPairId };
  }
  return { Return: true };
}

function createSecurityGroup(
  { place, world }: Context,
  input: CreateSecurityGroupCommandInput,
): Output<CreateSecurityGroupCommandOutput> {
  const groupName = input.GroupName ?? '';
  const vpcId = input.VpcId ?? `vpc-0${world.hex(`${place.accountId}/${place.region}/vpc`, 16)}`;
  for (const group of place.securityGroups.values()) {
    if (group.groupName === groupName && group.vpcId === vpcId) {
      throw ec2Error(
        'InvalidGroup.Duplicate',
        `The security group '${groupName}' already exists for VPC '${vpcId}'`,
      );
    }
  }
  const groupId = world.id(place, 'sg');
  const tags = tagsFor(input.TagSpecifications, 'security-group');
  place.securityGroups.set(groupId, {
    groupId,
    groupName,
    description: input.Description ?? '',
    vpcId,
    tags,
  });
  return { GroupId: groupId, Tags: tagList(tags) };
}

const noSuchGroup = (id: string): Error =>
  ec2Error('InvalidGroup.NotFound', `The security group '${id}' does not exist`);

function describeSecurityGroups(
  { place }: Context,
  input: DescribeSecurityGroupsCommandInput,
): Output<DescribeSecurityGroupsCommandOutput> {
  const candidates =
    input.GroupIds === undefined
      ? [...place.securityGroups.values()].sort((a, b) => compare(a.groupId, b.groupId))
      : byIds(place.securityGroups, input.GroupIds, noSuchGroup);
  const matching = applyFilters(candidates, input.Filters, {
    'group-id': ({ groupId }) => [groupId],
    'group-name': ({ groupName }) => [groupName],
    'vpc-id': ({ vpcId }) => [vpcId],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    SecurityGroups: items.map((group) => ({
      GroupId: group.groupId,
      GroupName: group.groupName,
      Description: group.description,
      VpcId: group.vpcId,
      OwnerId: place.accountId,
      Tags: tagList(group.tags),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function deleteSecurityGroup(
  { place, now }: Context,
  input: DeleteSecurityGroupCommandInput,
): Output<DeleteSecurityGroupCommandOutput> {
  const groupId = input.GroupId ?? '';
  if (!place.securityGroups.has(groupId)) throw noSuchGroup(groupId);
  for (const instance of place.instances.values()) {
    if (!instance.securityGroupIds.includes(groupId) || instanceState(instance, now) === 'terminated')
      continue;
    throw ec2Error('DependencyViolation', `resource ${groupId} has a dependent object`);
  }
  for (const { securityGroupIds } of place.networkInterfaces.values())
    if (securityGroupIds.includes(groupId))
      throw ec2Error('DependencyViolation', `resource ${groupId} has a dependent object`);
  place.securityGroups.delete(groupId);
  return { Return: true, GroupId: groupId };
}

function describeNetworkInterfaces(
  { place }: Context,
  input: DescribeNetworkInterfacesCommandInput,
): Output<DescribeNetworkInterfacesCommandOutput> {
  const all = [...place.networkInterfaces.values()];
  const matching = applyFilters(
    all.sort((a, b) => compare(a.networkInterfaceId, b.networkInterfaceId)),
    input.Filters,
    {
      'attachment.instance-id': ({ attachedTo }) => [attachedTo],
      'group-id': ({ securityGroupIds }) => securityGroupIds,
      status: ({ attachedTo }) => [attachedTo === undefined ? 'available' : 'in-use'],
    },
  );
  const { items, nextToken } = ec2Page(matching, input);
  return {
    NetworkInterfaces: items.map(({ networkInterfaceId, attachedTo, tags }) => ({
      NetworkInterfaceId: networkInterfaceId,
      OwnerId: place.accountId,
      Status: attachedTo === undefined ? ('available' as const) : ('in-use' as const),
      ...(attachedTo === undefined
        ? {}
        : { Attachment: { InstanceId: attachedTo, DeleteOnTermination: true } }),
      TagSet: tagList(tags),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function deleteNetworkInterface({ place }: Context, input: DeleteNetworkInterfaceCommandInput): Done {
  const id = input.NetworkInterfaceId ?? '';
  const found = place.networkInterfaces.get(id);
  if (found === undefined)
    throw ec2Error('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
  if (found.attachedTo !== undefined)
    throw ec2Error('InvalidParameterValue', `Network interface '${id}' is currently in use.`);
  place.networkInterfaces.delete(id);
  return {};
}

export const accessOperations = {
  CreateKeyPair: createKeyPair,
  CreateSecurityGroup: createSecurityGroup,
  DeleteKeyPair: deleteKeyPair,
  DeleteNetworkInterface: deleteNetworkInterface,
  DeleteSecurityGroup: deleteSecurityGroup,
  DescribeKeyPairs: describeKeyPairs,
  DescribeNetworkInterfaces: describeNetworkInterfaces,
  DescribeSecurityGroups: describeSecurityGroups,
};
