/** Refuses builders on spot where no stack lets a bake ask for one. */
import type { Configuration, Overrides } from './configuration.ts';
import { effectiveSettings } from './effective.ts';
import { InvalidConfiguration, type Problem, problem } from './documents/problems.ts';
import { SPOT } from './settings.ts';

/**
 * Where these images ask for Spot Instances, each place once; what is wrong otherwise others say.
 *  @param message what to do, in one sentence that begins with "found true"
 */
export function spotBuilderProblems(
  configuration: Configuration,
  images: readonly string[],
  message: string,
  overrides?: Overrides,
): Problem[] {
  const found = new Map<string, Problem>();
  for (const image of images)
    for (const { name: stage, targets } of configuration.factory.stages)
      for (const target of targets) {
        const origin = originOf({ image, stage, target, ...(overrides && { overrides }) });
        if (origin === undefined) continue;
        const { file, line, path } = origin;
        found.set(`${file}:${line} ${path}`, { ...problem(file, line, [], message), path });
      }
  return [...found.values()];

  function originOf(request: Parameters<typeof effectiveSettings>[1]) {
    try {
      const { settings, origins } = effectiveSettings(configuration, request);
      return settings.spot === true ? origins.find(({ setting }) => setting === SPOT)?.from : undefined;
    } catch (error) {
      if (error instanceof InvalidConfiguration) return undefined;
      throw error;
    }
  }
}

export const NO_SPOT_BUILDERS =
  'found true, but no target lets a bake ask for Spot Instances: write spotBuilders: true into packleader.config, and deploy hub and targets';
