import { BatchGetBuildsCommand, StopBuildCommand } from '@aws-sdk/client-codebuild';
import type { Build } from '@aws-sdk/client-codebuild';
import { expect, test } from 'vitest';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { snapshotOf, type WorldSnapshot } from '../../../sandbox/aws/world.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { BUILDER } from '../../../core/contract/environments.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';
import { bound, clientsOf, publicImage, RELEASE_TAGS, startBake } from '../fixture.ts';

const MINUTE = 60_000;

async function ended(sandbox: Sandbox, target: typeof DEV, id: string): Promise<Build> {
  const { codebuild } = await clientsOf(target, NAMES.orchestratorRole);
  for (;;) {
    const { builds } = await codebuild.send(new BatchGetBuildsCommand({ ids: [id] }));
    const build = builds?.at(0);
    if (build?.buildComplete === true) return build;
    await sandbox.clock.sleep(MINUTE);
  }
}

function at(sandbox: Sandbox, { accountId, region }: typeof DEV): WorldSnapshot | undefined {
  return snapshotOf(sandbox.world)[`${accountId}/${region}`];
}

test('a bake leaves one AMI with its snapshot, both tagged with the source AMI, and nothing else', async () => {
  const sandbox = bound();
  const before = at(sandbox, PROD);
  const build = await ended(sandbox, PROD, await startBake(sandbox, PROD));
  expect(build.buildStatus).toBe('SUCCEEDED');
  const sourceAmi = publicImage(sandbox, PROD.region, 'al2023-*-kernel-6.1-x86_64');
  const after = at(sandbox, PROD);
  const image = after?.images.find(({ name }) => name === 'web-1.4.0');
  expect(image).toMatchObject({
    state: 'available',
    tags: { ...RELEASE_TAGS, 'packleader:source-ami': sourceAmi },
    launchPermissions: [],
  });
  expect(build.exportedEnvironmentVariables).toContainEqual({ name: 'AMI_ID', value: image?.imageId });
  expect(image?.snapshotIds).toHaveLength(1);
  expect(after?.snapshots.find(({ snapshotId }) => snapshotId === image?.snapshotIds[0])?.tags).toEqual(
    image?.tags,
  );
  await sandbox.clock.sleep(MINUTE);
  const { images: _images, snapshots: _snapshots, ...others } = after ?? {};
  expect(before).toMatchObject(others);
});

async function minutesOf(pattern: string): Promise<number> {
  const sandbox = bound();
  const from = sandbox.clock.milliseconds();
  const build = await ended(
    sandbox,
    DEV,
    await startBake(sandbox, DEV, { sourceAmi: publicImage(sandbox, DEV.region, pattern) }),
  );
  return ((build.endTime?.getTime() ?? 0) - from) / MINUTE;
}

test('a bake takes some virtual minutes, and a Windows one more', async () => {
  const linux = await minutesOf('al2023-*-kernel-6.1-x86_64');
  expect(linux).toBeGreaterThan(6);
  expect(linux).toBeLessThan(20);
  expect(await minutesOf('Windows_Server-2022-English-Full-Base-*')).toBeGreaterThan(linux + 1);
});

test('a second volume gives a second snapshot', async () => {
  const sandbox = bound();
  sandbox.builds.volumes = () => 2;
  await ended(sandbox, DEV, await startBake(sandbox, DEV));
  expect(at(sandbox, DEV)?.images.find(({ name }) => name === 'web-1.4.0')?.snapshotIds).toHaveLength(2);
});

test('fails when the source has other bytes than the plan says', async () => {
  const sandbox = bound();
  const build = await ended(sandbox, DEV, await startBake(sandbox, DEV, { sha256: '0'.repeat(64) }));
  expect(build.buildStatus).toBe('FAILED');
  expect(build.phases?.map(({ contexts }) => contexts?.at(0)?.message).join()).toContain('SHA-256');
});

test.each(['key-pair', 'instance', 'provision', 'create-image', 'tags'] as const)(
  'fails at %s, and Packer cleans up after itself',
  async (step) => {
    const sandbox = bound();
    const before = snapshotOf(sandbox.world);
    sandbox.builds.fail = () => ({ at: step, message: 'broken' });
    const build = await ended(sandbox, DEV, await startBake(sandbox, DEV));
    expect(build.buildStatus).toBe('FAILED');
    await sandbox.clock.sleep(MINUTE);
    expect(snapshotOf(sandbox.world)).toEqual(before);
  },
);

const NO_ROOM =
  'Error launching source instance: InsufficientInstanceCapacity: We currently do not have sufficient capacity';

test('a bake without room for its builder takes the next type, then the next subnet, then tries again', async () => {
  const sandbox = bound();
  sandbox.builds.minutes = () => 1;
  const choices = { instanceTypes: ['m7i.large', 'm7a.large'], subnetIds: ['subnet-1', 'subnet-2'] };
  sandbox.builds.fail = (_, run) => (run < 6 ? { at: 'instance', message: NO_ROOM } : undefined);
  const build = await ended(
    sandbox,
    DEV,
    await startBake(sandbox, DEV, { variables: { timeout_minutes: 60 }, choices }),
  );
  expect(build.buildStatus).toBe('SUCCEEDED');
  expect(build.exportedEnvironmentVariables).toContainEqual({ name: BUILDER, value: 'm7a.large' });
  await sandbox.clock.sleep(MINUTE);
  expect(at(sandbox, DEV)?.images.filter(({ name }) => name === 'web-1.4.0')).toHaveLength(1);
});

test('a bake on spot asks a fleet, stops nothing, and leaves neither builder nor launch template', async () => {
  const sandbox = bound();
  const choices = { instanceTypes: ['m7i.large'], subnetIds: ['subnet-1'], spot: true };
  const build = await ended(sandbox, DEV, await startBake(sandbox, DEV, { choices }));
  expect(build.buildStatus).toBe('SUCCEEDED');
  expect(build.exportedEnvironmentVariables).toContainEqual({ name: BUILDER, value: 'm7i.large spot' });
  const asked = sandbox.calls.map(({ operation }) => operation);
  expect(asked).toEqual(
    expect.arrayContaining(['CreateLaunchTemplate', 'CreateFleet', 'DeleteLaunchTemplate']),
  );
  for (const other of ['RunInstances', 'StopInstances']) expect(asked).not.toContain(other);
  await sandbox.clock.sleep(MINUTE);
  const { launchTemplates, instances } = sandbox.world.region(DEV.accountId, DEV.region);
  const isOurs = ({ tags }: { tags: ReadonlyMap<string, string> }) => tags.has('packleader:release');
  expect([...launchTemplates.values()].filter(isOurs)).toEqual([]);
  expect([...instances.values()].filter(isOurs)).toMatchObject([{ lifecycle: 'spot', asked: 'terminate' }]);
});

test('a bake without a Spot Instance is on demand', async () => {
  const sandbox = bound();
  const choices = { instanceTypes: ['m7i.large'], subnetIds: ['subnet-1'], spot: true };
  sandbox.builds.fail = (_, run) => (run === 1 ? { at: 'instance', message: NO_ROOM } : undefined);
  const build = await ended(sandbox, DEV, await startBake(sandbox, DEV, { choices }));
  expect(build.exportedEnvironmentVariables).toContainEqual({ name: BUILDER, value: 'm7i.large' });
  expect(sandbox.calls.map(({ operation }) => operation)).toContain('RunInstances');
});

test('fails when there is no room for half of the time that it may take, and leaves nothing', async () => {
  const sandbox = bound();
  const before = snapshotOf(sandbox.world);
  const from = sandbox.clock.milliseconds();
  sandbox.builds.fail = () => ({ at: 'instance', message: NO_ROOM });
  const id = await startBake(sandbox, DEV, { variables: { timeout_minutes: 60 } });
  const build = await ended(sandbox, DEV, id);
  expect(build.buildStatus).toBe('FAILED');
  expect((build.endTime?.getTime() ?? 0) - from).toBeGreaterThan(20 * MINUTE);
  expect((build.endTime?.getTime() ?? 0) - from).toBeLessThan(31 * MINUTE);
  expect(snapshotOf(sandbox.world)).toEqual(before);
});

test('a failure while the AMI is pending leaves the AMI, as Packer does', async () => {
  const sandbox = bound();
  sandbox.builds.fail = () => ({ at: 'wait-for-image', message: 'broken' });
  await ended(sandbox, DEV, await startBake(sandbox, DEV));
  expect(at(sandbox, DEV)?.images.find(({ name }) => name === 'web-1.4.0')?.tags).toMatchObject(RELEASE_TAGS);
});

test('a stopped build cleans nothing up, and its pending AMI becomes available', async () => {
  const sandbox = bound();
  const id = await startBake(sandbox, DEV);
  while (at(sandbox, DEV)?.images.length === 1) await sandbox.clock.sleep(10_000);
  const { codebuild } = await clientsOf(DEV, NAMES.orchestratorRole);
  await codebuild.send(new StopBuildCommand({ id }));
  expect((await ended(sandbox, DEV, id)).buildStatus).toBe('STOPPED');
  await sandbox.clock.sleep(10 * MINUTE);
  const left = at(sandbox, DEV);
  expect(left?.images.find(({ name }) => name === 'web-1.4.0')).toMatchObject({
    state: 'available',
    tags: RELEASE_TAGS,
  });
  expect(left?.instances.map(({ tags }) => tags)).toContainEqual(expect.objectContaining(RELEASE_TAGS));
  expect(left?.keyPairs).toMatchObject([{ tags: RELEASE_TAGS }]);
  expect(left?.securityGroups).toHaveLength(2);
});

test('a build whose time is up is TIMED_OUT and cleans nothing up', async () => {
  const sandbox = bound();
  const build = await ended(sandbox, DEV, await startBake(sandbox, DEV, { timeoutMinutes: 5 }));
  expect(build.buildStatus).toBe('TIMED_OUT');
  expect(at(sandbox, DEV)?.keyPairs).toHaveLength(1);
});

async function bakeBoth(): Promise<unknown> {
  const sandbox = bound();
  const ids = await Promise.all([DEV, PROD].map(async (target) => startBake(sandbox, target)));
  await Promise.all(ids.map(async (id, index) => ended(sandbox, index === 0 ? DEV : PROD, id)));
  return [snapshotOf(sandbox.world), sandbox.clock.now(), sandbox.calls.length];
}

test('the same bakes give the same world', async () => {
  expect(await bakeBoth()).toEqual(await bakeBoth());
});

test('fails when the builder has another architecture than the source AMI', async () => {
  const sandbox = bound();
  const sourceAmi = publicImage(sandbox, DEV.region, 'al2023-*-kernel-6.1-arm64');
  const id = await startBake(sandbox, DEV, { sourceAmi, variables: { instance_type: 'm7i.large' } });
  const build = await ended(sandbox, DEV, id);
  expect(build.phases?.map(({ contexts }) => contexts?.at(0)?.message).join()).toContain(
    'matching architectures',
  );
});

test('a bake with security groups of the account makes none, and its root volume has the size asked for', async () => {
  const sandbox = bound();
  const variables = { root_volume_size_gib: 20, security_group_ids: ['sg-0d0e0f0000000001b'] };
  await ended(sandbox, DEV, await startBake(sandbox, DEV, { variables }));
  expect(sandbox.calls.map(({ operation }) => operation)).not.toContain('CreateSecurityGroup');
  const { images } = sandbox.world.region(DEV.accountId, DEV.region);
  const image = [...images.values()].find(({ name }) => name === 'web-1.4.0');
  expect(image).toMatchObject({
    imdsSupport: 'v2.0',
    blockDevices: [{ volumeSizeGiB: 20, encrypted: true }],
  });
});
