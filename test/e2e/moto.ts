/** moto as an AWS of several accounts, each with a network of its own. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  type Tag,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SSMClient, paginateGetParametersByPath } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { type WorldSnapshot, compare } from '../../sandbox/aws/world.ts';
import { NAMES } from '../../core/contract/names.ts';
import { roleArn } from '../../core/contract/names.ts';
import type { Target } from '../../core/contract/targets.ts';
import { atEnd, killGroup } from './at-end.ts';
import { freePort } from '../fixtures/ports.ts';

/** A role that the stacks deploy, and what its trust policy asks for. */
export interface DeployedRole {
  readonly accountId: string;
  readonly name: string;
  readonly externalId: string | null;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Where a target's builders live. */
export interface Network {
  readonly vpcId: string;
  readonly subnetId: string;
}

/** Only the suite itself takes it on: what it does is not what packleader may do. */
export const OBSERVER = 'observer';

const SOURCES = [
  {
    parameter: '/aws/service/debian/release/13/latest/amd64',
    amiId: 'ami-0deb1a0000000013',
    owner: '136693071363',
    name: 'debian-13-amd64',
  },
  {
    parameter: '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64',
    amiId: 'ami-0a12023000000061',
    owner: '137112412989',
    name: 'al2023-ami-kernel-6.1-x86_64',
  },
];

export interface MotoOptions {
  readonly python: string;
  readonly directory: string;
  readonly hub: Target;
  readonly accounts: readonly string[];
  readonly roles: readonly DeployedRole[];
  /** Made at once; none where the stacks make it. */
  readonly bucket?: string;
  /** More that moto lacks: programs in Python, besides moto_server.py. */
  readonly additions?: readonly string[];
  /** How long a launch takes; a second by default, for the sake of real Packer. */
  readonly launchSeconds?: number;
  /** How long it may take until it answers; half a minute by default. */
  readonly patienceSeconds?: number;
}

export class Moto {
  readonly endpoint: string;
  readonly #hub: Target;

  private constructor(endpoint: string, hub: Target) {
    this.endpoint = endpoint;
    this.#hub = hub;
  }

  /** One that runs. */
  static at(endpoint: string, hub: Target): Moto {
    return new Moto(endpoint, hub);
  }

  /** Starts it empty but for what others own, and points the SDK's clients of this process at it. */
  static async start(options: MotoOptions): Promise<Moto> {
    const { python, directory, hub, accounts, roles, bucket, additions = [], launchSeconds = 1 } = options;
    const { patienceSeconds = 30 } = options;
    const port = await freePort();
    const seed = join(directory, 'seed.json');
    const observers = [hub.accountId, ...accounts].map((accountId) => ({
      accountId,
      name: OBSERVER,
      externalId: null,
    }));
    const twoWeeksAgo = new Date(Date.now() - 14 * 86_400_000).toISOString();
    await writeFile(
      seed,
      JSON.stringify({
        amis: SOURCES.map(({ amiId, owner, name }) => ({
          ami_id: amiId,
          owner_id: owner,
          name,
          description: name,
          public: true,
          architecture: 'x86_64',
          creation_date: twoWeeksAgo,
          image_location: `${owner}/${name}`,
          root_device_name: '/dev/xvda',
          root_device_type: 'ebs',
          virtualization_type: 'hvm',
          hypervisor: 'xen',
        })),
        parameters: Object.fromEntries(SOURCES.map(({ parameter, amiId }) => [parameter, amiId])),
        hub: hub.accountId,
        launchSeconds,
        instanceProfiles:
          bucket === undefined ? [] : accounts.map((accountId) => ({ accountId, name: NAMES.builder })),
        roles: [...roles, ...observers].map(({ accountId, name, externalId }) => ({
          arn: roleArn(accountId, name),
          externalId,
        })),
      }),
    );
    const log = createWriteStream(join(directory, 'moto.log'));
    const program = [join(import.meta.dirname, 'moto_server.py'), String(port), seed, ...additions];
    const server = spawn(python, program, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PYTHONUNBUFFERED: '1' },
    });
    atEnd(() => killGroup(server.pid));
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    const endpoint = `http://127.0.0.1:${port}`;
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: hub.region,
      AWS_ACCESS_KEY_ID: 'AKIAHUB',
      AWS_SECRET_ACCESS_KEY: 'hub',
    });
    await answers(endpoint, () => server.exitCode !== null, {
      log: join(directory, 'moto.log'),
      patienceSeconds,
    });
    const moto = Moto.at(endpoint, hub);
    if (bucket !== undefined) await moto.addBucket(bucket);
    return moto;
  }

  async addBucket(bucket: string): Promise<void> {
    await new S3Client({ endpoint: this.endpoint }).send(
      new CreateBucketCommand({
        Bucket: bucket,
        CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
      }),
    );
  }

  /** Forgets everything but what others own. */
  async reset(): Promise<void> {
    const { status } = await fetch(`${this.endpoint}/moto-api/reset`, { method: 'POST' });
    if (status !== 200) throw new Error(`moto could not be reset: it answered ${status}.`);
  }

  /** A session of a role, as the service that runs with it would get. */
  async assume(accountId: string, role: string): Promise<Credentials> {
    const sts = new STSClient({ region: this.#hub.region, endpoint: this.endpoint });
    const { Credentials: found } = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn(accountId, role), RoleSessionName: role.slice(0, 64) }),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = found ?? {};
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  }

  /** The account behind the credentials that signed a request. */
  async accountOf(authorization: string): Promise<string> {
    const accessKeyId = /Credential=(\w+)/.exec(authorization)?.[1] ?? '';
    // moto reads no signature, but which service it was made for.
    const scope = `Credential=${accessKeyId}/20260101/${this.#hub.region}/sts/aws4_request`;
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    });
    const account = /<Account>(\d{12})<\/Account>/.exec(await response.text())?.[1];
    if (account === undefined) throw new Error('moto does not know who called.');
    return account;
  }

  /** What makes a client of the suite itself, which may do anything in a target. */
  async observer({ accountId, region }: Target) {
    return { region, endpoint: this.endpoint, credentials: await this.assume(accountId, OBSERVER) };
  }

  async ec2(target: Target): Promise<EC2Client> {
    return new EC2Client(await this.observer(target));
  }

  /** A network that no other target has, from the range that is set aside for benchmarks and routed nowhere. */
  async addNetwork(target: Target, number: number): Promise<Network> {
    const ec2 = await this.ec2(target);
    const cidr = `198.18.${number}.0/24`;
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: cidr }));
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: cidr }));
    return { vpcId: Vpc?.VpcId ?? '', subnetId: Subnet?.SubnetId ?? '' };
  }

  /** What the account itself owns in the region, in the shape that the sandbox tells it in. */
  async snapshotOf(target: Target): Promise<WorldSnapshot> {
    const ec2 = await this.ec2(target);
    const client = { client: ec2 };
    const [images, snapshots, instances, keyPairs, groups] = await Promise.all([
      Array.fromAsync(paginateDescribeImages(client, { Owners: ['self'] })),
      Array.fromAsync(paginateDescribeSnapshots(client, { OwnerIds: ['self'] })),
      Array.fromAsync(paginateDescribeInstances(client, {})),
      ec2.send(new DescribeKeyPairsCommand({})),
      ec2.send(new DescribeSecurityGroupsCommand({})),
    ]);
    return {
      images: images
        .flatMap(({ Images = [] }) => Images)
        .map((image) => ({
          imageId: image.ImageId ?? '',
          name: image.Name ?? '',
          state: image.State ?? '',
          tags: tagsOf(image.Tags),
          snapshotIds: (image.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
          launchPermissions: image.Public === true ? ['all'] : [],
        })),
      snapshots: snapshots
        .flatMap(({ Snapshots = [] }) => Snapshots)
        .filter(({ OwnerId }) => OwnerId === target.accountId)
        .map(({ SnapshotId = '', Tags }) => ({
          snapshotId: SnapshotId,
          tags: tagsOf(Tags),
          volumePermissions: [],
        })),
      instances: instances
        .flatMap(({ Reservations = [] }) => Reservations)
        .flatMap(({ Instances = [] }) => Instances)
        .map(({ InstanceId = '', State, ImageId = '', Tags }) => ({
          instanceId: InstanceId,
          state: State?.Name ?? '',
          imageId: ImageId,
          tags: tagsOf(Tags),
        }))
        .filter(({ state }) => state !== 'terminated'),
      keyPairs: (keyPairs.KeyPairs ?? []).map(({ KeyName = '', KeyPairId = '', Tags }) => ({
        keyName: KeyName,
        keyPairId: KeyPairId,
        tags: tagsOf(Tags),
      })),
      securityGroups: (groups.SecurityGroups ?? [])
        // Every network has one, which nobody made and nobody can delete.
        .filter(({ GroupName }) => GroupName !== 'default')
        .map(({ GroupId = '', GroupName = '', Tags }) => ({
          groupId: GroupId,
          groupName: GroupName,
          tags: tagsOf(Tags),
        })),
      parameters: await this.#parametersOf(target),
    };
  }

  /** The sandbox does not tell of volumes, and no bake may leave any. */
  async volumesOf(target: Target): Promise<string[]> {
    const pages = await Array.fromAsync(paginateDescribeVolumes({ client: await this.ec2(target) }, {}));
    return pages.flatMap(({ Volumes = [] }) => Volumes).map(({ VolumeId = '' }) => VolumeId);
  }

  async #parametersOf(target: Target): Promise<Record<string, string>> {
    const ssm = new SSMClient(await this.observer(target));
    const pages = paginateGetParametersByPath({ client: ssm }, { Path: '/packleader', Recursive: true });
    const found = (await Array.fromAsync(pages)).flatMap(({ Parameters = [] }) => Parameters);
    return Object.fromEntries(found.map(({ Name = '', Value = '' }) => [Name, Value] as const));
  }
}

const tagsOf = (tags: Tag[] = []): Record<string, string> =>
  Object.fromEntries(
    tags.map(({ Key = '', Value = '' }) => [Key, Value] as const).sort(([a], [b]) => compare(a, b)),
  );

async function answers(
  url: string,
  hasEnded: () => boolean,
  { log, patienceSeconds }: { readonly log: string; readonly patienceSeconds: number },
): Promise<void> {
  for (let attempt = 0; attempt < patienceSeconds * 10; attempt++) {
    if (hasEnded()) break;
    try {
      // `data.json` beside it says all that moto holds, and of 10,000 AMIs takes longer than anybody waits.
      await fetch(`${url}/moto-api/config`);
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error(`moto does not answer at ${url}: see ${log}`);
}
