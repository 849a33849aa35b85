import { type Configuration, loadConfiguration } from '../../core/configuration/configuration.ts';
import { type Files, configurationFiles } from '../../core/configuration/files.ts';
import { baseImages } from '../../core/configuration/tiers.ts';
import { amiName, releaseVersion } from '../../core/configuration/version.ts';
import { parameters } from '../../core/contract/names.ts';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import { type Likeness, likenessOf } from './made-up-ami.ts';
import { addImage, addParameter } from './own-things.ts';
import type { Sandbox } from '../sandbox.ts';

const DAY_MS = 86_400_000;
const EARLIER_COMMIT = '0'.repeat(40);

/**
 * Leaves the world as if every base that the chosen images need, and that is not among them, had been released in all
 * targets the day before: an image cannot be built on nothing.
 */
export async function seedReleases(
  sandbox: Sandbox,
  files: Files,
  chosen: readonly string[],
  overrides: Readonly<Record<string, unknown>> | undefined,
): Promise<void> {
  const configuration = loadConfiguration(configurationFiles(files));
  const bases = new Set(chosen.flatMap((image) => baseImages(configuration, image, overrides)));
  for (const base of [...bases].filter((image) => !chosen.includes(image))) {
    for (const { name: stage, targets } of configuration.factory.stages) {
      for (const target of targets) {
        const likeness = await likenessOf(files, configuration, { image: base, stage, target });
        seedRelease(sandbox, configuration, { ...target, stage, image: base }, likeness);
      }
    }
  }
}

function seedRelease(
  { world }: Sandbox,
  { factory }: Configuration,
  at: { accountId: string; region: string; stage: string; image: string },
  likeness: Likeness,
): void {
  const majorMinor = factory.images.find(({ name }) => name === at.image)?.version ?? '1.0';
  const createdAt = world.clock.milliseconds() - DAY_MS;
  const { defaultBranch, repository } = factory;
  const version = releaseVersion({
    majorMinor,
    startedAt: new Date(createdAt).toISOString(),
    branch: defaultBranch,
    defaultBranch,
  });
  const name = amiName({ image: at.image, version, commit: EARLIER_COMMIT });
  const tags = new Map<string, string>([
    [TAGS.name, name],
    [TAGS.release, `${at.image}@${version}`],
    [TAGS.image, at.image],
    [TAGS.version, version],
    [TAGS.commit, EARLIER_COMMIT],
    [TAGS.repository, repository],
    [TAGS.stage, at.stage],
    [TAGS.state, STATES.released],
    [TAGS.versionOnceReleased, version],
  ]);
  const imageId = addImage(world, at, { name, tags, createdAt }, likeness);
  for (const parameter of [parameters.version(at.image, version), parameters.latest(at.image)]) {
    addParameter(world, at, parameter, imageId);
  }
}
