/** The instance that an AMI is tested on: launched, waited for, and taken away again. Everything is found by tag. */
import { createHash } from 'node:crypto';
import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeInstanceStatusCommand,
  type EC2Client,
  type Instance,
  type ResourceType,
  RunInstancesCommand,
  TerminateInstancesCommand,
  paginateDescribeInstances,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
} from '@aws-sdk/client-ec2';
import { hasCode } from '../aws/errors.ts';
import { amiName } from '../configuration/version.ts';
import { NAMES } from '../contract/names.ts';
import { type Release, releaseTags } from '../contract/releases.ts';
import { TAGS } from '../contract/tags.ts';
import type { Ami } from '../contract/targets.ts';
import type { TestOfTarget } from '../contract/tests.ts';

/** One AMI of one attempt of a release. */
export interface UnderTest {
  readonly release: Release;
  readonly stage: string;
  readonly executionArn: string;
  readonly ami: Ami;
  readonly how: TestOfTarget;
}

/** Its instances, also those that are gone and still to be seen. */
export async function testInstances(ec2: EC2Client, under: UnderTest): Promise<Instance[]> {
  const pages = await Array.fromAsync(
    paginateDescribeInstances({ client: ec2 }, { Filters: filters(under) }),
  );
  return pages
    .flatMap((page) => page.Reservations ?? [])
    .flatMap((reservation) => reservation.Instances ?? []);
}

/** What an instance says of its end, in words. */
export const endOf = ({ State, StateReason }: Instance): string =>
  [State?.Name ?? 'in no state', StateReason?.Message].filter((word) => word !== undefined).join(': ');

/** Launches it, in a security group that lets nothing in. Returns what there is to wait for then. */
export async function launch(ec2: EC2Client, under: UnderTest): Promise<string> {
  const group = await groupOf(ec2, under);
  if (group === undefined) return 'its security group to be seen';
  const { ami, how } = under;
  const subnets = await subnetsOf(ec2, how);
  for (const SubnetId of subnets) {
    const specifications: ResourceType[] = ['instance', 'volume', 'network-interface'];
    try {
      await ec2.send(
        new RunInstancesCommand({
          ImageId: ami.imageId,
          InstanceType: instanceTypeOf(how.instanceType),
          MinCount: 1,
          MaxCount: 1,
          // Asked again, EC2 says what it launched before.
          ClientToken: digest(under, SubnetId ?? ''),
          ...(SubnetId !== undefined && { SubnetId }),
          SecurityGroupIds: [group],
          IamInstanceProfile: { Name: NAMES.tested },
          MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
          InstanceInitiatedShutdownBehavior: 'terminate',
          ...(how.userData !== undefined && { UserData: Buffer.from(how.userData).toString('base64') }),
          TagSpecifications: specifications.map((ResourceType) => ({ ResourceType, Tags: tagsOf(under) })),
        }),
      );
      return 'its instance to be seen';
    } catch (error) {
      if (hasCode(error, 'InvalidGroup.NotFound')) return 'its security group to be seen';
      if (!hasCode(error, ...NO_ROOM)) throw error;
    }
  }
  return `EC2 to have room for ${how.instanceType}`;
}

/** EC2's ways to say that there is no such instance to be had in this place at the moment.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const NO_ROOM = ['InsufficientInstanceCapacity', 'InsufficientFreeAddressesInSubnet', 'Unsupported'];

/** What its status checks lack; undefined when they have passed. */
export async function lackingStatus(ec2: EC2Client, instanceId: string): Promise<string | undefined> {
  const { InstanceStatuses: [status] = [] } = await ec2.send(
    new DescribeInstanceStatusCommand({ InstanceIds: [instanceId] }),
  );
  const system = status?.SystemStatus?.Status ?? 'not there';
  const instance = status?.InstanceStatus?.Status ?? 'not there';
  if (system === 'ok' && instance === 'ok') return undefined;
  return `the status checks of ${instanceId}, which are ${system} (system) and ${instance} (instance)`;
}

/**
 * Takes everything of the test away. Returns what there is to wait for before it is gone; undefined when it is. A group that an instance
 * is in cannot be deleted: so no look that is too early lets one be forgotten.
 *  @param known groups of it
 */
export async function takeAway(
  ec2: EC2Client,
  under: UnderTest,
  known: readonly string[],
): Promise<string | undefined> {
  const instances = await testInstances(ec2, under);
  const there = instances.filter(({ State }) => State?.Name !== 'terminated');
  const ids = there
    .filter(({ State }) => State?.Name !== 'shutting-down')
    .map(({ InstanceId = '' }) => InstanceId);
  if (ids.length > 0) await ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));
  if (there.length > 0) return `${there.map(({ InstanceId }) => InstanceId).join(', ')} to be terminated`;
  for (const GroupId of new Set([...known, ...(await groupsOf(ec2, under))])) {
    try {
      await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    } catch (error) {
      if (hasCode(error, 'DependencyViolation')) return `${GroupId} to be free`;
      if (!hasCode(error, 'InvalidGroup.NotFound')) throw error;
    }
  }
  return undefined;
}

/** Without a rule, a group lets nothing in. */
async function groupOf(ec2: EC2Client, under: UnderTest): Promise<string | undefined> {
  const [found] = await groupsOf(ec2, under);
  if (found !== undefined) return found;
  try {
    const { GroupId } = await ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: `packleader-test-${digest(under).slice(0, 16)}`,
        Description: `Lets nothing in, for the test of ${under.ami.imageId}`,
        ...(under.how.vpcId !== undefined && { VpcId: under.how.vpcId }),
        TagSpecifications: [{ ResourceType: 'security-group', Tags: tagsOf(under) }],
      }),
    );
    return GroupId;
  } catch (error) {
    // It was made before, and does not show yet.
    if (hasCode(error, 'InvalidGroup.Duplicate')) return undefined;
    throw error;
  }
}

async function groupsOf(ec2: EC2Client, under: UnderTest): Promise<string[]> {
  const pages = await Array.fromAsync(
    paginateDescribeSecurityGroups({ client: ec2 }, { Filters: filters(under) }),
  );
  return pages.flatMap((page) => page.SecurityGroups ?? []).map(({ GroupId = '' }) => GroupId);
}

/** Where it may run, in order; undefined leaves it to EC2. */
async function subnetsOf(ec2: EC2Client, how: TestOfTarget): Promise<(string | undefined)[]> {
  const { subnetIds, subnetFilters } = how;
  if (subnetFilters === undefined) return subnetIds.length === 0 ? [undefined] : subnetIds;
  const Filters = Object.entries(subnetFilters).map(([Name, Values]) => ({ Name, Values }));
  const pages = await Array.fromAsync(paginateDescribeSubnets({ client: ec2 }, { Filters }));
  const matching = pages.flatMap((page) => page.Subnets ?? []).map(({ SubnetId = '' }) => SubnetId);
  return [...new Set([...subnetIds, ...matching.toSorted()])];
}

const filters = ({ release, executionArn, ami }: UnderTest) => [
  { Name: `tag:${TAGS.release}`, Values: [release.releaseId] },
  { Name: `tag:${TAGS.execution}`, Values: [executionArn] },
  { Name: `tag:${TAGS.test}`, Values: [ami.imageId] },
];

const tagsOf = ({ release, stage, executionArn, ami, how }: UnderTest) =>
  Object.entries({
    ...how.tags,
    [TAGS.name]: `${amiName(release)} under test`,
    ...releaseTags(release, stage),
    [TAGS.execution]: executionArn,
    [TAGS.test]: ami.imageId,
  }).map(([Key, Value]) => ({ Key, Value }));

/** Of 64 characters, as many as a client token has. */
const digest = ({ executionArn, ami }: UnderTest, more = ''): string =>
  createHash('sha256')
    .update([executionArn, ami.accountId, ami.region, ami.imageId, more].join(' '))
    .digest('hex');

type InstanceType = NonNullable<ConstructorParameters<typeof RunInstancesCommand>[0]['InstanceType']>;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The SDK lists the types that it knew when it was made.
const instanceTypeOf = (name: string): InstanceType => name as InstanceType;
