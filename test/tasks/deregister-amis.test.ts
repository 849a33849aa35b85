import {
  BatchGetBuildsCommand,
  type Build,
  ListBuildsForProjectCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild';
import {
  CreateTagsCommand,
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeImageReferencesCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Image,
  type InstanceStateName,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../tasks/contract.ts';
import { handler } from '../../tasks/deregister-amis.ts';
import { DEV, PROD, awsError, builds, call, useAws } from './aws.ts';
import {
  RELEASE,
  batchOf,
  candidate,
  imagesByName,
  imagesByTag,
  imagesByTagSecondPage,
  releaseFilter,
} from './example.ts';

const aws = useAws();

const Filters = releaseFilter;
const listBuilds = new ListBuildsForProjectCommand({
  projectName: 'packleader-bake',
  sortOrder: 'DESCENDING',
});
const getBuilds = (...ids: string[]) => new BatchGetBuildsCommand({ ids });
const instances = new DescribeInstancesCommand({ Filters });
const keyPairs = new DescribeKeyPairsCommand({ Filters });
const volumes = new DescribeVolumesCommand({ Filters });
const groups = new DescribeSecurityGroupsCommand({ Filters });
const snapshots = new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters });
const users = (...ImageIds: string[]) =>
  new DescribeImageReferencesCommand({
    ImageIds,
    ResourceTypes: [
      {
        ResourceType: 'ec2:Instance',
        ResourceTypeOptions: [
          {
            OptionName: 'state-name',
            OptionValues: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
          },
        ],
      },
      {
        ResourceType: 'ec2:LaunchTemplate',
        ResourceTypeOptions: [{ OptionName: 'version-depth', OptionValues: ['10000'] }],
      },
      { ResourceType: 'ssm:Parameter' },
    ],
  });
const deregister = (ImageId: string) =>
  new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true });

const build = (
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

/** What a look at the account finds. */
interface Found {
  readonly builds?: Build[];
  readonly instances?: Record<string, InstanceStateName>;
  readonly keyPairs?: string[];
  readonly volumes?: string[];
  readonly groups?: string[];
  readonly images?: Image[];
  readonly snapshots?: string[];
}

/** The account as each look in turn finds it; every undo looks twice, before and after. */
function accountHolds(target: Target, ...looks: readonly Found[]): void {
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
}

const undo = (...targets: readonly Target[]) =>
  handler({ release: RELEASE, stage: 'dev', batches: [batchOf(...targets)] });

const looks = (target: Target) => [
  call(builds(target), listBuilds),
  call(target, instances),
  call(target, keyPairs),
  call(target, volumes),
  call(target, groups),
  call(target, imagesByTag),
  call(target, imagesByName),
  call(target, snapshots),
];

const leftoversOf = async (undoing: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await undoing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'LeftoversRemain' });
  return JSON.parse(Object(error).message).leftovers;
};

describe('undoing the bakes of a stage', () => {
  it('of which nothing is there changes nothing', async () => {
    accountHolds(DEV, {});
    expect(await undo(DEV)).toEqual({ removed: 0, quarantined: [] });
    expect(aws.sent).toEqual([...looks(DEV), ...looks(DEV)]);
  });

  it('stops builds, removes what Packer left, then AMIs, then snapshots, and looks again', async () => {
    accountHolds(
      DEV,
      {
        builds: [build('b:1', 'IN_PROGRESS', DEV)],
        instances: { 'i-1': 'running', 'i-0': 'terminated' },
        keyPairs: ['key-1'],
        volumes: ['vol-1'],
        groups: ['sg-1'],
        images: [candidate('ami-1')],
        snapshots: ['snap-1', 'snap-2'],
      },
      { builds: [build('b:1', 'FAILED', DEV)], instances: { 'i-1': 'terminated' } },
    );
    const effects = [
      new StopBuildCommand({ id: 'b:1' }),
      new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
      new DeleteKeyPairCommand({ KeyPairId: 'key-1' }),
      new DeleteVolumeCommand({ VolumeId: 'vol-1' }),
      new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }),
      deregister('ami-1'),
      new DeleteSnapshotCommand({ SnapshotId: 'snap-1' }),
      new DeleteSnapshotCommand({ SnapshotId: 'snap-2' }),
    ] as const;
    const [stop, ...rest] = effects;
    aws.accepts(builds(DEV), stop);
    aws.accepts(DEV, ...rest);
    aws.on(DEV, users('ami-1'), { ImageReferences: [] });

    expect(await undo(DEV)).toEqual({ removed: 8, quarantined: [] });
    expect(aws.sent).toEqual([
      call(builds(DEV), listBuilds),
      call(builds(DEV), getBuilds('b:1')),
      call(builds(DEV), stop),
      ...[instances, keyPairs, volumes, groups].map((command) => call(DEV, command)),
      ...rest.slice(0, 4).map((command) => call(DEV, command)),
      call(DEV, imagesByTag),
      call(DEV, imagesByName),
      call(DEV, users('ami-1')),
      call(DEV, deregister('ami-1')),
      call(DEV, snapshots),
      ...rest.slice(5).map((command) => call(DEV, command)),
      ...looks(DEV),
      call(builds(DEV), getBuilds('b:1')),
    ]);
  });

  it('twice succeeds twice, and removes nothing the second time', async () => {
    accountHolds(DEV, { images: [candidate('ami-1')], snapshots: ['snap-1'] }, {});
    aws.on(DEV, users('ami-1'), { ImageReferences: [] });
    aws.accepts(DEV, deregister('ami-1'));
    aws.on(DEV, new DeleteSnapshotCommand({ SnapshotId: 'snap-1' }), awsError('InvalidSnapshot.NotFound'));
    expect(await undo(DEV)).toEqual({ removed: 1, quarantined: [] });
    aws.sent = [];
    expect(await undo(DEV)).toEqual({ removed: 0, quarantined: [] });
    expect(aws.sent).toEqual([...looks(DEV), ...looks(DEV)]);
  });

  it('takes what is gone already for success', async () => {
    accountHolds(DEV, { instances: { 'i-1': 'running' }, images: [candidate('ami-1')] }, {});
    aws.on(
      DEV,
      new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
      awsError('InvalidInstanceID.NotFound'),
    );
    aws.on(DEV, users('ami-1'), { ImageReferences: [] });
    aws.on(DEV, deregister('ami-1'), awsError('InvalidAMIID.Unavailable'));
    expect(await undo(DEV)).toEqual({ removed: 0, quarantined: [] });
  });

  it('finds AMIs on a second page, and those that carry only the name', async () => {
    accountHolds(DEV, {});
    aws.on(DEV, imagesByTag, { Images: [candidate('ami-1')], NextToken: 'more' }, { Images: [] });
    aws.on(DEV, imagesByTagSecondPage, { Images: [candidate('ami-2')] });
    aws.on(DEV, imagesByName, { Images: [candidate('ami-2'), candidate('ami-3')] }, { Images: [] });
    aws.on(DEV, users('ami-1', 'ami-2', 'ami-3'), { ImageReferences: [] });
    for (const id of ['ami-1', 'ami-2', 'ami-3']) aws.accepts(DEV, deregister(id));
    expect(await undo(DEV)).toEqual({ removed: 3, quarantined: [] });
  });

  it('leaves builds of other releases and other regions alone', async () => {
    const others = [
      build('b:1', 'IN_PROGRESS', PROD),
      build('b:2', 'IN_PROGRESS', DEV, 'web@1.3.20261121093000'),
    ];
    accountHolds(DEV, { builds: others });
    expect(await undo(DEV)).toEqual({ removed: 0, quarantined: [] });
    expect(aws.commands).not.toContain('StopBuild');
  });

  it('quarantines an AMI that something uses, with its snapshots, instead of deregistering it', async () => {
    const used = candidate('ami-1');
    accountHolds(
      DEV,
      { images: [used, candidate('ami-2')], snapshots: ['snap-1', 'snap-2'] },
      { images: [used], snapshots: ['snap-1'] },
    );
    const Arn = 'arn:aws:ec2:eu-west-1:111111111111:instance/i-1';
    aws.on(DEV, users('ami-1', 'ami-2'), { ImageReferences: [{ ImageId: 'ami-1', Arn }] });
    aws.accepts(DEV, deregister('ami-2'));
    aws.accepts(DEV, new DeleteSnapshotCommand({ SnapshotId: 'snap-2' }));
    const quarantine = new CreateTagsCommand({
      Resources: ['ami-1', 'snap-1'],
      Tags: [
        { Key: 'packleader:state', Value: 'quarantined' },
        { Key: 'packleader:quarantine', Value: `it is used by ${Arn}` },
      ],
    });
    aws.accepts(DEV, quarantine);
    const why = `it is used by ${Arn}`;
    expect(await undo(DEV)).toEqual({ removed: 2, quarantined: [{ ...DEV, resourceId: 'ami-1', why }] });
    expect(aws.sent).toContainEqual(call(DEV, quarantine));
  });

  it('does not quarantine twice', async () => {
    const used = candidate('ami-1', { 'packleader:state': 'quarantined' });
    accountHolds(DEV, { images: [used], snapshots: ['snap-1'] });
    aws.on(DEV, users('ami-1'), { ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn' }] });
    expect(await undo(DEV)).toMatchObject({ removed: 0, quarantined: [{ resourceId: 'ami-1' }] });
    expect(aws.commands).not.toContain('CreateTags');
  });

  it('fails with what it may not look up, and takes no AMI for unused', async () => {
    accountHolds(DEV, { images: [candidate('ami-1')] });
    aws.on(DEV, users('ami-1'), awsError('UnauthorizedOperation', 'not allowed'));
    expect(await leftoversOf(undo(DEV))).toEqual([
      { ...DEV, resourceId: RELEASE.releaseId, why: 'AccessDenied: UnauthorizedOperation: not allowed' },
    ]);
    expect(aws.commands).not.toContain('DeregisterImage');
  });

  it('fails with each resource that refused to go, and why, after everything else is gone', async () => {
    accountHolds(
      DEV,
      { groups: ['sg-1'], images: [candidate('ami-1')] },
      { groups: ['sg-1'], snapshots: ['snap-9'] },
    );
    aws.on(
      DEV,
      new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }),
      awsError('DependencyViolation', 'in use'),
    );
    aws.on(DEV, users('ami-1'), { ImageReferences: [] });
    aws.accepts(DEV, deregister('ami-1'));
    aws.accepts(DEV, new DeleteSnapshotCommand({ SnapshotId: 'snap-9' }));
    expect(await leftoversOf(undo(DEV))).toEqual([
      { ...DEV, resourceId: 'sg-1', why: 'DependencyViolation: in use' },
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
    aws.on(DEV, users('ami-1'), { ImageReferences: [] });
    aws.accepts(DEV, deregister('ami-1'));
    aws.on(builds(PROD), listBuilds, awsError('ThrottlingException', 'slow down'));
    expect(await leftoversOf(undo(PROD, DEV))).toEqual([
      { ...PROD, resourceId: RELEASE.releaseId, why: 'Throttled: ThrottlingException: slow down' },
    ]);
    expect(aws.sent).toContainEqual(call(DEV, deregister('ami-1')));
  });
});
