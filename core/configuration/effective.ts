/** The settings of one image in one target, and where each of them comes from. */
import { targetName, type Target } from '../contract/targets.ts';
import { chosenImage, chosenStage, layersOf, type Configuration, type Overrides } from './configuration.ts';
import type { Factory, Image } from './factory.ts';
import { sectionsFor, type Layer } from './layers.ts';
import { locate, locateNearest, mergeSections, statements, type Section } from './merge.ts';
import { plain } from './documents/nodes.ts';
import {
  InvalidConfiguration,
  nearest,
  pathText,
  problem,
  shown,
  throwIfAny,
  type Path,
  type Problem,
} from './documents/problems.ts';
import { type Everywhere, type MissingSetting, missingProblems } from './missing.ts';
import type { PackerDirectory } from './packer-directory.ts';
import {
  DEFAULT_SSH_INTERFACE,
  EBS_KEY,
  KEEP,
  SPOT,
  settingsSchema,
  type Settings,
  type ToldVariable,
} from './settings.ts';
import { type Located, missingKeys, schemaProblems } from './documents/validation.ts';

/** A value and the place that states it; the file is "default" for what no layer states. */
export interface StatedValue {
  readonly value: unknown;
  readonly file: string;
  /** 0 for defaults and overrides, which have no lines. */
  readonly line: number;
  /** Path inside that file, like `accounts.111111111111.network.vpcId`. */
  readonly path: string;
}

/** Where one effective value comes from. */
export interface Origin {
  /** Path in the settings, like `network.vpcId`. */
  readonly setting: string;
  readonly from: StatedValue;
  /** What it took the place of, newest first. */
  readonly overrode: readonly StatedValue[];
}

/**
 * The settings of one image in one target of one stage, and the origin of each of them.
 *  @example
 *    const { settings } = effectiveSettings(loadConfiguration(files), {
 *      image: 'linux-base', stage: 'dev', target: { accountId: '111111111111', region: 'eu-west-1' },
 *    });
 *  @throws InvalidConfiguration
 */
export function effectiveSettings(
  configuration: Configuration,
  request: {
    readonly image: string;
    readonly stage: string;
    readonly target: Target;
    readonly overrides?: Overrides;
  },
): { settings: Settings; origins: readonly Origin[] } {
  const { factory } = configuration;
  const image = chosenImage(factory, request.image);
  const targets = chosenStage(factory, request.stage).targets;
  if (!targets.some((target) => targetName(target) === targetName(request.target))) {
    const known = nearest(targetName(request.target), targets.map(targetName));
    const message = `found no target ${shown(targetName(request.target))} in the stage ${request.stage}, ${known}`;
    throw new InvalidConfiguration([problem('factory.yaml', 0, ['stages'], message)]);
  }
  const layers = layersOf(configuration, image.name, request.stage, request.overrides);
  const sections = sectionsFor(layers, request.target);
  const { settings, problems, missing } = validate(configuration, image, request.stage, layers, sections);
  const late =
    settings === undefined ? [] : targetProblems(settings, sections, request.stage, request.target);
  const absent = missingProblems(missing, everywhere(factory));
  throwIfAny([...layers.flatMap((layer) => layer.problems), ...problems, ...absent, ...late]);
  if (settings === undefined) throw new Error('settings without problems have been read');
  return { settings, origins: originsOf(settings, sections) };
}

/** The merged sections against the schema and against the rest of the factory. */
export function validate(
  configuration: Configuration,
  image: Image,
  stage: string,
  layers: readonly Layer[],
  sections: readonly Section[],
): { settings: Settings | undefined; problems: Problem[]; missing: readonly MissingSetting[] } {
  // What an unreadable layer would have set must not be called missing.
  if (layers.some((layer) => !layer.readable)) return { settings: undefined, problems: [], missing: [] };
  const value = plain(mergeSections(sections));
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success) {
    const locateHere = (path: Path) =>
      locateNearest(sections, path, `images/${image.name}/config/default.yaml`);
    const { issues } = parsed.error;
    const problems = schemaProblems(issues, { value, locate: locateHere, missing: () => undefined });
    const missing = missingKeys(issues, value).map(({ path, must }) => ({
      image: image.name,
      stage,
      path,
      must,
      nearest: locateHere(path),
    }));
    return { settings: undefined, problems, missing };
  }
  const problems = [
    ...imageSourceProblems(configuration, image, parsed.data, sections),
    ...sshProblems(image, parsed.data, sections),
    ...spotProblems(image, parsed.data, sections),
    ...keepProblems(configuration.factory, { image, stage }, parsed.data, sections),
  ];
  return { settings: forPlatform(image, forTemplate(image, parsed.data)), problems, missing: [] };
}

/** What there is to be missing in. */
export const everywhere = ({ images, stages }: Factory): Everywhere => ({
  images: images.map(({ name }) => name),
  stages: stages.map(({ name }) => name),
});

function at(sections: readonly Section[], path: Path, message: string): Problem {
  const found = locateNearest(sections, path, 'default');
  return problem(found.file, found.line, found.path, message);
}

const forPlatform = ({ platform }: Image, { sshInterface, ...settings }: Settings): Settings =>
  platform === 'linux' ? { ...settings, sshInterface: sshInterface ?? DEFAULT_SSH_INTERFACE } : settings;

/** Whether a template that knows nothing of packleader is told of it. */
const isMapped = ({ variables }: PackerDirectory, told: ToldVariable): boolean =>
  Object.values(variables).includes(told);

const forTemplate = (image: Image, { spot, onFailure, ...settings }: Settings): Settings => ({
  ...settings,
  ...(spot !== undefined && whyNoSpot(image) === undefined && { spot }),
  ...(onFailure !== undefined && isToldToKeep(image) && { onFailure }),
});

const isToldToKeep = ({ packer }: Image): boolean => packer === undefined || isMapped(packer, KEEP);

/**
 * A builder that is kept is for whoever writes the image: never where the image has to work. A common layer may say it for the images
 * whose templates are told.
 */
function keepProblems(
  { stages }: Factory,
  { image, stage }: { readonly image: Image; readonly stage: string },
  { onFailure }: Settings,
  sections: readonly Section[],
): Problem[] {
  if (onFailure !== 'keep') return [];
  const { name } = image;
  const first = stages[0]?.name ?? '';
  if (stage !== first)
    return [
      at(
        sections,
        ['onFailure'],
        `found keep, must be so in no stage after ${first}, the first: write it into config/${first}.yaml or images/${name}/config/${first}.yaml`,
      ),
    ];
  if (isToldToKeep(image) || locate(sections, ['onFailure'])?.file.startsWith('config/') === true) return [];
  return [
    at(
      sections,
      ['onFailure'],
      `found keep for an image whose template is not told of it, must be absent, or images/${name}/image.yaml must map a variable to ${KEEP} under packer.variables`,
    ),
  ];
}

function whyNoSpot({ name, platform, packer }: Image): string | undefined {
  // Sysprep shuts Windows down, and EC2 terminates a Spot Instance that shuts down: before there is an AMI.
  if (platform === 'windows') return 'for a Windows image, must be absent: only Linux has it';
  if (packer === undefined || isMapped(packer, SPOT)) return undefined;
  return `for an image whose template is not told of it, must be absent, or images/${name}/image.yaml must map a variable to spot under packer.variables`;
}

/** A common layer may say it for the images that have it; one that has not may not itself. */
function spotProblems(image: Image, { spot }: Settings, sections: readonly Section[]): Problem[] {
  const why = whyNoSpot(image);
  if (spot === undefined || why === undefined) return [];
  if (locate(sections, ['spot'])?.file.startsWith('config/') === true) return [];
  return [at(sections, ['spot'], `found ${String(spot)} ${why}`)];
}

/** A common layer may set it for the images that have a choice; a Windows image itself may not, nor one whose template is not told. */
function sshProblems(
  { name, platform, packer }: Image,
  { sshInterface }: Settings,
  sections: readonly Section[],
): Problem[] {
  const isTold = packer === undefined || Object.values(packer.variables).includes('ssh_interface');
  if (sshInterface === undefined || (platform === 'linux' && isTold)) return [];
  if (locate(sections, ['sshInterface'])?.file.startsWith('config/') === true) return [];
  const why =
    platform === 'linux'
      ? `for an image whose template says itself how its builder is reached, must be absent, or images/${name}/image.yaml must map a variable to ssh_interface under packer.variables`
      : 'for a Windows image, must be absent: only Linux has it';
  return [at(sections, ['sshInterface'], `found ${shown(sshInterface)} ${why}`)];
}

function imageSourceProblems(
  { factory, imageNames }: Configuration,
  image: Image,
  { source }: Settings,
  sections: readonly Section[],
): Problem[] {
  if (!('image' in source)) return [];
  const say = (message: string) => [at(sections, ['source', 'image'], message)];
  const others = imageNames.filter((name) => name !== image.name);
  if (source.image === image.name)
    return say(`found the image itself, must be another image, ${nearest('', others)}`);
  if (!imageNames.includes(source.image)) {
    return say(
      `found ${shown(source.image)}, must be an image of this factory, ${nearest(source.image, others)}`,
    );
  }
  const base = factory.images.find(({ name }) => name === source.image);
  if (base === undefined || base.platform === image.platform) return [];
  return say(`found ${shown(base.name)}, a ${base.platform} image, must be a ${image.platform} image`);
}

/** What depends on the target itself, and not only on the sections that apply to it. */
export function targetProblems(
  { source, kmsKeyId, consumers }: Settings,
  sections: readonly Section[],
  stage: string,
  target: Target,
): Problem[] {
  const { region, accountId } = target;
  const problems: Problem[] = [];
  if ('ids' in source && !Object.hasOwn(source.ids, region)) {
    const message = `found no AMI id for ${region}, must have one: ${stage} has a target there`;
    problems.push(at(sections, ['source', 'ids'], message));
  }
  const [, , , keyRegion = region, keyAccount = accountId] = kmsKeyId.split(':');
  if (keyRegion !== region || keyAccount !== accountId) {
    const message = `found a key of ${keyAccount} in ${keyRegion}, must be one of ${targetName(target)}, where ${stage} bakes: an alias is a key of its own in every account and region`;
    problems.push(at(sections, ['kmsKeyId'], message));
  }
  if (consumers !== undefined && kmsKeyId.endsWith(EBS_KEY)) {
    const message = `found ${shown(kmsKeyId)} with consumers, must be a key of your own: what AWS’s own key for EBS encrypts can be shared with nobody`;
    problems.push(at(sections, ['kmsKeyId'], message));
  }
  return problems;
}

/** A part of a network that a target is told to use, and where that is said. */
export interface NetworkUse {
  readonly id: string;
  readonly region: string;
  readonly at: Located;
}

/** Every part of the network that the bakes of a target would use. */
export function networkUses(
  { network }: Settings,
  sections: readonly Section[],
  { region }: Target,
): NetworkUse[] {
  if (network === undefined) return [];
  const uses: readonly (readonly [Path, string])[] = [
    [['network', 'vpcId'], network.vpcId],
    ...(network.subnetId === undefined ? [] : [[['network', 'subnetId'], network.subnetId] as const]),
    ...(network.subnetIds ?? []).map((id, index) => [['network', 'subnetIds', index], id] as const),
    ...network.securityGroupIds.map((id, index) => [['network', 'securityGroupIds', index], id] as const),
  ];
  return uses.map(([path, id]) => ({ id, region, at: locateNearest(sections, path, 'default') }));
}

/** One origin per scalar, list and empty map of the settings. */
const originsOf = (settings: Settings, sections: readonly Section[]): Origin[] =>
  leaves(settings, []).map(({ path, value }) => {
    const stated = statements(sections, path).map((one) => ({ ...one, path: pathText(one.path) }));
    const last = stated.at(-1);
    const byDefault = { value, file: 'default', line: 0, path: pathText(path) };
    const isDefault = last === undefined || last.value === null;
    return {
      setting: pathText(path),
      from: isDefault ? byDefault : { ...last, value },
      overrode: (isDefault ? stated : stated.slice(0, -1)).toReversed(),
    };
  });

function leaves(value: unknown, path: readonly string[]): { path: readonly string[]; value: unknown }[] {
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0) return [{ path, value }];
  return entries.flatMap(([key, item]) => (item === undefined ? [] : leaves(item, [...path, key])));
}

/** The same; undefined where it is invalid, which others say. */
export function settingsIfValid(
  ...request: Parameters<typeof effectiveSettings>
): ReturnType<typeof effectiveSettings> | undefined {
  try {
    return effectiveSettings(...request);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return undefined;
    throw error;
  }
}
