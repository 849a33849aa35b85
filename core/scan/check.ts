/** Whether what layers say of vulnerabilities can be held. */
import { type Configuration, type Overrides, chosenImage } from '../configuration/configuration.ts';
import { InvalidConfiguration, type Problem, problem } from '../configuration/documents/problems.ts';
import { type Origin, effectiveSettings } from '../configuration/effective.ts';
import type { Settings } from '../configuration/settings.ts';
import { type Scanner, isOver } from '../contract/vulnerabilities.ts';

/**
 * Everything wrong with what some images say, each place once; what is wrong with their settings others say.
 *  @param given.now an ignore that has run out by then is a problem: for whoever writes them. A release counts what it ignored
 */
export function vulnerabilityProblems(
  configuration: Configuration,
  images: readonly string[],
  given: {
    readonly scanner?: Scanner | undefined;
    readonly now?: Date;
    readonly overrides?: Overrides | undefined;
  },
): Problem[] {
  const found = new Map<string, Problem>();
  for (const image of images)
    for (const { name: stage, targets } of configuration.factory.stages)
      for (const target of targets) {
        const { overrides, now, scanner } = given;
        const effective = settingsOf({ image, stage, target, ...(overrides && { overrides }) });
        const asked = effective?.settings.vulnerabilities;
        if (!effective || !asked) continue;
        const { platform } = chosenImage(configuration.factory, image);
        if (platform === 'windows' && scanner === 'inspector')
          add(effective.origins, 'vulnerabilities', noWindows(image));
        for (const { id, until } of now ? asked.ignore : [])
          if (now && isOver(until, now))
            add(
              effective.origins,
              'vulnerabilities.ignore',
              `found ${id} ignored until ${until}, which is over, must be a day that is to come, or be left out`,
            );
      }
  return [...found.values()];

  function add(origins: readonly Origin[], setting: string, message: string): void {
    const ours = origins.filter((one) => one.setting === setting || one.setting.startsWith(`${setting}.`));
    const origin = ours.find(({ from }) => from.line > 0) ?? ours[0];
    if (!origin) return;
    const { file, line, path } = origin.from;
    found.set(`${file}:${line} ${message}`, { ...problem(file, line, [], message), path });
  }

  function settingsOf(
    request: Parameters<typeof effectiveSettings>[1],
  ): { readonly settings: Settings; readonly origins: readonly Origin[] } | undefined {
    try {
      return effectiveSettings(configuration, request);
    } catch (error) {
      if (error instanceof InvalidConfiguration) return undefined;
      throw error;
    }
  }
}

const noWindows = (image: string): string =>
  `found vulnerabilities to fail on for ${image}, must be left out, or null, there: Amazon Inspector’s scan of an SBOM knows no packages of Windows`;
