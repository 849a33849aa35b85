import { layersOf, type Configuration } from './configuration.ts';
import { effectiveSettings } from './effective.ts';
import { sectionsKey } from './layers.ts';
import { type Retention, type RetentionRules, mostCareful } from './retention.ts';

/**
 * What the layers say of each image that has a `retention` in every target.
 *  @throws InvalidConfiguration
 */
export function retentionRules(configuration: Configuration): RetentionRules {
  const { images, stages } = configuration.factory;
  return Object.fromEntries(
    images.flatMap(({ name: image }) => {
      const said = stages.flatMap(({ name: stage, targets }) => {
        const layers = layersOf(configuration, image, stage, undefined);
        // Targets that the same sections reach have the same settings.
        const different = new Map(targets.map((target) => [sectionsKey(layers, target), target]));
        return [...different.values()].map(
          (target): Retention | undefined =>
            effectiveSettings(configuration, { image, stage, target }).settings.retention,
        );
      });
      const rule = mostCareful(said);
      return rule === undefined ? [] : [[image, rule] as const];
    }),
  );
}
