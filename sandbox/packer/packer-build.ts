/**
 * The project `packleader-bake`, simulated: what Packer's amazon-ebs builder does to the account, in its order, with its
 * clean-up and the holes in it.
 *  @see https://github.com/hashicorp/packer-plugin-amazon/blob/main/builder/ebs/builder.go
 */
import { createHash } from 'node:crypto';
import type { _InstanceType as InstanceType, Image, TagSpecification } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { BUILDER_PAUSE, pauseSeconds } from '../../buildspecs/again.mjs';
import { type Choice, choicesOf, noBuilder } from '../../buildspecs/builder-choices.mjs';
import { lastError } from '../../buildspecs/last-error.mjs';
import {
  BAKE_ENVIRONMENT,
  HAS_BUILDER_CHOICES,
  BUILDER,
  LAST_ERROR,
  PACKAGES_SHA256,
  hasOverlay,
  takesTemplate,
} from '../../core/contract/environments.ts';
import { BAKE_FILES, keys } from '../../core/contract/keys.ts';
import { madeUpPackages } from './made-up-packages.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { chosenImage, loadConfiguration } from '../../core/configuration/configuration.ts';
import { configurationFiles } from '../../core/configuration/files.ts';
import { filesInZip } from '../../core/source/zip.ts';
import {
  type AskedDevice,
  LAUNCHED,
  askedByTemplate,
  devicesIn,
  valueOf,
} from '../../core/templates/asked.ts';
import { bakedTemplate } from '../../core/templates/check.ts';
import type { Template } from '../../core/templates/template.ts';
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
  /**
   * Fails the build when it comes to this step. Packer then cleans up after itself, as the real one does. `run` counts the times
   * that one build runs Packer, from 1.
   */
  fail?: (environment: Environment, run: number, accountId: string) => PackerFailure | undefined;
  /** Virtual minutes of provisioning; 6 to 11 by default, the same for the same image and target. */
  minutes?: (environment: Environment) => number | undefined;
  /** What the image lists as installed; as usual by default, which is the same for the same source AMI. */
  packages?: (usual: string, environment: Environment) => string;
  /** EBS volumes, each of which becomes a snapshot. 1 by default. */
  volumes?: (environment: Environment) => 1 | 2;
}

type Ec2 = typeof ec2;
type S3 = typeof s3;
type Answer<T, K extends keyof T> = T[K] extends (...arguments_: never) => infer R ? Awaited<R> : never;
type Question<T, K extends keyof T> = T[K] extends (context: never, input: infer I extends object) => unknown
  ? I
  : object;

/** As the buildspec says it. */
const INTERRUPTED = { code: 'EC2 took the Spot Instance back', passes: true } as const;

const MINUTE = 60_000;
const POLL_MS = 15_000;
/** As in the templates' `aws_polling`: an hour. */
const POLLS = 240;

/** What the templates' source block reads of `pkrvars.json`; the provisioners, which are not simulated, read more. */
const variablesSchema = z.looseObject({
  ami_name: z.string(),
  tags: z.record(z.string(), z.string()),
  instance_type: z.string().nullish(),
  subnet_id: z.string().nullish(),
  spot: z.boolean().nullish(),
  root_volume_size_gib: z.number().nullish(),
  kms_key_id: z.string().nullish(),
  timeout_minutes: z.number().nullish(),
  /** They belong to the accounts, not to this world: given some, Packer makes none of its own. */
  security_group_ids: z.array(z.string()).nullish(),
});
type Variables = z.infer<typeof variablesSchema>;
const adoptedSchema = z.looseObject({ packleader: variablesSchema.optional() });

const choicesSchema = z.looseObject({
  instanceTypes: z.array(z.string()),
  subnetIds: z.array(z.string()),
  spot: z.boolean().optional(),
  keepMinutes: z.number().optional(),
});

/** The metadata that names the template an image is laid over. */
const [TEMPLATE = ''] = Object.keys(takesTemplate(''));
/** The metadata of an image that takes a directory that knows nothing of packleader. */
const [OVERLAY = ''] = Object.keys(hasOverlay(''));

/** Every account bakes from the same bytes, so they are read once. */
const templates = new Map<string, Promise<Template>>();

function templateOf(
  zip: Uint8Array,
  sha256: string,
  name: string,
  { [TEMPLATE]: takes, [OVERLAY]: overlay }: Readonly<Record<string, string>>,
): Promise<Template> {
  const key = `${sha256}/${name}/${takes ?? ''}`;
  const known = templates.get(key);
  if (known) return known;
  const files = filesInZip(zip);
  const image =
    overlay === undefined
      ? { name, platform: 'linux' as const, ...(takes !== undefined && { template: takes }) }
      : chosenImage(loadConfiguration(configurationFiles(files)).factory, name);
  const read = bakedTemplate(files, image).then(({ template }) => template);
  templates.set(key, read);
  return read;
}

/** Stops a clock that is not the real one while real work is done. */
type Hold = <T>(work: () => Promise<T>) => Promise<T>;

export const packerBuild =
  (behaviour: PackerBehaviour, hold: Hold = (work) => work()) =>
  async (build: BuildRun): Promise<void> => {
    await new Packer(build, behaviour, hold).run();
  };

function instanceTypeOf(variables: Variables, source: Image | undefined): InstanceType {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- EC2 refuses the types it does not know.
  const asked = variables.instance_type as InstanceType | null | undefined;
  return asked ?? (source?.Architecture === 'arm64' ? 't4g.large' : 't3.large');
}

class Packer {
  readonly #build: BuildRun;
  readonly #behaviour: PackerBehaviour;
  readonly #hold: Hold;
  readonly #region: string;
  /** Of the source AMI: the same in every account, unlike its id. */
  #sourceName = '';
  #platform: 'linux' | 'windows' = 'linux';
  /** What Packer undoes at its end, newest first, whether it succeeded or not. */
  readonly #cleanUps: ((failed: boolean) => Promise<void>)[] = [];
  #bytes: Uint8Array = new Uint8Array();
  /** What the provisioner that fails has printed. */
  readonly #printed: string[] = [];
  #run = 0;
  /** Whether its plan lets it ask for a Spot Instance. */
  #onSpot = false;
  /** For how long its builder is to be kept when the bake fails, in minutes. */
  #keepMinutes = 0;
  /** The builder that a provisioner failed on, which the template has told when to end. */
  #toldToEnd: string | undefined;
  #isKept = false;
  /** Whether this run of Packer has begun to make an AMI. */
  #hasAmi = false;

  constructor(build: BuildRun, behaviour: PackerBehaviour, hold: Hold) {
    this.#hold = hold;
    this.#build = build;
    this.#behaviour = behaviour;
    this.#region = this.#variable('region');
  }

  async run(): Promise<void> {
    this.#step('fetch-source');
    await this.#fetchSource();
    const { variables, template, choices } = await this.#variables();
    this.#onSpot = choices.some(({ spot }) => spot);
    this.#keepMinutes = choices[0]?.keep_minutes ?? 0;
    try {
      const imageId = await this.#bakeWhereThereIsRoom(variables, template, choices);
      this.#build.export('AMI_ID', imageId);
      this.#build.export('AMI_NAME', variables.ami_name);
      this.#build.export('AMI_REGION', this.#region);
      const run = { packer_run_uuid: this.#build.id, artifact_id: `${this.#region}:${imageId}` };
      const manifest = { builds: [run], last_run_uuid: this.#build.id };
      this.#build.leave(BAKE_FILES.manifest, JSON.stringify(manifest, null, 2));
      const usual = madeUpPackages(this.#sourceName, this.#platform);
      const packages = this.#behaviour.packages?.(usual, this.#build.environment) ?? usual;
      this.#build.leave(BAKE_FILES.packages, packages);
      this.#build.export(PACKAGES_SHA256, createHash('sha256').update(packages).digest('hex'));
    } finally {
      // A killed process cleans nothing up.
      if (!this.#build.signal.aborted && !this.#isKept) await this.#removeBuilders();
    }
  }

  /** In the first place that was chosen, else in the next, else again in all of them, as long as half of the time is left. */
  async #bakeWhereThereIsRoom(
    variables: Variables,
    template: Template,
    choices: readonly Choice[],
  ): Promise<string> {
    let waited = 0;
    let noSpot = false;
    for (let round = 1; ; round++) {
      let passes = false;
      for (const [index, choice] of choices.entries()) {
        // Those on demand come last.
        if (choice.spot && noSpot) continue;
        const told = { ...variables, ...choice };
        const baked = await this.#runPacker(told, template);
        if ('imageId' in baked) {
          this.#build.export(BUILDER, `${told.instance_type ?? ''}${told.spot ? ' spot' : ''}`);
          return baked.imageId;
        }
        const isKilled = this.#build.signal.aborted;
        const taken = choice.spot && !isKilled && !this.#hasAmi && (await this.#wasInterrupted());
        noSpot ||= taken === true;
        const none = taken ? INTERRUPTED : isKilled ? undefined : noBuilder(baked.said);
        const pause = pauseSeconds(BUILDER_PAUSE, round);
        const isLast = index === choices.length - 1;
        passes ||= none?.passes === true;
        const isTime = passes && waited + pause < (variables.timeout_minutes ?? 0) * 30;
        if (none && this.#keepMinutes > 0) await this.#removeBuilders();
        if (!none || (isLast && !isTime)) {
          if (!none && !this.#build.signal.aborted) await this.#keepBuilder();
          throw baked.error;
        }
        this.#build.log(
          `No builder: ${none.code} for ${told.instance_type ?? ''}${told.spot ? ' on spot' : ''} in ${told.subnet_id || 'the default VPC'}.`,
        );
        if (!isLast) continue;
        waited += pause;
        await this.#build.sleep(pause * 1000);
      }
    }
  }

  /** One run of Packer, with its own clean-up. */
  async #runPacker(
    variables: Variables,
    template: Template,
  ): Promise<{ imageId: string } | { error: unknown; said: string }> {
    this.#run++;
    this.#hasAmi = false;
    let failed = true;
    try {
      const imageId = await this.#bake(variables, template);
      failed = false;
      return { imageId };
    } catch (error) {
      const said = this.#explain(error instanceof Error ? error.message : String(error));
      return { error, said };
    } finally {
      // Told to run the clean-up of provisioners alone, Packer leaves everything when it fails.
      if (failed && this.#keepMinutes > 0) this.#cleanUps.splice(0);
      if (!this.#build.signal.aborted) await this.#cleanUp(failed);
    }
  }

  /** As buildspecs/builders.mjs does it: one that shuts down is to be gone, and whoever cleans up is to know. */
  async #keepBuilder(): Promise<void> {
    const id = this.#toldToEnd;
    if (id === undefined) return;
    await this.#ec2('ModifyInstanceAttribute', {
      InstanceId: id,
      InstanceInitiatedShutdownBehavior: { Value: 'terminate' },
    });
    const until = new Date(this.#build.now().getTime() + this.#keepMinutes * MINUTE).toISOString();
    await this.#ec2('CreateTags', { Resources: [id], Tags: [{ Key: TAGS.keptUntil, Value: until }] });
    this.#build.export('KEPT', until);
    this.#isKept = true;
  }

  async #wasInterrupted(): Promise<boolean> {
    const { Reservations: found = [] } = await this.#ec2('DescribeInstances', {
      Filters: [
        { Name: `tag:${TAGS.release}`, Values: [this.#variable('release')] },
        { Name: 'state-reason-code', Values: ['Server.SpotInstanceTermination'] },
      ],
    });
    return found.length > 0;
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
    if (this.#onSpot) {
      const { LaunchTemplates: launchTemplates = [] } = await this.#ec2('DescribeLaunchTemplates', {
        Filters,
      });
      for (const { LaunchTemplateId } of launchTemplates)
        await this.#ec2('DeleteLaunchTemplate', { LaunchTemplateId });
    }
    const { SecurityGroups: groups = [] } = await this.#ec2('DescribeSecurityGroups', { Filters });
    for (const { GroupId } of groups) await this.#ec2('DeleteSecurityGroup', { GroupId });
  }

  /** What Packer writes when it fails, and what the build makes of it. */
  #explain(reason: string): string {
    const provisioner = [
      '==> amazon-ebs.image: Provisioning with shell script: ./bake/run-checks.sh',
      ...this.#printed,
      '==> amazon-ebs.image: Provisioning step had errors: Running the cleanup provisioner, if present...',
    ];
    const lines = [...(this.#printed.length > 0 ? provisioner : []), `==> amazon-ebs.image: ${reason}`];
    lines.push(`Build 'amazon-ebs.image' errored after some minutes: ${reason}`);
    lines.push('==> Builds finished but no artifacts were created.');
    for (const line of lines) this.#build.log(line);
    const said = lines.join('\n');
    this.#build.export(LAST_ERROR, lastError(said, []));
    return said;
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
    this.#bytes = bytes;
  }

  async #variables(): Promise<{
    variables: Variables;
    template: Template;
    choices: readonly Choice[];
  }> {
    const target = { accountId: this.#build.accountId, region: this.#region };
    const prefix = this.#variable('planPrefix');
    const { document, metadata } = await this.#read(keys.packerVariables(prefix, target));
    // A template that knows nothing of packleader is told everything in one variable.
    const { packleader } = adoptedSchema.parse(document);
    const variables = variablesSchema.parse({ ...Object(document), ...packleader });
    const template = await this.#hold(() =>
      templateOf(this.#bytes, this.#variable('sourceSha256'), this.#variable('image'), metadata),
    );
    if (metadata['builder'] !== HAS_BUILDER_CHOICES.builder) return { variables, template, choices: [{}] };
    const { document: told } = await this.#read(keys.builderChoices(prefix, target));
    const { instanceTypes, subnetIds, spot, keepMinutes } = choicesSchema.parse(told);
    // Subnets that match a filter belong to the accounts too.
    const places = subnetIds.length === 0 ? [''] : subnetIds;
    const choices = choicesOf(instanceTypes, places, { spot, keepMinutes });
    return { variables, template, choices };
  }

  async #read(Key: string): Promise<{ document: unknown; metadata: Readonly<Record<string, string>> }> {
    const found = await this.#s3('GetObject', { Bucket: this.#variable('bucket'), Key });
    const document: unknown = JSON.parse((await found.Body?.transformToString()) ?? '');
    return { document, metadata: found.Metadata ?? {} };
  }

  async #bake(variables: Variables, template: Template): Promise<string> {
    const { ami_name: name } = variables;
    const { log } = this.#build;
    const sourceAmi = this.#variable('sourceAmi');
    const tags = { ...variables.tags, [TAGS.sourceAmi]: sourceAmi };
    const source = (await this.#ec2('DescribeImages', { ImageIds: [sourceAmi] })).Images?.at(0);
    this.#sourceName = source?.Name ?? sourceAmi;
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
    if (windows) this.#platform = 'windows';
    const request = {
      ImageId: sourceAmi,
      InstanceType: instanceTypeOf(variables, source),
      MinCount: 1,
      MaxCount: 1,
      KeyName: temporary,
      SecurityGroupIds: groups,
      BlockDeviceMappings: this.#devices(template, variables, source),
      MetadataOptions: { HttpTokens: 'required' as const },
      TagSpecifications: tagged('instance', 'volume', 'network-interface'),
    };
    const instanceId = await (variables.spot ? this.#launchOnSpot(request, tagged) : this.#launch(request));
    this.#step('provision', () => this.#tellWhenToEnd(instanceId));
    log('Provisioning');
    await this.#build.sleep((this.#minutes() + (windows ? 4 : 0)) * MINUTE);
    this.#step('stop');
    // EC2 stops no Spot Instance that was asked for once: it restarts it to make an AMI.
    if (!variables.spot) {
      await this.#ec2('StopInstances', { InstanceIds: [instanceId] });
      await this.#waitForInstance(instanceId, 'stopped');
    }
    const imageId = await this.#createImage(instanceId, name, tagged('image', 'snapshot'));
    const imds = valueOf(template.sources[0]?.attributes.get('imds_support'), template, variables);
    if (imds === 'v2.0')
      await this.#ec2('ModifyImageAttribute', { ImageId: imageId, ImdsSupport: { Value: imds } });
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
    const launched = await this.#ec2('RunInstances', request).catch((error: unknown) => {
      // As the SDK for Go tells an error of AWS's.
      const told = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw new Error(`Error launching source instance: ${told}`, { cause: error });
    });
    const instanceId = launched.Instances?.at(0)?.InstanceId ?? '';
    this.#cleanUps.push(async () => {
      this.#build.log('Terminating the source AWS instance...');
      await this.#ec2('TerminateInstances', { InstanceIds: [instanceId] });
      await this.#waitForInstance(instanceId, 'terminated');
    });
    await this.#waitForInstance(instanceId, 'running');
    return instanceId;
  }

  /** By a launch template and a fleet, and what it got is tagged once more, as the plugin does. */
  async #launchOnSpot(
    launch: Question<Ec2, 'RunInstances'>,
    tagged: (...types: TagSpecification['ResourceType'][]) => TagSpecification[],
  ): Promise<string> {
    const { ImageId, InstanceType, KeyName, SecurityGroupIds, BlockDeviceMappings, MetadataOptions } = launch;
    const data = { ImageId, InstanceType, KeyName, SecurityGroupIds, BlockDeviceMappings, MetadataOptions };
    const LaunchTemplateName = `packer-fleet-launch-template-${this.#build.id.slice(-7)}`;
    this.#build.log('Creating Spot Fleet launch template...');
    await this.#ec2('CreateLaunchTemplate', {
      LaunchTemplateName,
      LaunchTemplateData: {
        ...data,
        InstanceMarketOptions: { MarketType: 'spot' },
        TagSpecifications: launch.TagSpecifications,
      },
      TagSpecifications: tagged('launch-template'),
    });
    this.#cleanUps.push(async () => void (await this.#ec2('DeleteLaunchTemplate', { LaunchTemplateName })));
    this.#step('instance');
    const {
      FleetId: fleetId,
      Instances: [launched] = [],
      Errors: [refused] = [],
    } = await this.#ec2('CreateFleet', {
      LaunchTemplateConfigs: [{ LaunchTemplateSpecification: { LaunchTemplateName, Version: '1' } }],
      TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'spot' },
      Type: 'instant',
      TagSpecifications: tagged('fleet'),
    });
    if (!launched && refused)
      throw new Error(`Error waiting for fleet request (${fleetId}) to become ready:${refused.ErrorMessage}`);
    const instanceId = launched?.InstanceIds?.at(0) ?? '';
    this.#cleanUps.push(async () => {
      this.#build.log('Terminating the source AWS instance...');
      await this.#ec2('TerminateInstances', { InstanceIds: [instanceId] });
      await this.#waitForInstance(instanceId, 'terminated');
    });
    await this.#waitForInstance(instanceId, 'running');
    await this.#ec2('CreateTags', { Resources: [instanceId], Tags: tagged('instance')[0]?.Tags ?? [] });
    return instanceId;
  }

  /** As the template says, whatever the source's root device is. */
  #devices(
    template: Template,
    variables: Variables,
    source: Image | undefined,
  ): NonNullable<Question<Ec2, 'RunInstances'>['BlockDeviceMappings']> {
    const { kms_key_id: key } = variables;
    const ebs = {
      VolumeType: 'gp3',
      Encrypted: true,
      DeleteOnTermination: true,
      ...(key && { KmsKeyId: key }),
    } as const;
    // A surrogate registers another volume than its builder's; here it is the builder's.
    const { rootDevice } = askedByTemplate(template, variables);
    const registered = rootDevice === undefined ? undefined : [{ name: rootDevice }];
    // What was there before the factory may compute its volumes: whatever they are, the root is one.
    const computed =
      variables['packleader'] === undefined ? undefined : [{ name: source?.RootDeviceName ?? '' }];
    const asked: readonly AskedDevice[] | undefined =
      registered ?? devicesIn(LAUNCHED, template, variables) ?? computed;
    if (asked === undefined) throw new Error('The sandbox cannot compute launch_block_device_mappings.');
    const devices = asked.map(({ name, sizeGiB, isLeftOut }) => ({
      DeviceName: name,
      ...(isLeftOut === true
        ? { NoDevice: '' }
        : { Ebs: { ...ebs, ...(sizeGiB !== undefined && { VolumeSize: sizeGiB }) } }),
    }));
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
      const state = reservations?.at(0)?.Instances?.at(0)?.State?.Name ?? '';
      if (state === wanted) return;
      if (wanted !== 'terminated' && ['shutting-down', 'terminated'].includes(state))
        throw new Error(
          `Error waiting for instance (${instanceId}) to become ready: ResourceNotReady: failed waiting for successful resource state`,
        );
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
    this.#hasAmi = true;
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
    for (const cleanUp of this.#cleanUps.splice(0).toReversed()) {
      try {
        await cleanUp(failed);
      } catch (error) {
        this.#build.log(`Error cleaning up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** The template's provisioner for a failure. */
  #tellWhenToEnd(instanceId: string): void {
    if (this.#keepMinutes === 0) return;
    this.#toldToEnd = instanceId;
    this.#build.shutDown(this.#region, instanceId, this.#keepMinutes * MINUTE);
  }

  #step(step: PackerStep, onFailure?: () => void): void {
    const failure = this.#behaviour.fail?.(this.#build.environment, this.#run, this.#build.accountId);
    if (failure?.at !== step) return;
    onFailure?.();
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
