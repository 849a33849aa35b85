/** One look at everything of a release in one target, and what it finds. */
import { BatchGetBuildsCommand, type Build, ListBuildsForProjectCommand } from '@aws-sdk/client-codebuild';
import {
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Image,
  type InstanceStateName,
} from '@aws-sdk/client-ec2';
import type { Target } from '../../core/contract/targets.ts';
import { type Aws, type Call, awsError, builds, call } from './aws.ts';
import { RELEASE, imagesByName, imagesByTag, releaseFilter } from './example.ts';
import { LATEST, VERSION, get, reads } from './parameters.ts';

const Filters = releaseFilter;

export const listBuilds = new ListBuildsForProjectCommand({
  projectName: 'packleader-bake',
  sortOrder: 'DESCENDING',
});
export const getBuilds = (...ids: string[]) => new BatchGetBuildsCommand({ ids });
export const instances = new DescribeInstancesCommand({ Filters });
export const keyPairs = new DescribeKeyPairsCommand({ Filters });
export const volumes = new DescribeVolumesCommand({ Filters });
export const interfaces = new DescribeNetworkInterfacesCommand({ Filters });
export const groups = new DescribeSecurityGroupsCommand({ Filters });
export const snapshots = new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters });

export const build = (
  id: string,
  buildStatus: 'IN_PROGRESS' | 'FAILED',
  { region }: Target,
  release = RELEASE.releaseId,
): Build => ({
  id,
  buildStatus,
  environment: {
    type: 'LINUX_CONTAINER',
    image: 'standard',
    computeType: 'BUILD_GENERAL1_SMALL',
    environmentVariables: [
      { name: 'PACKLEADER_RELEASE', value: release },
      { name: 'PACKLEADER_REGION', value: region },
    ],
  },
});

/** What a look at a target finds. */
export interface Found {
  readonly builds?: Build[];
  readonly instances?: Record<string, InstanceStateName>;
  readonly keyPairs?: string[];
  readonly volumes?: string[];
  readonly interfaces?: string[];
  readonly groups?: string[];
  readonly images?: Image[];
  readonly snapshots?: string[];
  /** The values of the parameters: of the version, and of `latest`. */
  readonly version?: string;
  readonly latest?: string;
}

/** The target as each look in turn finds it; the last one for ever. */
export function targetHolds(aws: Aws, target: Target, ...looks: readonly Found[]): void {
  const ids = looks.map(({ builds: found = [] }) => found.map(({ id = '' }) => id));
  aws.on(builds(target), listBuilds, ...ids.map((one) => ({ ids: one })));
  for (const [index, { builds: found = [] }] of [...looks.entries()].toReversed()) {
    const later = looks.slice(index).map((look) => ({ builds: look.builds ?? [] }));
    if (found.length > 0) aws.on(builds(target), getBuilds(...(ids[index] ?? [])), ...later);
  }
  aws.on(
    target,
    instances,
    ...looks.map(({ instances: found = {} }) => ({
      Reservations: Object.entries(found).map(([InstanceId, Name]) => ({
        Instances: [{ InstanceId, State: { Name } }],
      })),
    })),
  );
  aws.on(
    target,
    keyPairs,
    ...looks.map((found) => ({ KeyPairs: (found.keyPairs ?? []).map((KeyPairId) => ({ KeyPairId })) })),
  );
  aws.on(
    target,
    volumes,
    ...looks.map((found) => ({ Volumes: (found.volumes ?? []).map((VolumeId) => ({ VolumeId })) })),
  );
  aws.on(
    target,
    interfaces,
    ...looks.map((found) => ({
      NetworkInterfaces: (found.interfaces ?? []).map((NetworkInterfaceId) => ({ NetworkInterfaceId })),
    })),
  );
  aws.on(
    target,
    groups,
    ...looks.map((found) => ({ SecurityGroups: (found.groups ?? []).map((GroupId) => ({ GroupId })) })),
  );
  aws.on(target, imagesByTag, ...looks.map(({ images = [] }) => ({ Images: images })));
  aws.on(target, imagesByName, ...looks.map(({ images = [] }) => ({ Images: images })));
  aws.on(
    target,
    snapshots,
    ...looks.map((found) => ({ Snapshots: (found.snapshots ?? []).map((SnapshotId) => ({ SnapshotId })) })),
  );
  const reply = (value: string | undefined) =>
    value === undefined ? awsError('ParameterNotFound') : reads(value);
  aws.on(target, get(VERSION), ...looks.map(({ version }) => reply(version)));
  aws.on(target, get(LATEST), ...looks.map(({ latest }) => reply(latest)));
}

/** The calls one look is made of, in order, where builds with these ids are listed. */
export const look = (target: Target, ...buildIds: string[]): Call[] => [
  call(builds(target), listBuilds),
  ...[instances, keyPairs, volumes, interfaces, groups, imagesByTag, imagesByName, snapshots].map((command) =>
    call(target, command),
  ),
  ...(buildIds.length > 0 ? [call(builds(target), getBuilds(...buildIds))] : []),
  call(target, get(VERSION)),
  call(target, get(LATEST)),
];
