/** Everything that is wrong with a factory. */
import { layersOf, readConfiguration, type Configuration, type Overrides } from './configuration.ts';
import { type NetworkUse, everywhere, networkUses, targetProblems, validate } from './effective.ts';
import { type MissingSetting, missingProblems } from './missing.ts';
import type { FactoryFiles, Image } from './factory.ts';
import { overridesLayer, sectionsFor, sectionsKey } from './layers.ts';
import { nearest, problem, shown, sortedProblems, type Problem } from './documents/problems.ts';
import { copyProblems } from './copies.ts';
import { parityProblems } from './parity.ts';
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
  const missing: MissingSetting[] = [];
  const uses: NetworkUse[] = [];
  const checked = factory.images
    .filter(({ name }) => chosen.includes(name))
    .flatMap((image) => checkImage(configuration, image, overrides, { missing, uses }));
  const overridden = overrides === undefined ? [] : overridesLayer(overrides, factory).problems;
  return sortedProblems([
    ...problems,
    ...unknown,
    ...used.flatMap((layer) => layer.problems),
    ...overridden,
    ...checked,
    ...missingProblems(missing, everywhere(factory)),
    ...networkProblems(uses),
    ...cycleProblems(configuration, chosen, overrides),
    ...parityProblems(configuration, chosen, overrides),
    ...copyProblems(configuration, chosen, overrides),
  ]);
}

/** Nothing of a network is in two regions: where an id is said for two, one of them has no such thing. */
function networkProblems(uses: readonly NetworkUse[]): Problem[] {
  const found = inTwoRegions(uses);
  // Whatever else is of a VPC goes with it.
  const ofVpcs = found.filter(({ path }) => path.endsWith('network.vpcId'));
  return ofVpcs.length > 0 ? ofVpcs : found;
}

function inTwoRegions(uses: readonly NetworkUse[]): Problem[] {
  return [...Map.groupBy(uses, ({ id }) => id)].flatMap(([id, same]) => {
    const regions = [...new Set(same.map(({ region }) => region))];
    if (regions.length === 1) return [];
    const places = new Map(same.map(({ at }) => [`${at.file}:${at.line}`, at]));
    return [...places.values()].map(({ file, line, path }) =>
      problem(
        file,
        line,
        path,
        `found ${id} for ${regions.join(' and ')}, must be in one region: write what is in each below regions.<region>`,
      ),
    );
  });
}

/** What can only be said of all of them together: what is missing, and what they use. */
interface Gathered {
  readonly missing: MissingSetting[];
  readonly uses: NetworkUse[];
}

const checkImage = (
  configuration: Configuration,
  image: Image,
  overrides: Overrides | undefined,
  { missing, uses }: Gathered,
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
      if (known === undefined) missing.push(...result.missing);
      const { settings } = result;
      if (settings !== undefined) uses.push(...networkUses(settings, sections, target));
      const late = settings === undefined ? [] : targetProblems(settings, sections, name, target);
      return known === undefined ? [...result.problems, ...late] : late;
    });
  });
