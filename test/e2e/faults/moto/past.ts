/** The accounts as they are before a scenario begins. */
import {
  CreateImageCommand,
  DescribeImagesCommand,
  RunInstancesCommand,
  type TagSpecification,
} from '@aws-sdk/client-ec2';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { parameters } from '../../../../core/contract/names.ts';
import { STATES, TAGS } from '../../../../core/contract/tags.ts';
import { type Baseline, EARLIER, IMAGE, type Past } from '../../../faults/player/baseline.ts';
import type { Moto } from '../../moto.ts';
import type { MotoWorld } from './moto-world.ts';
import type { Observer } from './observed.ts';

/** The bucket with what was planned; moto must be empty. */
export async function fillBucket(moto: Moto, { bucket, objects }: Baseline): Promise<void> {
  await moto.addBucket(bucket);
  const s3 = new S3Client({ endpoint: moto.endpoint });
  for (const [Key, { body, metadata }] of objects)
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body, Metadata: metadata }));
}

/** Everywhere an instance that is not ours, with a disk; and the AMI that was made of it, as `past` has it. */
export async function addPast({ observers }: MotoWorld, past: Past): Promise<void> {
  await Promise.all(observers.map(async (observer) => addPastTo(observer, past)));
}

async function addPastTo({ ec2, ssm }: Observer, past: Past): Promise<void> {
  const { Images: [publicAmi] = [] } = await ec2.send(
    new DescribeImagesCommand({ Filters: [{ Name: 'name', Values: ['al2023-ami-kernel-6.1-x86_64'] }] }),
  );
  const { Instances: [instance] = [] } = await ec2.send(
    new RunInstancesCommand({
      ImageId: publicAmi?.ImageId,
      InstanceType: 'm7i.large',
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: tagged({ Team: 'billing' }, 'instance', 'volume'),
    }),
  );
  if (past === 'first release') return;
  const ours = past === 'released before';
  const tags = {
    [TAGS.release]: `${IMAGE}@${EARLIER}`,
    [TAGS.state]: STATES.released,
    [TAGS.version]: EARLIER,
    [TAGS.versionOnceReleased]: EARLIER,
  };
  const { ImageId = '' } = await ec2.send(
    new CreateImageCommand({
      InstanceId: instance?.InstanceId,
      Name: ours ? `${IMAGE}-${EARLIER}-g0000000` : 'made-by-hand-7',
      TagSpecifications: tagged(ours ? tags : { Team: 'platform' }, 'image', 'snapshot'),
    }),
  );
  if (ours) await put(ssm, parameters.version(IMAGE, EARLIER), ImageId);
  await put(ssm, parameters.latest(IMAGE), ImageId);
}

const tagged = (
  tags: Readonly<Record<string, string>>,
  ...types: NonNullable<TagSpecification['ResourceType']>[]
): TagSpecification[] =>
  types.map((ResourceType) => ({
    ResourceType,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  }));

async function put(ssm: SSMClient, Name: string, Value: string): Promise<void> {
  await ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', DataType: 'aws:ec2:image' }));
}
