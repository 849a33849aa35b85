/** What a template of Packer is told. */
import { releaseTags, type Release } from '../contract/releases.ts';
import type { SecretReference } from '../contract/secrets.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import type { Target } from '../contract/targets.ts';
import type { PackerDirectory } from './packer-directory.ts';
import { DEFAULT_KEPT_HOURS } from '../contract/limits.ts';
import {
  isSecretReference,
  KEEP,
  type PackleaderVariable,
  SPOT,
  type Settings,
  TOLD_VARIABLES,
} from './settings.ts';
import { amiName } from './version.ts';

/** Variables that come from the release, and from no setting. */
type ReleaseVariable = 'ami_name' | 'region' | 'source_ami' | 'tags';

/** Where the configuration states a setting: at the top, or one below. */
type SettingPath = {
  readonly [K in keyof Settings]-?: readonly [K] | readonly [K, keyof NonNullable<Settings[K]> & string];
}[keyof Settings];

/** The settings that become variables of every bake, by the variable's name. */
const SETTING_OF: Readonly<Record<Exclude<PackleaderVariable, ReleaseVariable>, SettingPath>> = {
  architecture: ['architecture'],
  instance_type: ['instanceType'],
  vpc_id: ['network', 'vpcId'],
  subnet_id: ['network', 'subnetId'],
  security_group_ids: ['network', 'securityGroupIds'],
  kms_key_id: ['kmsKeyId'],
  instance_profile: ['instanceProfile'],
  root_volume_size_gib: ['rootVolumeSizeGiB'],
  timeout_minutes: ['timeoutMinutes'],
  ssh_interface: ['sshInterface'],
};

/** The path of the setting behind a variable: `network.vpcId`, or `variables.<name>` of a template's own. */
export function settingOf(variable: string): string {
  if (variable === SPOT) return SPOT;
  if (variable === KEEP) return 'onFailure';
  const path = Object.entries(SETTING_OF).find(([name]) => name === variable)?.[1];
  return path?.join('.') ?? `variables.${variable}`;
}

/** Where a builder may run, in order: for the bake, which tells Packer one of each. */
export interface BuilderChoices {
  readonly instanceTypes: readonly string[];
  /** An empty one is the default VPC's. */
  readonly subnetIds: readonly string[];
  /** Of DescribeSubnets: the subnets that match too. */
  readonly subnetFilters?: Readonly<Record<string, readonly string[]>>;
  /** Whether a Spot Instance is asked for in each of these places first. */
  readonly spot?: true;
  /** For how long the builder is kept when its bake fails. */
  readonly keepMinutes?: number;
}

/** For how long the builder of a bake that fails is kept; 0 for not at all. */
export const keepMinutes = ({ onFailure, keepHours = DEFAULT_KEPT_HOURS }: Settings): number =>
  onFailure === 'keep' ? keepHours * 60 : 0;

/** Undefined where a builder runs in one place only, as the variables say, and nothing else is asked of the bake. */
export function builderChoices(settings: Settings): BuilderChoices | undefined {
  const { instanceType, instanceTypes: others = [], network, spot } = settings;
  const minutes = keepMinutes(settings);
  const instanceTypes = [...new Set([instanceType, ...others])];
  const named = namedSubnets(network);
  const asked = { ...(spot === true && { spot }), ...(minutes > 0 && { keepMinutes: minutes }) };
  const subnetFilters = subnetFiltersOf(network);
  if (subnetFilters === undefined) {
    const subnetIds = named.length === 0 ? [''] : named;
    const isChoice = instanceTypes.length * subnetIds.length > 1 || Object.keys(asked).length > 0;
    return isChoice ? { instanceTypes, subnetIds, ...asked } : undefined;
  }
  return { instanceTypes, subnetIds: named, subnetFilters, ...asked };
}

/** Of DescribeSubnets, for the subnets that a network has by their tags; undefined where it has none so. */
export function subnetFiltersOf(network: Settings['network']): Record<string, string[]> | undefined {
  if (network?.subnetTags === undefined) return undefined;
  const tags = Object.entries(network.subnetTags).map(([key, value]) => [`tag:${key}`, [value]]);
  return { 'vpc-id': [network.vpcId], state: ['available'], ...Object.fromEntries(tags) };
}

/** The subnets that a network names, in the order in which they are tried. */
export const namedSubnets = (network: Settings['network']): string[] => [
  ...new Set([network?.subnetId ?? [], network?.subnetIds ?? []].flat()),
];

/**
 * The variables of one bake (`pkrvars.json`) and the secrets among them, by variable name; `source_ami` is not among them, because
 * the bake gets it from its environment, nor are secrets, which it resolves itself. The template adds the tag
 * `packleader:source-ami` to `tags`, because only the bake knows that AMI.
 */
export function packerVariables({
  release,
  stage,
  target,
  settings,
  execution,
}: {
  readonly release: Release;
  readonly stage: string;
  readonly target: Target;
  readonly settings: Settings;
  /** Name of the execution of `packleader-release-image`. */
  readonly execution: string;
}): {
  variables: Record<string, unknown>;
  secrets: Record<string, SecretReference>;
  /** Of the AMI and its snapshots, as among the variables. */
  tags: Record<string, string>;
} {
  const secrets: Record<string, SecretReference> = {};
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings.variables)) {
    if (isSecretReference(value)) secrets[name] = value;
    else own[name] = value;
  }
  const name = amiName(release);
  const tags = {
    ...settings.tags,
    [TAGS.name]: name,
    ...releaseTags(release, stage),
    [TAGS.execution]: execution,
    [TAGS.state]: STATES.candidate,
    [TAGS.autoCleanup]: 'true',
  };
  const variables = {
    ...own,
    region: target.region,
    ami_name: name,
    tags,
    ...Object.fromEntries(
      Object.entries(SETTING_OF)
        .map(([variable, path]) => [variable, valueAt({ ...settings, network: networkOf(settings) }, path)])
        .filter(([, value]) => value !== undefined),
    ),
  };
  return { variables, secrets, tags };
}

/** To Packer as to EC2, no name is the default VPC, and a subnet of it. The first subnet is what is tried first. */
const networkOf = ({ network }: Settings): Settings['network'] => ({
  ...(network ?? { vpcId: '', securityGroupIds: [] }),
  subnetId: namedSubnets(network)[0] ?? '',
});

function valueAt(settings: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => Reflect.get(Object(value), key), settings);
}

/**
 * What a template is told that knows nothing of packleader: its own variables, those that `image.yaml` maps, and everything that
 * packleader tells in one variable, which the copy that is baked declares.
 */
export function adoptedVariables(
  told: Readonly<Record<string, unknown>>,
  { variables }: Pick<PackerDirectory, 'variables'>,
): Record<string, unknown> {
  const isOurs = (name: string): boolean => TOLD_VARIABLES.some((one) => one === name);
  const own = Object.entries(told).filter(([name]) => !isOurs(name));
  const mapped = Object.entries(variables).flatMap(([name, ours]) =>
    Object.hasOwn(told, ours) ? [[name, told[ours]] as const] : [],
  );
  const ours = Object.entries(told).filter(([name]) => isOurs(name) && name !== SPOT && name !== KEEP);
  return { ...Object.fromEntries([...own, ...mapped]), packleader: Object.fromEntries(ours) };
}
