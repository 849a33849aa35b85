/** Images that are built on other images of the factory. */
import { layersOf, type Configuration, type Overrides } from './configuration.ts';
import { OVERRIDES, sectionsFor, sectionsKey } from './layers.ts';
import { locateNearest, mergeSections } from './merge.ts';
import type { ConfigNode } from './documents/nodes.ts';
import { InvalidConfiguration, problem, type Problem } from './documents/problems.ts';
import type { Located } from './documents/validation.ts';

/** The images that this one is built on in any target, whether or not the rest of its configuration is valid. */
export const baseImages = (configuration: Configuration, image: string, overrides?: Overrides): string[] => [
  ...baseStatements(configuration, image, overrides).keys(),
];

function baseStatements(
  configuration: Configuration,
  image: string,
  overrides: Overrides | undefined,
): Map<string, Located> {
  const bases = new Map<string, Located>();
  for (const stage of configuration.factory.stages) {
    const layers = layersOf(configuration, image, stage.name, overrides);
    const seen = new Set<string>();
    for (const target of stage.targets) {
      const key = sectionsKey(layers, target);
      if (seen.has(key)) continue;
      seen.add(key);
      const sections = sectionsFor(layers, target);
      const base = baseIn(mergeSections(sections).entries.get('source'));
      if (base === undefined || bases.has(base)) continue;
      bases.set(base, locateNearest(sections, ['source', 'image'], OVERRIDES));
    }
  }
  return bases;
}

/** The image that a source names, unless it names another kind of source as well, which is its own problem. */
function baseIn(source: ConfigNode | undefined): string | undefined {
  if (source?.kind !== 'map' || OTHER_SOURCES.some((kind) => source.entries.has(kind))) return undefined;
  const image = source.entries.get('image');
  return image?.kind === 'scalar' && typeof image.value === 'string' ? image.value : undefined;
}

const OTHER_SOURCES = ['ssmParameter', 'filter', 'ids'];

/** Images that are built on each other, found from the given ones. */
export function cycleProblems(
  configuration: Configuration,
  images: readonly string[],
  overrides: Overrides | undefined,
): Problem[] {
  const bases = new Map<string, Map<string, Located>>();
  const basesOf = (image: string) => {
    // The overrides of a request are for the images it asks for, not for what they are built on.
    const own = images.includes(image) ? overrides : undefined;
    const known = bases.get(image) ?? baseStatements(configuration, image, own);
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
}

/**
 * The images in the order of their release: a tier may start when the one before it is done. Only the given images count;
 * a base that is not among them is taken as released before.
 *  @throws InvalidConfiguration when images are built on each other
 */
export function imagesInTiers(
  images: readonly string[],
  basesOf: (image: string) => readonly string[],
): string[][] {
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
}
