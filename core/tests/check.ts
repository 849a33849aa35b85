/** Whether the tests of images are such as can be run, and are asked for. */
import { type Configuration, type Overrides, chosenImage } from '../configuration/configuration.ts';
import { InvalidConfiguration, type Problem } from '../configuration/documents/problems.ts';
import { effectiveSettings } from '../configuration/effective.ts';
import type { Files } from '../configuration/files.ts';
import { testProblems } from './test-files.ts';

/** Everything wrong with the tests of some images; what is wrong with their settings others say. */
export const imageTestProblems = (
  files: Files,
  configuration: Configuration,
  images: readonly string[],
  overrides?: Overrides,
): Problem[] =>
  images.flatMap((image) =>
    testProblems(files, chosenImage(configuration.factory, image), isTested(configuration, image, overrides)),
  );

/** Whether some target of some stage asks for it; undefined where that cannot be read. */
function isTested(
  configuration: Configuration,
  image: string,
  overrides: Overrides | undefined,
): boolean | undefined {
  try {
    return configuration.factory.stages.some(({ name: stage, targets }) =>
      targets.some((target) => {
        const request = { image, stage, target, ...(overrides && { overrides }) };
        return effectiveSettings(configuration, request).settings.test !== undefined;
      }),
    );
  } catch (error) {
    if (error instanceof InvalidConfiguration) return undefined;
    throw error;
  }
}
