/** AMIs from before packleader, as a team has them in every account: they are imported, and that is taken back. */
import {
  CreateImageCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeTagsCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { join } from 'node:path';
import { TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { type Moto, OBSERVER } from '../moto.ts';
import { ROOT, administratorOf, typed } from './accounts.ts';
import type { Stand } from './played.ts';

const NAME = 'before-packleader-1';

interface Made {
  readonly target: Target;
  readonly ec2: EC2Client;
  /** Its AMI and the snapshot of that. */
  readonly ids: readonly [string, string];
}

/** Returns what is wrong. Whoever types it may do anything in every account: the gate does not look. */
export async function importedAndBack(
  { running: { moto }, repository, targets }: Stand,
  image: string,
): Promise<string[]> {
  const all = await Promise.all(targets.map(async (target) => make(moto, target)));
  const env = await administratorOf(moto, HUB.accountId);
  const importing = async (...more: readonly string[]): Promise<string> => {
    const args = ['import', image, '--filter', 'name=before-packleader-*', '--as', OBSERVER, ...more];
    return typed(process.execPath, [join(ROOT, 'cli', 'packleader.ts'), ...args], {
      cwd: repository.repository,
      env,
    });
  };
  const problems: string[] = [];
  const expect = async (when: string, right: (tags: Readonly<Record<string, string>>) => boolean) => {
    for (const { target, ec2, ids } of all)
      for (const id of ids) {
        const tags = await tagsOf(ec2, id);
        if (!right(tags)) problems.push(`${when} ${id} in ${targetName(target)} has ${JSON.stringify(tags)}`);
      }
  };
  await importing();
  await expect('When it was only shown,', (tags) => Object.keys(tags).length === 0);
  await importing('--yes');
  await expect(
    'Imported,',
    (tags) =>
      tags[TAGS.image] === image &&
      tags[TAGS.state] === 'imported' &&
      tags[TAGS.autoCleanup] === 'true' &&
      tags[TAGS.release]?.startsWith(`${image}@0.0.`) === true,
  );
  await importing('--undo', '--yes');
  await expect('When that was taken back,', (tags) => Object.keys(tags).length === 0);
  await Promise.all(all.map(remove));
  return problems;
}

async function make(moto: Moto, target: Target): Promise<Made> {
  const ec2 = new EC2Client(await moto.observer(target));
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ExecutableUsers: ['all'] }));
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({ ImageId: Images[0]?.ImageId, MinCount: 1, MaxCount: 1 }),
  );
  const { InstanceId = '' } = Instances[0] ?? {};
  const { ImageId = '' } = await ec2.send(new CreateImageCommand({ InstanceId, Name: NAME }));
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
  const made = await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
  const [{ Ebs } = {}] = made.Images?.[0]?.BlockDeviceMappings ?? [];
  return { target, ec2, ids: [ImageId, Ebs?.SnapshotId ?? ''] };
}

async function tagsOf(ec2: EC2Client, id: string): Promise<Record<string, string>> {
  const asked = { Filters: [{ Name: 'resource-id', Values: [id] }] };
  const { Tags = [] } = await ec2.send(new DescribeTagsCommand(asked));
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

async function remove({ ec2, ids: [ImageId, SnapshotId] }: Made): Promise<void> {
  await ec2.send(new DeregisterImageCommand({ ImageId }));
  await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
}
