import { layersOf, type Configuration } from './configuration.ts';
import { effectiveSettings } from './effective.ts';
import { sectionsKey } from './layers.ts';
import { type RetentionRules, mostCareful } from './retention.ts';
import type { Settings } from './settings.ts';

/**
 * What the layers say of each image that has a `retention` in every target.
 *  @throws InvalidConfiguration
 */
export function retentionRules(configuration: Configuration): RetentionRules {
  const { images } = configuration.factory;
  const settings = new Map(images.map(({ name }) => [name, differentSettings(configuration, name)]));
  const sources = [...settings.values()].flat().map(({ source }) => source);
  return Object.fromEntries(
    [...settings].flatMap(([image, said]) => {
      const rule = mostCareful(said.map(({ retention }) => retention));
      if (rule === undefined) return [];
      const pinned = sources.flatMap((source) =>
        'image' in source && source.image === image && source.version !== undefined ? [source.version] : [],
      );
      return [[image, { ...rule, ...(pinned.length > 0 && { pinned: [...new Set(pinned)] }) }] as const];
    }),
  );
}

/** The settings of an image in all of its targets; targets that the same sections reach have the same. */
function differentSettings(configuration: Configuration, image: string): Settings[] {
  return configuration.factory.stages.flatMap(({ name: stage, targets }) => {
    const layers = layersOf(configuration, image, stage, undefined);
    const different = new Map(targets.map((target) => [sectionsKey(layers, target), target]));
    return [...different.values()].map(
      (target) => effectiveSettings(configuration, { image, stage, target }).settings,
    );
  });
}
