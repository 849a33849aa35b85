/** What Packer would be told for an image in a stage, with an imaginary release and an imaginary source AMI. */
import { chosenImage, type Configuration, type Overrides } from '../configuration/configuration.ts';
import { effectiveSettings, type Origin, type StatedValue } from '../configuration/effective.ts';
import {
  adoptedVariables,
  keepMinutes,
  packerVariables,
  settingOf,
} from '../configuration/packer-variables.ts';
import { InvalidConfiguration } from '../configuration/documents/problems.ts';
import { KEEP, SPOT } from '../configuration/settings.ts';
import { releaseVersion } from '../configuration/version.ts';
import { INSTANCE_TYPE, SOURCE_AMI, SUBNET } from './adopted/own-file.ts';

/** The variables of one target, and of every other target that gets the same. */
export interface Variables {
  /** With a stand-in for every secret. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly secrets: ReadonlySet<string>;
  /** Whether the builder may be a Spot Instance. */
  readonly spot: boolean;
  /** Whether the builder is kept when its bake fails. */
  readonly keeps: boolean;
  /** Where the configuration states what becomes this variable; undefined for what every release has. */
  readonly origin: (variable: string) => StatedValue | undefined;
}

export interface Bake {
  readonly image: string;
  readonly stage: string;
  /** Each distinct one once; undefined when the configuration is wrong. */
  readonly variables: readonly Variables[] | undefined;
}

const RELEASE = {
  startedAt: '2000-01-01T00:00:00.000Z',
  commit: '0123456789abcdef0123456789abcdef01234567',
  sourceAmi: 'ami-0123456789abcdef0',
  secret: 'a secret that only the bake knows',
};

export const bakesOf = (
  configuration: Configuration,
  {
    images,
    stages,
    overrides,
  }: {
    readonly images: readonly string[];
    readonly stages: readonly string[];
    readonly overrides?: Overrides;
  },
): Bake[] =>
  images.flatMap((image) =>
    stages.map((stage) => ({ image, stage, variables: variablesOf(configuration, image, stage, overrides) })),
  );

function variablesOf(
  configuration: Configuration,
  image: string,
  stage: string,
  overrides: Overrides | undefined,
): Variables[] | undefined {
  const { factory } = configuration;
  const version = releaseVersion({
    majorMinor: factory.images.find(({ name }) => name === image)?.version ?? '',
    startedAt: RELEASE.startedAt,
    branch: factory.defaultBranch,
    defaultBranch: factory.defaultBranch,
  });
  const { repository } = factory;
  const release = { releaseId: `${image}@${version}`, image, version, commit: RELEASE.commit, repository };
  const distinct = new Map<string, Variables>();
  for (const target of factory.stages.find(({ name }) => name === stage)?.targets ?? []) {
    try {
      const request = { image, stage, target, ...(overrides && { overrides }) };
      const { settings, origins } = effectiveSettings(configuration, request);
      const told = packerVariables({
        release: { ...release, prerelease: false },
        stage,
        target,
        settings,
        execution: `${image}-${version}`,
      });
      const secrets = Object.keys(told.secrets);
      const { packer } = chosenImage(factory, image);
      const spot = settings.spot === true;
      const keep = keepMinutes(settings);
      const all = {
        ...told.variables,
        source_ami: RELEASE.sourceAmi,
        // Told to those that know it only, but to an adopted template always: it maps one, or has none.
        ...((spot || packer) && { [SPOT]: spot }),
        ...((keep > 0 || packer) && { [KEEP]: keep }),
      };
      const values = {
        ...(packer
          ? {
              ...adoptedVariables(all, packer),
              [SOURCE_AMI]: RELEASE.sourceAmi,
              [SUBNET]: told.variables['subnet_id'],
              [INSTANCE_TYPE]: told.variables['instance_type'],
            }
          : all),
        ...Object.fromEntries(secrets.map((name) => [name, RELEASE.secret])),
      };
      const key = JSON.stringify([values, secrets]);
      if (!distinct.has(key)) {
        distinct.set(key, {
          values,
          secrets: new Set(secrets),
          spot,
          keeps: keep > 0,
          origin: (name) => originOf(origins, name),
        });
      }
    } catch (error) {
      if (error instanceof InvalidConfiguration) return undefined;
      throw error;
    }
  }
  return [...distinct.values()];
}

function originOf(origins: readonly Origin[], variable: string): StatedValue | undefined {
  const setting = settingOf(variable);
  const starts = (path: string) => path.startsWith(setting) && /^([.[]|$)/.test(path.slice(setting.length));
  return origins.find((origin) => starts(origin.setting))?.from;
}
