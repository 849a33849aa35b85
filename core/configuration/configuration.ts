/** A factory with all its layers, read once. */
import {
  imageDirectories,
  readFactory,
  templateDirectories,
  type Factory,
  type FactoryFiles,
  type Image,
} from './factory.ts';
import { layerFiles, overridesLayer, readLayers, type Layer } from './layers.ts';
import { InvalidConfiguration, nearest, problem, shown, throwIfAny } from './documents/problems.ts';

export type Overrides = Readonly<Record<string, unknown>>;

/** A factory with its layers, read once; see {@link loadConfiguration}. */
export interface Configuration {
  readonly factory: Factory;
  /** Names of all image directories, also of those whose image.yaml is wrong. */
  readonly imageNames: readonly string[];
  /** Names of all template directories, also of those that no image takes. */
  readonly templateNames: readonly string[];
  readonly layers: ReadonlyMap<string, Layer>;
}

/**
 * Reads the factory and every layer, without judging the layers: what is wrong with them is said when they are used.
 *  @throws InvalidConfiguration when factory.yaml, an image.yaml or the place of a file is wrong
 */
export function loadConfiguration(files: FactoryFiles): Configuration {
  const { configuration, problems } = readConfiguration(files);
  throwIfAny(problems);
  if (configuration === undefined) throw new Error('a factory without problems has been read');
  return configuration;
}

/** What can be read in spite of the problems; the same files are read once. */
export function readConfiguration(files: FactoryFiles) {
  const known = alreadyRead.get(files) ?? readFiles(files);
  alreadyRead.set(files, known);
  return known;
}

const alreadyRead = new WeakMap<FactoryFiles, ReturnType<typeof readFiles>>();

function readFiles(files: FactoryFiles) {
  const { factory, problems } = readFactory(files);
  const layers = readLayers(files, factory);
  const configuration = factory && {
    factory,
    imageNames: imageDirectories(files),
    templateNames: templateDirectories(files),
    layers,
  };
  return { configuration, layers, problems };
}

/** The image of that name. @throws InvalidConfiguration that suggests the nearest one */
export function chosenImage(factory: Factory, name: string): Image {
  const image = factory.images.find((one) => one.name === name);
  if (image !== undefined) return image;
  const known = factory.images.map((one) => one.name);
  throw new InvalidConfiguration([
    problem('images', 0, [], `found no image ${shown(name)}, ${nearest(name, known)}`),
  ]);
}

/** The stage of that name. @throws InvalidConfiguration that suggests the nearest one */
export function chosenStage({ stages }: Factory, name: string) {
  const stage = stages.find((one) => one.name === name);
  if (stage !== undefined) return stage;
  const message = `found no stage ${shown(name)}, ${nearest(
    name,
    stages.map((one) => one.name),
  )}`;
  throw new InvalidConfiguration([problem('factory.yaml', 0, ['stages'], message)]);
}

/** The layers that there are for an image in a stage, lowest first. */
export function layersOf(
  { factory, layers }: Configuration,
  image: string,
  stage: string,
  overrides: Overrides | undefined,
): Layer[] {
  const files = layerFiles(image, stage).map((file) => layers.get(file));
  const last = overrides === undefined ? undefined : overridesLayer(overrides, factory);
  return [...files, last].filter((layer) => layer !== undefined);
}
