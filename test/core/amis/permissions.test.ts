import {
  DescribeImageAttributeCommand,
  DescribeSnapshotAttributeCommand,
  type LaunchPermission,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { clientsFor } from '../../../core/aws/clients.ts';
import { grantPermissions, namesIn, takeBackPermissions } from '../../../core/amis/permissions.ts';
import { keys } from '../../../core/contract/keys.ts';
import type { PermissionNote } from '../../../core/contract/permissions.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { HUB, awsError, useAws } from '../../fixtures/aws/strict-aws.ts';

const aws = useAws();

const NOTE = { bucket: 'bucket', key: keys.permissions('base', '1.4.0', DEV) };
const AMI = { imageId: 'ami-1', snapshotIds: ['snap-1', 'snap-2'] };
const [ONE, OTHER, THEIRS] = ['333333333333', '444444444444', '555555555555'] as const;
const ORGANIZATION = { OrganizationArn: 'arn:aws:organizations::999999999999:organization/o-abcdefghij' };
const NOTHING = { launch: [], volumes: {} };

const launchers = new DescribeImageAttributeCommand({ ImageId: 'ami-1', Attribute: 'launchPermission' });
const copiers = (SnapshotId: string) =>
  new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' });
const launch = (how: 'Add' | 'Remove', ...some: LaunchPermission[]) =>
  new ModifyImageAttributeCommand({ ImageId: 'ami-1', LaunchPermission: { [how]: some } });
const volumes = (how: 'Add' | 'Remove', SnapshotId: string, ...accounts: string[]) =>
  new ModifySnapshotAttributeCommand({
    SnapshotId,
    CreateVolumePermission: { [how]: accounts.map((UserId) => ({ UserId })) },
  });
const written = (note: PermissionNote) =>
  new PutObjectCommand({
    Bucket: NOTE.bucket,
    Key: NOTE.key,
    Body: JSON.stringify(note, null, 2),
    ContentType: 'application/json',
  });

function noteIs(note?: PermissionNote): void {
  if (note) aws.holds(NOTE.bucket, NOTE.key, note);
  else aws.on(HUB, new ListObjectsV2Command({ Bucket: NOTE.bucket, Prefix: NOTE.key }), {});
}
const mayLaunch = (...answers: readonly (readonly LaunchPermission[])[]): void =>
  aws.on(
    DEV,
    launchers,
    ...answers.map((LaunchPermissions) => ({ LaunchPermissions: [...LaunchPermissions] })),
  );
const mayCopy = (id: string, ...answers: readonly (readonly string[])[]): void =>
  aws.on(
    DEV,
    copiers(id),
    ...answers.map((accounts) => ({ CreateVolumePermissions: accounts.map((UserId) => ({ UserId })) })),
  );
const user = (UserId: string) => ({ UserId });
const grant = async (wanted: { launch?: LaunchPermission[]; volumes?: string[] }) =>
  grantPermissions(clientsFor(DEV), NOTE, AMI, { launch: [], volumes: [], ...wanted });
const takeBack = async () => takeBackPermissions(clientsFor(DEV), NOTE);

describe('what a release gives', () => {
  it('is written down, with what was there, before any of it is given', async () => {
    noteIs();
    mayLaunch([user(THEIRS)], [user(THEIRS), user(ONE), ORGANIZATION]);
    mayCopy('snap-1', [], [ONE]);
    mayCopy('snap-2', [], [ONE]);
    aws.accepts(
      HUB,
      written({
        imageId: 'ami-1',
        before: { launch: [user(THEIRS)], volumes: { 'snap-1': [], 'snap-2': [] } },
        given: { launch: [user(ONE), ORGANIZATION], volumes: { 'snap-1': [ONE], 'snap-2': [ONE] } },
      }),
    );
    aws.accepts(
      DEV,
      volumes('Add', 'snap-1', ONE),
      volumes('Add', 'snap-2', ONE),
      launch('Add', user(ONE), ORGANIZATION),
    );
    await grant({ launch: [user(ONE), ORGANIZATION], volumes: [ONE] });
    expect(aws.commands).toEqual([
      'ListObjectsV2',
      'DescribeImageAttribute',
      'DescribeSnapshotAttribute',
      'DescribeSnapshotAttribute',
      'PutObject',
      'ModifySnapshotAttribute',
      'ModifySnapshotAttribute',
      'ModifyImageAttribute',
      'DescribeImageAttribute',
      'DescribeSnapshotAttribute',
      'DescribeSnapshotAttribute',
    ]);
  });

  it('is nothing that somebody has given already, so that it is never taken from them', async () => {
    noteIs();
    mayLaunch([user(ONE)]);
    aws.accepts(
      HUB,
      written({ imageId: 'ami-1', before: { launch: [user(ONE)], volumes: {} }, given: noVolumes([]) }),
    );
    await grant({ launch: [user(ONE)] });
    expect(aws.commands).not.toContain('ModifyImageAttribute');
  });

  it('is given once: who repeats it writes and changes nothing', async () => {
    noteIs({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE)]) });
    mayLaunch([user(ONE)]);
    await grant({ launch: [user(ONE)] });
    expect(aws.commands).toEqual(['ListObjectsV2', 'GetObject', 'DescribeImageAttribute']);
  });

  it('goes on being its own after an attempt that ended between two calls', async () => {
    noteIs({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE), user(OTHER)]) });
    mayLaunch([user(ONE)], [user(ONE), user(OTHER)]);
    aws.accepts(DEV, launch('Add', user(OTHER)));
    await grant({ launch: [user(ONE), user(OTHER)] });
    expect(aws.commands).not.toContain('PutObject');
  });

  it('grows by what is asked for later', async () => {
    noteIs({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE)]) });
    mayLaunch([user(ONE)], [user(ONE), user(OTHER)]);
    aws.accepts(
      HUB,
      written({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE), user(OTHER)]) }),
    );
    aws.accepts(DEV, launch('Add', user(OTHER)));
    await grant({ launch: [user(OTHER)] });
  });

  it('is changed by 500 in a call', async () => {
    const accounts = Array.from({ length: 1_000 }, (_, index) => String(100_000_000_000 + index));
    noteIs();
    mayLaunch([], accounts.map(user));
    aws.expects(HUB, ({ command }) => command === 'PutObject');
    aws.accepts(
      DEV,
      launch('Add', ...accounts.slice(0, 500).map(user)),
      launch('Add', ...accounts.slice(500).map(user)),
    );
    await grant({ launch: accounts.map(user) });
    expect(aws.commands).toHaveLength(6);
  });

  it('is first taken back of an AMI that it made before', async () => {
    const old = { imageId: 'ami-0', before: NOTHING, given: noVolumes([user(ONE)]) };
    noteIs(old);
    const of = new DescribeImageAttributeCommand({ ImageId: 'ami-0', Attribute: 'launchPermission' });
    aws.on(DEV, of, { LaunchPermissions: [] });
    aws.accepts(
      DEV,
      new ModifyImageAttributeCommand({ ImageId: 'ami-0', LaunchPermission: { Remove: [user(ONE)] } }),
      launch('Add', user(ONE)),
    );
    mayLaunch([], [user(ONE)]);
    aws.accepts(
      HUB,
      written({ ...old, given: NOTHING }),
      written({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE)]) }),
    );
    await grant({ launch: [user(ONE)] });
  });

  it('fails with NotReadyYet until EC2 shows it', async () => {
    noteIs({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE)]) });
    mayLaunch([]);
    aws.accepts(DEV, launch('Add', user(ONE)));
    await expect(grant({ launch: [user(ONE)] })).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: 'EC2 shows ami-1 as not shared with 333333333333',
    });
  });

  it.each(['UnauthorizedOperation', 'InvalidAMIAttributeItemValue'])(
    'fails when EC2 refuses it with %s, and is still written down: whoever takes it back looks for it',
    async (code) => {
      noteIs();
      mayLaunch([]);
      aws.expects(HUB, ({ command }) => command === 'PutObject');
      aws.on(DEV, launch('Add', user(ONE)), awsError(code));
      await expect(grant({ launch: [user(ONE)] })).rejects.toMatchObject({ name: code });
      expect(aws.commands).toContain('PutObject');
    },
  );
});

describe('taking it back', () => {
  const given = { launch: [user(ONE), ORGANIZATION], volumes: { 'snap-1': [ONE], 'snap-2': [] } };
  const note = { imageId: 'ami-1', before: { launch: [user(THEIRS)], volumes: {} }, given };

  it('takes exactly what was given, the volumes last, whatever EC2 shows before, and says so in the end', async () => {
    noteIs(note);
    mayLaunch([user(THEIRS), user(OTHER)]);
    mayCopy('snap-1', [OTHER]);
    aws.accepts(DEV, launch('Remove', user(ONE), ORGANIZATION), volumes('Remove', 'snap-1', ONE));
    aws.accepts(HUB, written({ ...note, given: NOTHING }));
    await takeBack();
    expect(aws.commands).toEqual([
      'ListObjectsV2',
      'GetObject',
      'ModifyImageAttribute',
      'ModifySnapshotAttribute',
      'DescribeImageAttribute',
      'DescribeSnapshotAttribute',
      'PutObject',
    ]);
  });

  it('does nothing where nothing was ever given', async () => {
    noteIs();
    await takeBack();
    expect(aws.commands).toEqual(['ListObjectsV2']);
  });

  it('does nothing the second time', async () => {
    noteIs({ ...note, given: NOTHING });
    await takeBack();
    expect(aws.commands).toEqual(['ListObjectsV2', 'GetObject']);
  });

  it.each(['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable'])(
    'of an AMI that is gone (%s), and of snapshots that are, only says that nothing is left',
    async (code) => {
      noteIs(note);
      aws.on(DEV, launch('Remove', user(ONE), ORGANIZATION), awsError(code));
      aws.on(DEV, launchers, awsError(code));
      aws.on(DEV, volumes('Remove', 'snap-1', ONE), awsError('InvalidSnapshot.NotFound'));
      aws.on(DEV, copiers('snap-1'), awsError('InvalidSnapshot.NotFound'));
      aws.accepts(HUB, written({ ...note, given: NOTHING }));
      await takeBack();
    },
  );

  it('takes snapshots back that outlive their AMI', async () => {
    noteIs(note);
    aws.on(DEV, launch('Remove', user(ONE), ORGANIZATION), awsError('InvalidAMIID.Unavailable'));
    aws.on(DEV, launchers, awsError('InvalidAMIID.Unavailable'));
    mayCopy('snap-1', []);
    aws.accepts(DEV, volumes('Remove', 'snap-1', ONE));
    aws.accepts(HUB, written({ ...note, given: NOTHING }));
    await takeBack();
  });

  it('fails with NotReadyYet while EC2 still shows it, and does not say that it is done', async () => {
    noteIs(note);
    mayLaunch([user(ONE)]);
    mayCopy('snap-1', []);
    aws.accepts(DEV, launch('Remove', user(ONE), ORGANIZATION), volumes('Remove', 'snap-1', ONE));
    await expect(takeBack()).rejects.toMatchObject({ name: 'NotReadyYet' });
    expect(aws.commands).not.toContain('PutObject');
  });

  it('fails when a look is refused: unknown is not taken for taken back', async () => {
    noteIs(note);
    aws.accepts(DEV, launch('Remove', user(ONE), ORGANIZATION), volumes('Remove', 'snap-1', ONE));
    aws.on(DEV, launchers, awsError('UnauthorizedOperation'));
    aws.expects(DEV, ({ command }) => command === 'DescribeSnapshotAttribute');
    await expect(takeBack()).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });
});

describe('a refusal to take it back', () => {
  it('is none that its AMI is gone, and fails the undo', async () => {
    noteIs({ imageId: 'ami-1', before: NOTHING, given: noVolumes([user(ONE)]) });
    aws.on(DEV, launch('Remove', user(ONE)), awsError('UnauthorizedOperation'));
    await expect(takeBack()).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });
});

describe('permissions', () => {
  it('are named once each', () => {
    expect(namesIn({ launch: [user(ONE), ORGANIZATION], volumes: { 'snap-1': [ONE, OTHER] } })).toEqual([
      ONE,
      ORGANIZATION.OrganizationArn,
      OTHER,
    ]);
  });
});

function noVolumes(some: LaunchPermission[]) {
  return { launch: some as PermissionNote['given']['launch'], volumes: { 'snap-1': [], 'snap-2': [] } };
}
