import {
  CopyImageCommand,
  type CopyImageCommandInput,
  DeregisterImageCommand,
  DescribeImagesCommand,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { keyArn } from '../../../sandbox/aws/ec2/permissions.ts';
import { addImage } from '../../../sandbox/rehearsal/own-things.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';
import { bound, ownerOf } from '../fixture.ts';

/** An AMI in DEV that PROD, in another region, may copy. */
async function shared() {
  const sandbox = bound();
  const { world, clock } = sandbox;
  const id = addImage(world, DEV, { name: 'to be copied', tags: new Map(), createdAt: 0 });
  const image = world.region(DEV.accountId, DEV.region).images.get(id);
  const owner = ownerOf(sandbox, DEV);
  const user = { UserId: PROD.accountId };
  for (const { snapshotId: SnapshotId } of image?.blockDevices ?? [])
    await owner.send(
      new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission: { Add: [user] } }),
    );
  await owner.send(new ModifyImageAttributeCommand({ ImageId: id, LaunchPermission: { Add: [user] } }));
  const copy = (input: Partial<CopyImageCommandInput> = {}) =>
    new CopyImageCommand({ SourceImageId: id, SourceRegion: DEV.region, Name: 'a copy', ...input });
  return { world, clock, id, image, owner, other: ownerOf(sandbox, PROD), copy };
}

describe('a copy', () => {
  test('says what it is of, and where that is', async () => {
    const { id, other, copy } = await shared();
    const { ImageId = '' } = await other.send(copy());
    const { Images } = await other.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
    expect(Images).toMatchObject([
      { OwnerId: PROD.accountId, State: 'pending', SourceImageId: id, SourceImageRegion: DEV.region },
    ]);
  });

  test('is asked for once by a client token, also when it is gone, and never twice by one', async () => {
    const { other, copy } = await shared();
    const { ImageId = '' } = await other.send(copy({ ClientToken: 'one' }));
    expect(await other.send(copy({ ClientToken: 'one' }))).toMatchObject({ ImageId });
    await other.send(new DeregisterImageCommand({ ImageId }));
    expect(await other.send(copy({ ClientToken: 'one' }))).toMatchObject({ ImageId });
    await expect(other.send(copy({ ClientToken: 'one', Name: 'another' }))).rejects.toMatchObject({
      name: 'IdempotentParameterMismatch',
    });
  });

  test('fails with a client token that is too long', async () => {
    const { other, copy } = await shared();
    await expect(other.send(copy({ ClientToken: 'x'.repeat(65) }))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
    expect((await other.send(copy({ ClientToken: 'x'.repeat(64) }))).ImageId).toMatch(/^ami-/);
  });

  test('fails of a product of AWS Marketplace, but for its owner', async () => {
    const { world, id, image, owner, other, copy } = await shared();
    if (!image) throw new Error('it was just added');
    const listed = { ...image, productCode: '0123456789' };
    world.region(DEV.accountId, DEV.region).images.set(id, listed);
    world.shared.get(DEV.region)?.set(id, listed);
    await expect(other.send(copy())).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'Images from AWS Marketplace cannot be copied to another AWS account.',
    });
    expect((await owner.send(copy())).ImageId).toMatch(/^ami-/);
  });

  test('fails of what is disabled, or not there yet', async () => {
    const { image, owner, clock, copy } = await shared();
    if (!image) throw new Error('it was just added');
    image.disabled = true;
    await expect(owner.send(copy())).rejects.toMatchObject({ name: 'InvalidAMIID.Unavailable' });
    image.disabled = false;
    image.availableAt = clock.milliseconds() + 1;
    await expect(owner.send(copy())).rejects.toMatchObject({ name: 'InvalidAMIID.Unavailable' });
  });

  test('fails when it names a key, and does not ask to be encrypted', async () => {
    const { other, copy } = await shared();
    await expect(other.send(copy({ KmsKeyId: 'alias/own' }))).rejects.toMatchObject({
      name: 'InvalidParameterDependency',
    });
  });

  test('waits for nobody: the twenty-first snapshot that is copied into a region is refused, until others are done', async () => {
    const { other, clock, copy } = await shared();
    for (let count = 1; count <= 20; count += 1) await other.send(copy({ Name: `copy ${count}` }));
    await expect(other.send(copy({ Name: 'copy 21' }))).rejects.toMatchObject({
      name: 'ResourceLimitExceeded',
    });
    await clock.sleep(86_400_000);
    expect((await other.send(copy({ Name: 'copy 21' }))).ImageId).toMatch(/^ami-/);
  });

  test('under a key that admits nobody else comes to be, and fails', async () => {
    const { world, image, owner, other, copy } = await shared();
    const place = world.region(DEV.accountId, DEV.region);
    const kmsKeyId = keyArn(place, 'alias/own');
    for (const { snapshotId } of image?.blockDevices ?? []) {
      const snapshot = place.snapshots.get(snapshotId);
      if (snapshot) place.snapshots.set(snapshotId, { ...snapshot, encrypted: true, kmsKeyId });
    }
    world.closedKeys.add(kmsKeyId);
    const asked = { Encrypted: true, KmsKeyId: 'alias/theirs' };
    const { ImageId = '' } = await other.send(copy(asked));
    const { Images } = await other.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
    expect(Images?.[0]?.State).toBe('failed');
    expect(Images?.[0]?.StateReason?.Message).toContain('Given key ID is not accessible');
    expect((await owner.send(copy(asked))).ImageId).toMatch(/^ami-/);
  });
});
