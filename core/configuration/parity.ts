/** Whether the AMIs of one release can be the same everywhere, where factory.yaml says that they must. */
import { COMPARED_SETTINGS } from '../contract/comparison.ts';
import type { Configuration, Overrides } from './configuration.ts';
import { type Problem, problem, shown } from './documents/problems.ts';
import { settingsIfValid } from './effective.ts';

/** Where some target is told something else than the first one: every release would be rolled back, after all its bakes. */
export function parityProblems(
  configuration: Configuration,
  images: readonly string[],
  overrides?: Overrides,
): Problem[] {
  if (configuration.factory.parity !== 'enforce') return [];
  const found = new Map<string, Problem>();
  for (const image of images) {
    const told = configuration.factory.stages.flatMap(({ name: stage, targets }) =>
      targets.flatMap((target) => {
        const effective = settingsIfValid(configuration, {
          image,
          stage,
          target,
          ...(overrides && { overrides }),
        });
        // A copy is as its source was baked, whatever else is said there.
        return effective && effective.settings.strategy !== 'copy' ? [{ stage, ...effective }] : [];
      }),
    );
    const [first, ...others] = told;
    if (first === undefined) continue;
    for (const setting of COMPARED_SETTINGS)
      for (const { stage, settings, origins } of others) {
        if (settings[setting] === first.settings[setting]) continue;
        const from = [origins, first.origins]
          .map((of) => of.find((one) => one.setting === setting)?.from)
          .find((one) => one !== undefined && one.line > 0);
        if (from === undefined) continue;
        const { file, line, path } = from;
        const values = `${shown(settings[setting])} in ${stage} and ${shown(first.settings[setting])} in ${first.stage}`;
        const message = `found ${values}, must be the same for every target of ${image}: factory.yaml says parity: enforce`;
        found.set(`${file}:${line} ${path}`, { ...problem(file, line, [], message), path });
      }
  }
  return [...found.values()];
}
