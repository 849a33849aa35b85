/** What copies of AMIs take besides what is deployed, and whether they are what they should be. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeImageAttributeCommand,
  DescribeImagesCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  type Image,
} from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { DEV } from '../../fixtures/accounts.ts';
import type { Moto } from '../moto.ts';
import { ROOT } from './accounts.ts';
import type { Stand, Transaction } from './played.ts';

/** The policy of a key under which an account bakes what others copy: that account may leave it to IAM, and the others as docs/copying.md says. */
export function policyOfCopiedKey(accountId: string): string {
  const page = readFileSync(join(ROOT, 'docs', 'copying.md'), 'utf8');
  const [, stated = ''] = /```json\n([^]*?)\n```/.exec(page) ?? [];
  const others = z
    .array(z.looseObject({ Sid: z.string() }))
    .min(1)
    .parse(JSON.parse(stated));
  const own = {
    Sid: 'LeaveItToIam',
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${accountId}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [own, ...others] });
}

async function imagesIn(moto: Moto, target: Target, release: string): Promise<Image[]> {
  const Filters = [{ Name: `tag:${TAGS.release}`, Values: [release] }];
  const ec2 = await moto.ec2(target);
  return (await ec2.send(new DescribeImagesCommand({ Owners: ['self'], Filters }))).Images ?? [];
}

const snapshotsOf = ({ BlockDeviceMappings = [] }: Image): string[] =>
  BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);

/** Whatever stands elsewhere than in dev is a copy of what dev baked, under a key of its own account and region. */
export async function areCopies({ running, targets }: Stand, { releaseId }: Transaction): Promise<string[]> {
  const { moto } = running;
  const [source] = await imagesIn(moto, DEV, releaseId);
  const others = targets.filter((target) => targetName(target) !== targetName(DEV));
  const looked = others.map(async (target) => {
    const images = await imagesIn(moto, target, releaseId);
    const ec2 = await moto.ec2(target);
    const { Snapshots = [] } = await ec2.send(
      new DescribeSnapshotsCommand({ SnapshotIds: images.flatMap(snapshotsOf) }),
    );
    const ownKey = `arn:aws:kms:${target.region}:${target.accountId}:key/`;
    return [
      ...(images.length === 1 ? [] : [`${targetName(target)} has ${images.length} AMIs of ${releaseId}.`]),
      ...images.flatMap(({ ImageId, SourceImageId, SourceImageRegion }) =>
        source && SourceImageId === source.ImageId && SourceImageRegion === DEV.region
          ? []
          : [`${ImageId} is of ${SourceImageId} in ${SourceImageRegion}, and not of ${source?.ImageId}.`],
      ),
      ...Snapshots.flatMap(({ SnapshotId, Encrypted, KmsKeyId }) =>
        Encrypted === true && KmsKeyId?.startsWith(ownKey)
          ? []
          : [`${SnapshotId} is encrypted: ${Encrypted}, with ${KmsKeyId}.`],
      ),
    ];
  });
  return (await Promise.all(looked)).flat();
}

/** No account was left a permission on what dev baked, or on its snapshots. */
export async function nobodyElseMayCopy({ running }: Stand, { releaseId }: Transaction): Promise<string[]> {
  const ec2 = await running.moto.ec2(DEV);
  const looked = (await imagesIn(running.moto, DEV, releaseId)).map(async (image) => {
    const { ImageId } = image;
    const { LaunchPermissions = [] } = await ec2.send(
      new DescribeImageAttributeCommand({ ImageId, Attribute: 'launchPermission' }),
    );
    const volumes = snapshotsOf(image).map(async (SnapshotId) => {
      const { CreateVolumePermissions = [] } = await ec2.send(
        new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' }),
      );
      return CreateVolumePermissions;
    });
    const left = [...LaunchPermissions, ...(await Promise.all(volumes)).flat()];
    return left.map((one) => `${ImageId} is still shared: ${JSON.stringify(one)}`);
  });
  return (await Promise.all(looked)).flat();
}
