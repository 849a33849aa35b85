/**
 * The project `packleader-bake`, simulated: what Packer's amazon-ebs builder does to the account, in its order, with its
 * clean-up and the holes in it.
 *  @see https://github.com/hashicorp/packer-plugin-amazon/blob/main/builder/ebs/builder.go
 */
import { createHash } from 'node:crypto';
import type { _InstanceType as InstanceType, Image, TagSpecification } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { lastError } from '../../buildspecs/last-error.mjs';
import { BAKE_ENVIRONMENT, LAST_ERROR } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { TAGS } from '../../core/contract/tags.ts';
import type { BuildRun } from '../aws/builds.ts';
import type { ec2 } from '../aws/ec2/ec2.ts';
import type { s3 } from '../aws/s3.ts';

type Environment = Readonly<Record<string, string>>;
type PackerStep =
  | 'fetch-source'
  | 'key-pair'
  | 'security-group'
  | 'instance'
  | 'provision'
  | 'stop'
  | 'create-image'
  | 'wait-for-image'
  | 'tags';

export interface PackerFailure {
  readonly at: PackerStep;
  /** Packer's reason. */
  readonly message: string;
  /** What the provisioner printed before; default: nothing. */
  readonly printed?: readonly string[];
}

/** How the simulated Packer behaves, by the build's environment; everything is optional. */
export interface PackerBehaviour {
  /** Fails the build when it comes to this step. Packer then cleans up after itself, as the real one does. */
  fail?: (environment: Environment) => PackerFailure | undefined;
  /** Virtual minutes of provisioning; 6 to 11 by default, the same for the same image and target. */
  minutes?: (environment: Environment) => number | undefined;
  /** EBS volumes, each of which becomes a snapshot. 1 by default. */
  volumes?: (environment: Environment) => 1 | 2;
}

type Ec2 = typeof ec2;
type S3 = typeof s3;
type Answer<T, K extends keyof T> = T[K] extends (...arguments_: never) => infer R ? Awaited<R> : never;
type Question<T, K extends keyof T> = T[K] extends (context: never, input: infer I extends object) => unknown
  ? I
  : object;

const MINUTE = 60_000;
const POLL_MS = 15_000;
/** As in the templates' `aws_polling`: an hour. */
const POLLS = 240;

/** What the templates' source block reads of `pkrvars.json`; the provisioners, which are not simulated, read more. */
const variablesSchema = z.looseObject({
  ami_name: z.string(),
  tags: z.record(z.string(), z.string()),
  instance_type: z.string().nullish(),
  root_volume_size_gib: z.number().nullish(),
  /** They belong to the accounts, not to this world: given some, Packer makes none of its own. */
  security_group_ids: z.array(z.string()).nullish(),
});
type Variables = z.infer<typeof variablesSchema>;
const adoptedSchema = z.looseObject({ packleader: variablesSchema.optional() });

export const packerBuild =
  (behaviour: PackerBehaviour) =>
  async (build: BuildRun): Promise<void> => {
    await new Packer(build, behaviour).run();
  };

function instanceTypeOf(variables: Variables, source: Image | undefined): InstanceType {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- EC2 refuses the types it does not know.
  const asked = variables.instance_type as InstanceType | null | undefined;
  return asked ?? (source?.Architecture === 'arm64' ? 't4g.large' : 't3.large');
}

class Packer {
  readonly #build: BuildRun;
  readonly #behaviour: PackerBehaviour;
  readonly #region: string;
  /** What Packer undoes at its end, newest first, whether it succeeded or not. */
  readonly #cleanUps: ((failed: boolean) => Promise<void>)[] = [];
  /** What the provisioner that fails has printed. */
  readonly #printed: string[] = [];

  constructor(build: BuildRun, behaviour: PackerBehaviour) {
    this.#build = build;
    this.#behaviour = behaviour;
    this.#region = this.#variable('region');
  }

  async run(): Promise<void> {
    this.#step('fetch-source');
    await this.#fetchSource();
    const variables = await this.#variables();
    let failed = true;
    try {
      const imageId = await this.#bake(variables);
      this.#build.export('AMI_ID', imageId);
      this.#build.export('AMI_NAME', variables.ami_name);
      this.#build.export('AMI_REGION', this.#region);
      failed = false;
    } catch (error) {
      this.#explain(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      // A killed process cleans nothing up.
      if (!this.#build.signal.aborted) {
        await this.#cleanUp(failed);
        await this.#removeBuilders();
      }
    }
  }

  /** The buildspec's last command: what Packer's own clean-up left of the builders. The build fails when it does. */
  async #removeBuilders(): Promise<void> {
    const Filters = [{ Name: `tag:${TAGS.release}`, Values: [this.#variable('release')] }];
    const alive = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];
    const { Reservations: reservations = [] } = await this.#ec2('DescribeInstances', {
      Filters: [...Filters, { Name: 'instance-state-name', Values: alive }],
    });
    const instances = reservations.flatMap((reservation) => reservation.Instances ?? []);
    const ids = instances.map(({ InstanceId: id = '' }) => id);
    if (ids.length > 0) await this.#ec2('TerminateInstances', { InstanceIds: ids });
    for (const id of ids) await this.#waitForInstance(id, 'terminated');
    const { KeyPairs: pairs = [] } = await this.#ec2('DescribeKeyPairs', { Filters });
    for (const { KeyPairId } of pairs) await this.#ec2('DeleteKeyPair', { KeyPairId });
    const { SecurityGroups: groups = [] } = await this.#ec2('DescribeSecurityGroups', { Filters });
    for (const { GroupId } of groups) await this.#ec2('DeleteSecurityGroup', { GroupId });
  }

  /** What Packer writes when it fails, and what the build makes of it. */
  #explain(reason: string): void {
    const lines = [...this.#printed, `==> amazon-ebs.image: ${reason}`];
    lines.push(`Build 'amazon-ebs.image' errored after some minutes: ${reason}`);
    for (const line of lines) this.#build.log(line);
    this.#build.export(LAST_ERROR, lastError(lines.join('\n'), []));
  }

  async #fetchSource(): Promise<void> {
    const { Body: body } = await this.#s3('GetObject', {
      Bucket: this.#variable('bucket'),
      Key: this.#variable('sourceKey'),
    });
    const bytes = (await body?.transformToByteArray()) ?? new Uint8Array();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== this.#variable('sourceSha256')) {
      throw new Error(`The source has the SHA-256 ${sha256}, expected ${this.#variable('sourceSha256')}`);
    }
  }

  async #variables(): Promise<Variables> {
    const target = { accountId: this.#build.accountId, region: this.#region };
    const { Body: body } = await this.#s3('GetObject', {
      Bucket: this.#variable('bucket'),
      Key: keys.packerVariables(this.#variable('planPrefix'), target),
    });
    const variables: unknown = JSON.parse((await body?.transformToString()) ?? '');
    // A template that knows nothing of packleader is told everything in one variable.
    const { packleader } = adoptedSchema.parse(variables);
    return variablesSchema.parse(packleader ?? variables);
  }

  async #bake(variables: Variables): Promise<string> {
    const { ami_name: name } = variables;
    const { log } = this.#build;
    const sourceAmi = this.#variable('sourceAmi');
    const tags = { ...variables.tags, [TAGS.sourceAmi]: sourceAmi };
    const source = (await this.#ec2('DescribeImages', { ImageIds: [sourceAmi] })).Images?.at(0);
    log(`Prevalidating AMI Name: ${name}`);
    const taken = await this.#ec2('DescribeImages', {
      Owners: ['self'],
      Filters: [{ Name: 'name', Values: [name] }],
    });
    if ((taken.Images ?? []).length > 0) {
      throw new Error(
        `Error: AMI Name: '${name}' is used by an existing AMI: ${taken.Images?.at(0)?.ImageId ?? ''}`,
      );
    }
    const tagged = (...types: TagSpecification['ResourceType'][]): TagSpecification[] =>
      types.map((ResourceType) => ({
        ResourceType,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      }));
    const temporary = `packer_${this.#build.id.slice(this.#build.id.indexOf(':') + 1)}`;
    await this.#createKeyPair(temporary, tagged('key-pair'));
    const groups =
      (variables.security_group_ids ?? []).length > 0
        ? []
        : [await this.#createSecurityGroup(temporary, tagged('security-group'))];
    const windows = source?.Platform === 'Windows';
    const instanceId = await this.#launch({
      ImageId: sourceAmi,
      InstanceType: instanceTypeOf(variables, source),
      MinCount: 1,
      MaxCount: 1,
      KeyName: temporary,
      SecurityGroupIds: groups,
      BlockDeviceMappings: this.#devices(source?.RootDeviceName ?? '/dev/xvda', variables),
      MetadataOptions: { HttpTokens: 'required' },
      TagSpecifications: tagged('instance', 'volume', 'network-interface'),
    });
    this.#step('provision');
    log('Provisioning');
    await this.#build.sleep((this.#minutes() + (windows ? 4 : 0)) * MINUTE);
    this.#step('stop');
    await this.#ec2('StopInstances', { InstanceIds: [instanceId] });
    await this.#waitForInstance(instanceId, 'stopped');
    const imageId = await this.#createImage(instanceId, name, tagged('image', 'snapshot'));
    await this.#ec2('ModifyImageAttribute', { ImageId: imageId, ImdsSupport: { Value: 'v2.0' } });
    await this.#tag(imageId, tags);
    return imageId;
  }

  async #createKeyPair(name: string, tags: TagSpecification[]): Promise<void> {
    this.#step('key-pair');
    this.#build.log(`Creating temporary keypair: ${name}`);
    await this.#ec2('CreateKeyPair', { KeyName: name, TagSpecifications: tags });
    this.#cleanUps.push(async () => {
      this.#build.log('Deleting temporary keypair...');
      await this.#ec2('DeleteKeyPair', { KeyName: name });
    });
  }

  async #createSecurityGroup(name: string, tags: TagSpecification[]): Promise<string> {
    this.#step('security-group');
    this.#build.log(`Creating temporary security group for this instance: ${name}`);
    const { GroupId: groupId = '' } = await this.#ec2('CreateSecurityGroup', {
      GroupName: name,
      Description: 'Temporary group for Packer',
      TagSpecifications: tags,
    });
    this.#cleanUps.push(async () => {
      this.#build.log('Deleting temporary security group...');
      await this.#ec2('DeleteSecurityGroup', { GroupId: groupId });
    });
    return groupId;
  }

  async #launch(request: Question<Ec2, 'RunInstances'>): Promise<string> {
    this.#step('instance');
    this.#build.log('Launching a source AWS instance...');
    const launched = await this.#ec2('RunInstances', request);
    const instanceId = launched.Instances?.at(0)?.InstanceId ?? '';
    this.#cleanUps.push(async () => {
      this.#build.log('Terminating the source AWS instance...');
      await this.#ec2('TerminateInstances', { InstanceIds: [instanceId] });
      await this.#waitForInstance(instanceId, 'terminated');
    });
    await this.#waitForInstance(instanceId, 'running');
    return instanceId;
  }

  #devices(
    root: string,
    { root_volume_size_gib: size }: Variables,
  ): NonNullable<Question<Ec2, 'RunInstances'>['BlockDeviceMappings']> {
    const ebs = { VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true } as const;
    const devices = [{ DeviceName: root, Ebs: { ...ebs, ...(size ? { VolumeSize: size } : {}) } }];
    return this.#behaviour.volumes?.(this.#build.environment) === 2
      ? [...devices, { DeviceName: '/dev/sdf', Ebs: { ...ebs, VolumeSize: 20 } }]
      : devices;
  }

  #minutes(): number {
    const { environment, accountId } = this.#build;
    const asked = this.#behaviour.minutes?.(environment);
    if (asked !== undefined) return asked;
    const mark = `${environment[BAKE_ENVIRONMENT.image] ?? ''}/${accountId}/${this.#region}`;
    return 6 + createHash('sha256').update(mark).digest().readUInt8() / 51;
  }

  async #waitForInstance(instanceId: string, wanted: string): Promise<void> {
    for (let poll = 0; poll < POLLS; poll++) {
      const { Reservations: reservations } = await this.#ec2('DescribeInstances', {
        InstanceIds: [instanceId],
      });
      if (reservations?.at(0)?.Instances?.at(0)?.State?.Name === wanted) return;
      await this.#build.sleep(POLL_MS);
    }
    throw new Error(`ResourceNotReady: exceeded wait attempts for ${instanceId} to be ${wanted}`);
  }

  /** Packer registers the AMI's clean-up only once it is available: what happens before leaves the AMI behind. */
  async #createImage(instanceId: string, name: string, tags: TagSpecification[]): Promise<string> {
    this.#step('create-image');
    this.#build.log(`Creating AMI ${name} from instance ${instanceId}`);
    const { ImageId: imageId = '' } = await this.#ec2('CreateImage', {
      InstanceId: instanceId,
      Name: name,
      TagSpecifications: tags,
    });
    this.#build.log(`AMI: ${imageId}`);
    this.#step('wait-for-image');
    this.#build.log('Waiting for AMI to become ready...');
    await this.#waitForImage(imageId);
    this.#cleanUps.push(async (failed) => {
      if (!failed) return;
      this.#build.log(
        'Deregistering the AMI and deleting associated snapshots because of cancellation, or error...',
      );
      await this.#ec2('DeregisterImage', { ImageId: imageId, DeleteAssociatedSnapshots: true });
    });
    return imageId;
  }

  async #waitForImage(imageId: string): Promise<void> {
    for (let poll = 0; poll < POLLS; poll++) {
      const state = (await this.#ec2('DescribeImages', { ImageIds: [imageId] })).Images?.at(0)?.State;
      if (state === 'available') return;
      if (state === 'failed') throw new Error(`Error waiting for AMI: ${imageId} failed`);
      await this.#build.sleep(POLL_MS);
    }
    throw new Error(`ResourceNotReady: exceeded wait attempts for ${imageId}`);
  }

  async #tag(imageId: string, tags: Record<string, string>): Promise<void> {
    this.#step('tags');
    this.#build.log(`Adding tags to AMI (${imageId})...`);
    const image = (await this.#ec2('DescribeImages', { ImageIds: [imageId] })).Images?.at(0);
    const snapshots = (image?.BlockDeviceMappings ?? []).flatMap(({ Ebs: ebs }) => ebs?.SnapshotId ?? []);
    const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.#ec2('CreateTags', { Resources: [imageId], Tags: list });
    await this.#ec2('CreateTags', { Resources: snapshots, Tags: list });
  }

  /** A clean-up that fails is reported, and the others still run. */
  async #cleanUp(failed: boolean): Promise<void> {
    for (const cleanUp of this.#cleanUps.reverse()) {
      try {
        await cleanUp(failed);
      } catch (error) {
        this.#build.log(`Error cleaning up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  #step(step: PackerStep): void {
    const failure = this.#behaviour.fail?.(this.#build.environment);
    if (failure?.at !== step) return;
    this.#printed.push(...(failure.printed ?? []).map((line) => `    amazon-ebs.image: ${line}`));
    throw new Error(failure.message);
  }

  #variable(name: keyof typeof BAKE_ENVIRONMENT): string {
    const value = this.#build.environment[BAKE_ENVIRONMENT[name]];
    if (value === undefined || value === '') throw new Error(`${BAKE_ENVIRONMENT[name]} is not set`);
    return value;
  }

  async #ec2<K extends keyof Ec2>(operation: K, input: Question<Ec2, K>): Promise<Answer<Ec2, K>> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The operation of that name answered.
    return (await this.#build.call('ec2', operation, this.#region, input)) as Answer<Ec2, K>;
  }

  async #s3<K extends keyof S3>(operation: K, input: Question<S3, K>): Promise<Answer<S3, K>> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The operation of that name answered.
    return (await this.#build.call('s3', operation, this.#build.region, input)) as Answer<S3, K>;
  }
}
