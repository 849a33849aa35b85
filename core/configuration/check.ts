/** Everything that is wrong with a factory. */
import { layersOf, readConfiguration, type Configuration, type Overrides } from './configuration.ts';
import { regionProblems, validate } from './effective.ts';
import type { FactoryFiles, Image } from './factory.ts';
import { overridesLayer, sectionsFor, sectionsKey } from './layers.ts';
import { nearest, problem, shown, sortedProblems, type Problem } from './documents/problems.ts';
import { cycleProblems } from './tiers.ts';

/**
 * Everything that is wrong: with the factory itself, and with the chosen images (all unless told) in every target of every
 * stage. Never throws for what the files say.
 */
export function checkFactory(
  files: FactoryFiles,
  { images, overrides }: { readonly images?: readonly string[]; readonly overrides?: Overrides } = {},
): Problem[] {
  const { configuration, layers, problems } = readConfiguration(files);
  if (configuration === undefined) {
    return sortedProblems([...problems, ...[...layers.values()].flatMap((layer) => layer.problems)]);
  }
  const { factory, imageNames } = configuration;
  const chosen = images ?? imageNames;
  const unknown = chosen
    .filter((name) => !imageNames.includes(name))
    .map((name) => problem('images', 0, [], `found no image ${shown(name)}, ${nearest(name, imageNames)}`));
  // What is wrong in the layers of an image that was not chosen must not stop the others.
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
}

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
