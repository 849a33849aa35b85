import {
  DescribeKeyPairsCommand,
  type Filter,
  type Instance,
  type Tag,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplates,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import { paginateDescribeParameters } from '@aws-sdk/client-ssm';
import type { TargetClients } from '../aws/clients.ts';
import { parameters } from '../contract/names.ts';
import { TAGS } from '../contract/tags.ts';
import type { Target } from '../contract/targets.ts';
import { type KeptBuilder, keptAmong } from './kept-builders.ts';
import { findBuilds, releaseOfBuild } from './release-builds.ts';

/** Something in a target that says which release it belongs to. */
export interface Sighting {
  readonly releaseId: string;
  readonly resourceId: string;
  /** The values of its tags, as far as it has them. */
  readonly execution?: string;
  readonly state?: string;
  readonly autoCleanup?: string;
  readonly commit?: string;
  readonly repository?: string;
  /** A parameter that lets consumers find a version. */
  readonly published?: true;
  /** The kept builder that it is, or that needs it: of the same release, in the same target. */
  readonly kept?: KeptBuilder;
}

/**
 * Everything in a target that carries the tag of a release, the builds that run for one, and the parameters of versions:
 * of one release, or of all. Throws when any look is refused: unseen is not absent.
 */
export async function sightingsIn(
  clients: TargetClients,
  target: Target,
  only?: string,
): Promise<Sighting[]> {
  const [builds, resources] = await Promise.all([
    findBuilds(clients.codebuild, target),
    resourcesIn(clients, only),
  ]);
  const running = builds
    .filter(({ buildStatus }) => buildStatus === 'IN_PROGRESS')
    .map((build) => ({ releaseId: releaseOfBuild(build) ?? '', resourceId: build.id ?? '' }));
  return [...running.filter((one) => isOf(one, only)), ...resources];
}

/** The same without the builds. */
export async function resourcesIn(clients: TargetClients, only?: string): Promise<Sighting[]> {
  const { ec2 } = clients;
  const Filters: Filter[] =
    only === undefined
      ? [{ Name: 'tag-key', Values: [TAGS.release] }]
      : [{ Name: `tag:${TAGS.release}`, Values: [only] }];
  const own = { Owners: ['self'], IncludeDeprecated: true, IncludeDisabled: true };
  const [instances, keyPairs, templates, volumes, interfaces, groups, images, snapshots, published] =
    await Promise.all([
      Array.fromAsync(paginateDescribeInstances({ client: ec2 }, { Filters })),
      ec2.send(new DescribeKeyPairsCommand({ Filters })),
      Array.fromAsync(paginateDescribeLaunchTemplates({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeVolumes({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeSecurityGroups({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeImages({ client: ec2 }, { ...own, Filters })),
      Array.fromAsync(paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ['self'], Filters })),
      publishedVersions(clients),
    ]);
  const alive = instances
    .flatMap((page) => page.Reservations ?? [])
    .flatMap((reservation) => reservation.Instances ?? [])
    .filter(({ State }) => State?.Name !== 'terminated');
  const builders = [
    ...alive.map(({ InstanceId, Tags }) => sighting(InstanceId, Tags)),
    ...(keyPairs.KeyPairs ?? []).map(({ KeyPairId, Tags }) => sighting(KeyPairId, Tags)),
    ...templates
      .flatMap((page) => page.LaunchTemplates ?? [])
      .map(({ LaunchTemplateId, Tags }) => sighting(LaunchTemplateId, Tags)),
    ...volumes.flatMap((page) => page.Volumes ?? []).map(({ VolumeId, Tags }) => sighting(VolumeId, Tags)),
    ...interfaces
      .flatMap((page) => page.NetworkInterfaces ?? [])
      .map(({ NetworkInterfaceId, TagSet }) => sighting(NetworkInterfaceId, TagSet)),
    ...groups
      .flatMap((page) => page.SecurityGroups ?? [])
      .map(({ GroupId, Tags }) => sighting(GroupId, Tags)),
  ];
  const seen = [
    ...withKept(builders, alive),
    ...images.flatMap((page) => page.Images ?? []).map(({ ImageId, Tags }) => sighting(ImageId, Tags)),
    ...snapshots
      .flatMap((page) => page.Snapshots ?? [])
      .map(({ SnapshotId, Tags }) => sighting(SnapshotId, Tags)),
    ...published,
  ];
  return seen.filter((one) => isOf(one, only));
}

const isOf = ({ releaseId }: Sighting, only: string | undefined): boolean =>
  releaseId !== '' && (only === undefined || releaseId === only);

/** A builder that is kept needs its key pair, its group and its volumes. */
function withKept(builders: readonly Sighting[], alive: readonly Instance[]): Sighting[] {
  const kept = new Map(keptAmong(alive).map((one) => [one.instanceId, one]));
  const releases = new Map(
    builders.flatMap(({ releaseId, resourceId }) => {
      const one = kept.get(resourceId);
      return one ? [[releaseId, one] as const] : [];
    }),
  );
  const isAnother = (id: string): boolean => id.startsWith('i-') && !kept.has(id);
  return builders.map((one) => {
    const of = isAnother(one.resourceId) ? undefined : releases.get(one.releaseId);
    return of ? { ...one, kept: of } : one;
  });
}

function sighting(resourceId = '', tagList: Tag[] = []): Sighting {
  const tags = new Map(tagList.map(({ Key, Value }) => [Key, Value]));
  const told = {
    execution: TAGS.execution,
    state: TAGS.state,
    autoCleanup: TAGS.autoCleanup,
    commit: TAGS.commit,
    repository: TAGS.repository,
  };
  const values = Object.entries(told).flatMap(([field, key]) => {
    const value = tags.get(key);
    return value === undefined ? [] : [[field, value] as const];
  });
  return { releaseId: tags.get(TAGS.release) ?? '', resourceId, ...Object.fromEntries(values) };
}

/** Only the names are read: a parameter may be about an image that no AMI is left of. */
async function publishedVersions({ ssm }: TargetClients): Promise<Sighting[]> {
  const pages = await Array.fromAsync(
    paginateDescribeParameters(
      { client: ssm },
      { ParameterFilters: [{ Key: 'Path', Option: 'Recursive', Values: ['/packleader'] }], MaxResults: 50 },
    ),
  );
  return pages
    .flatMap((page) => page.Parameters ?? [])
    .flatMap(({ Name = '' }) => {
      const [, image = '', version = ''] = VERSION_PARAMETER.exec(Name) ?? [];
      return version === ''
        ? []
        : [{ releaseId: `${image}@${version}`, resourceId: Name, published: true as const }];
    });
}

const VERSION_PARAMETER = new RegExp(`^${parameters.version('([^/]+)', '([^/]+)')}$`);
