/** The configuration of a factory: the effective settings of an image in a target, and everything wrong with it. */
import { targetName, type Target } from '../contract.ts';
import { imageDirectories, readFactory, type Factory, type FactoryFiles, type Image } from './factory.ts';
import {
  layerFiles,
  OVERRIDES,
  overridesLayer,
  readLayers,
  sectionsFor,
  sectionsKey,
  type Layer,
} from './layers.ts';
import { locate, mergeSections, statements, type Section } from './merge.ts';
import { plain, walk } from './nodes.ts';
import {
  InvalidConfiguration,
  nearest,
  pathText,
  problem,
  shown,
  sortedProblems,
  throwIfAny,
  type Path,
  type Problem,
} from './problems.ts';
import { DEFAULT_SSH_INTERFACE, settingsSchema, type Settings } from './settings.ts';
import { schemaProblems, type Located } from './validation.ts';

export type Overrides = Readonly<Record<string, unknown>>;

/** A factory with its layers, read once; see {@link loadConfiguration}. */
export interface Configuration {
  readonly factory: Factory;
  /** Names of all image directories, also of those whose image.yaml is wrong. */
  readonly imageNames: readonly string[];
  readonly layers: ReadonlyMap<string, Layer>;
}

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
 * Reads the factory and every layer, without judging the layers: what is wrong with them is said when they are used.
 *
 * @throws InvalidConfiguration when factory.yaml, an image.yaml or the place of a file is wrong
 */
export const loadConfiguration = (files: FactoryFiles): Configuration => {
  const { configuration, problems } = readConfiguration(files);
  throwIfAny(problems);
  if (configuration === undefined) throw new Error('a factory without problems has been read');
  return configuration;
};

const readConfiguration = (files: FactoryFiles) => {
  const { factory, problems } = readFactory(files);
  const layers = readLayers(files, factory);
  const configuration = factory && { factory, imageNames: imageDirectories(files), layers };
  return { configuration, layers, problems };
};

/**
 * The settings of one image in one target of one stage, and the origin of each of them.
 *
 * @example
 * const { settings } = effectiveSettings(loadConfiguration(files), {
 *   image: 'linux-base', stage: 'dev', target: { accountId: '111111111111', region: 'eu-west-1' },
 * });
 * @throws InvalidConfiguration
 */
export const effectiveSettings = (
  configuration: Configuration,
  request: {
    readonly image: string;
    readonly stage: string;
    readonly target: Target;
    readonly overrides?: Overrides;
  },
): { settings: Settings; origins: readonly Origin[] } => {
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
  const { settings, problems } = validate(configuration, image, request.stage, layers, sections);
  const late =
    settings === undefined ? [] : regionProblems(settings, sections, request.stage, request.target);
  throwIfAny([...layers.flatMap((layer) => layer.problems), ...problems, ...late]);
  if (settings === undefined) throw new Error('settings without problems have been read');
  return { settings, origins: originsOf(settings, sections) };
};

/** The image of that name. @throws InvalidConfiguration that suggests the nearest one */
export const chosenImage = (factory: Factory, name: string): Image => {
  const image = factory.images.find((one) => one.name === name);
  if (image !== undefined) return image;
  const known = factory.images.map((one) => one.name);
  throw new InvalidConfiguration([
    problem('images', 0, [], `found no image ${shown(name)}, ${nearest(name, known)}`),
  ]);
};

/** The stage of that name. @throws InvalidConfiguration that suggests the nearest one */
export const chosenStage = ({ stages }: Factory, name: string) => {
  const stage = stages.find((one) => one.name === name);
  if (stage !== undefined) return stage;
  const message = `found no stage ${shown(name)}, ${nearest(
    name,
    stages.map((one) => one.name),
  )}`;
  throw new InvalidConfiguration([problem('factory.yaml', 0, ['stages'], message)]);
};

/**
 * Everything that is wrong: with the factory itself, and with the chosen images (all unless told) in every target of every
 * stage. Never throws for what the files say.
 */
export const checkFactory = (
  files: FactoryFiles,
  { images, overrides }: { readonly images?: readonly string[]; readonly overrides?: Overrides } = {},
): Problem[] => {
  const { configuration, layers, problems } = readConfiguration(files);
  if (configuration === undefined) {
    return sortedProblems([...problems, ...[...layers.values()].flatMap((layer) => layer.problems)]);
  }
  const { factory, imageNames } = configuration;
  const chosen = images ?? imageNames;
  const unknown = chosen
    .filter((name) => !imageNames.includes(name))
    .map((name) => problem('images', 0, [], `found no image ${shown(name)}, ${nearest(name, imageNames)}`));
  // Without an image or with all of them, every layer is looked at; a layer of another image is nobody's business.
  const used = [...layers.values()].filter(({ file }) => {
    const of = /^images\/([^/]+)\//.exec(file)?.[1];
    return of === undefined || chosen.includes(of);
  });
  const checked = factory.images
    .filter(({ name }) => chosen.includes(name))
    .flatMap((image) => checkImage(configuration, image, overrides));
  const overridden = overrides === undefined ? [] : overridesLayer(overrides, factory).problems;
  return sortedProblems([
    ...problems,
    ...unknown,
    ...used.flatMap((layer) => layer.problems),
    ...overridden,
    ...checked,
    ...cycleProblems(configuration, chosen, overrides),
  ]);
};

const checkImage = (
  configuration: Configuration,
  image: Image,
  overrides: Overrides | undefined,
): Problem[] =>
  configuration.factory.stages.flatMap(({ name, targets }) => {
    const layers = layersOf(configuration, image.name, name, overrides);
    const validated = new Map<string, ReturnType<typeof validate>>();
    return targets.flatMap((target) => {
      const sections = sectionsFor(layers, target);
      const key = sectionsKey(layers, target);
      const known = validated.get(key);
      const result = known ?? validate(configuration, image, name, layers, sections);
      validated.set(key, result);
      const late =
        result.settings === undefined ? [] : regionProblems(result.settings, sections, name, target);
      return known === undefined ? [...result.problems, ...late] : late;
    });
  });

const layersOf = (
  { factory, layers }: Configuration,
  image: string,
  stage: string,
  overrides: Overrides | undefined,
): Layer[] => {
  const files = layerFiles(image, stage).map((file) => layers.get(file));
  const last = overrides === undefined ? undefined : overridesLayer(overrides, factory);
  return [...files, last].filter((layer) => layer !== undefined);
};

const validate = (
  configuration: Configuration,
  image: Image,
  stage: string,
  layers: readonly Layer[],
  sections: readonly Section[],
): { settings: Settings | undefined; problems: Problem[] } => {
  // What an unreadable layer would have set must not be called missing.
  if (layers.some((layer) => !layer.readable)) return { settings: undefined, problems: [] };
  const value = plain(mergeSections(sections));
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success) {
    const settable = [...layerFiles(image.name, stage), OVERRIDES];
    const problems = schemaProblems(parsed.error.issues, {
      value,
      locate: (path) => nearestLocation(sections, path, `images/${image.name}/config/default.yaml`),
      missing: (must) =>
        `found nothing for ${image.name} in ${stage}, ${must}: set it in one of ${settable.join(', ')}`,
    });
    return { settings: undefined, problems };
  }
  const problems = [
    ...imageSourceProblems(configuration, image, parsed.data, sections),
    ...sshProblems(image, parsed.data, sections),
  ];
  return { settings: forPlatform(image, parsed.data), problems };
};

/** Where the path, or else the closest thing around it, was written. */
const nearestLocation = (sections: readonly Section[], path: Path, otherwise: string): Located => {
  for (let length = path.length; length > 0; length -= 1) {
    const found = locate(sections, path.slice(0, length));
    if (found !== undefined) return { ...found, path: [...found.path, ...path.slice(length)] };
  }
  return { file: otherwise, line: 0, path };
};

const at = (sections: readonly Section[], path: Path, message: string): Problem => {
  const found = nearestLocation(sections, path, 'default');
  return problem(found.file, found.line, found.path, message);
};

const forPlatform = ({ platform }: Image, { sshInterface, ...settings }: Settings): Settings =>
  platform === 'linux' ? { ...settings, sshInterface: sshInterface ?? DEFAULT_SSH_INTERFACE } : settings;

/** A common layer may set it for the Linux images that share the layer; a Windows image itself may not. */
const sshProblems = (
  { platform }: Image,
  { sshInterface }: Settings,
  sections: readonly Section[],
): Problem[] => {
  if (platform === 'linux' || sshInterface === undefined) return [];
  if (locate(sections, ['sshInterface'])?.file.startsWith('config/') === true) return [];
  return [
    at(
      sections,
      ['sshInterface'],
      `found ${shown(sshInterface)} for a Windows image, must be absent: only Linux has it`,
    ),
  ];
};

const imageSourceProblems = (
  { factory, imageNames }: Configuration,
  image: Image,
  { source }: Settings,
  sections: readonly Section[],
): Problem[] => {
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
};

const regionProblems = (
  { source }: Settings,
  sections: readonly Section[],
  stage: string,
  { region }: Target,
): Problem[] =>
  'ids' in source && !Object.hasOwn(source.ids, region)
    ? [
        at(
          sections,
          ['source', 'ids'],
          `found no AMI id for ${region}, must have one: ${stage} has a target there`,
        ),
      ]
    : [];

// ---------------------------------------------------------------------------------------------- origins

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

const leaves = (value: unknown, path: readonly string[]): { path: readonly string[]; value: unknown }[] => {
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0) return [{ path, value }];
  return entries.flatMap(([key, item]) => (item === undefined ? [] : leaves(item, [...path, key])));
};

// ---------------------------------------------------------------------------------------------- images on images

/** The images that this one is built on in any target, whether or not the rest of its configuration is valid. */
export const baseImages = (configuration: Configuration, image: string, overrides?: Overrides): string[] => [
  ...baseStatements(configuration, image, overrides).keys(),
];

const baseStatements = (
  configuration: Configuration,
  image: string,
  overrides: Overrides | undefined,
): Map<string, Located> => {
  const bases = new Map<string, Located>();
  for (const stage of configuration.factory.stages) {
    const layers = layersOf(configuration, image, stage.name, overrides);
    const seen = new Set<string>();
    for (const target of stage.targets) {
      const key = sectionsKey(layers, target);
      if (seen.has(key)) continue;
      seen.add(key);
      const sections = sectionsFor(layers, target);
      const path = ['source', 'image'];
      const { node, steps } = walk(mergeSections(sections), path);
      if (steps < path.length || node.kind !== 'scalar' || typeof node.value !== 'string') continue;
      if (!bases.has(node.value)) bases.set(node.value, nearestLocation(sections, path, OVERRIDES));
    }
  }
  return bases;
};

const cycleProblems = (
  configuration: Configuration,
  images: readonly string[],
  overrides: Overrides | undefined,
): Problem[] => {
  const bases = new Map<string, Map<string, Located>>();
  const basesOf = (image: string) => {
    const known = bases.get(image) ?? baseStatements(configuration, image, overrides);
    bases.set(image, known);
    return known;
  };
  const problems: Problem[] = [];
  const finished = new Set<string>();
  const follow = (image: string, chain: readonly string[]): void => {
    if (finished.has(image)) return;
    for (const [base, where] of basesOf(image)) {
      const start = [...chain, image].indexOf(base);
      // An image on itself has its own sentence.
      if (base === image || !configuration.imageNames.includes(base)) continue;
      if (start === -1) {
        follow(base, [...chain, image]);
      } else {
        const circle = [...[...chain, image].slice(start), base].join(' -> ');
        problems.push(
          problem(
            where.file,
            where.line,
            where.path,
            `found images built on each other, must not be a circle: ${circle}`,
          ),
        );
      }
    }
    finished.add(image);
  };
  for (const image of images) follow(image, []);
  return problems;
};

/**
 * The images in the order of their release: a tier may start when the one before it is done. Only the given images count;
 * a base that is not among them is taken as released before.
 *
 * @throws InvalidConfiguration when images are built on each other
 */
export const imagesInTiers = (
  images: readonly string[],
  basesOf: (image: string) => readonly string[],
): string[][] => {
  const tiers: string[][] = [];
  let waiting = [...new Set(images)].sort();
  while (waiting.length > 0) {
    const left = new Set(waiting);
    const tier = waiting.filter((image) => !basesOf(image).some((base) => left.has(base)));
    if (tier.length === 0) {
      const message = `found images built on each other, must not be a circle: ${waiting.join(', ')}`;
      throw new InvalidConfiguration([problem('images', 0, [], message)]);
    }
    tiers.push(tier);
    waiting = waiting.filter((image) => !tier.includes(image));
  }
  return tiers;
};
