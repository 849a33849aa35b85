/** Refuses what layers ask for where no stack lets a release do it. */
import type { ScanAmis, Scanner } from '../contract/vulnerabilities.ts';
import type { Configuration, Overrides } from './configuration.ts';
import type { DeploymentSettings } from './deployment-settings.ts';
import { type Origin, type StatedValue, settingsIfValid } from './effective.ts';
import { type Problem, problem } from './documents/problems.ts';
import type { Settings } from './settings.ts';

/** What the stacks let a bake do besides; as `packleader.config` says it. */
export type BuilderSwitches = Omit<Pick<DeploymentSettings, keyof typeof ASKED>, 'scanAmis'> & {
  /** As it is deployed, or as it is written: that something scans is enough. */
  readonly scanAmis?: ScanAmis | Scanner;
};

const deploy = (key: string) => `write ${key}: true into packleader.config, and deploy hub and targets`;

/** By what switches it on: the setting of the layers that asks for it, and what is said where it is off. */
const ASKED = {
  spotBuilders: {
    setting: 'spot',
    isAsked: ({ spot }: Settings) => spot === true,
    message: `found true, but no target lets a bake ask for Spot Instances: ${deploy('spotBuilders')}`,
  },
  keepBuilders: {
    setting: 'onFailure',
    isAsked: ({ onFailure }: Settings) => onFailure === 'keep',
    message: `found keep, but no target lets a bake keep its builder: ${deploy('keepBuilders')}`,
  },
  testAmis: {
    setting: 'test',
    isAsked: ({ test }: Settings) => test !== undefined,
    message: `found a test, but no target lets an AMI be booted: ${deploy('testAmis')}`,
  },
  shareAmis: {
    setting: 'consumers',
    isAsked: ({ consumers }: Settings) => consumers !== undefined,
    message:
      'found consumers, but nothing may let others launch an AMI: write shareAmis: true into packleader.config, and deploy the hub',
  },
  copyAmis: {
    setting: 'strategy',
    isAsked: ({ strategy }: Settings) => strategy === 'copy',
    message: `found copy, but no target lets an AMI be copied: ${deploy('copyAmis')}`,
  },
  scanAmis: {
    setting: 'vulnerabilities',
    isAsked: ({ vulnerabilities }: Settings) => vulnerabilities !== undefined,
    message:
      'found vulnerabilities to fail on, but nothing scans: write scanAmis: inspector into packleader.config, and deploy the hub',
  },
} as const;

/** Where a layer states it, or something of it. */
function originOf(origins: readonly Origin[], setting: string): StatedValue | undefined {
  const ours = origins.filter((one) => one.setting === setting || one.setting.startsWith(`${setting}.`));
  return (ours.find(({ from }) => from.line > 0) ?? ours[0])?.from;
}

/** Where these images ask for what is off, each place once; what is wrong otherwise others say. */
export function builderSwitchProblems(
  configuration: Configuration,
  images: readonly string[],
  switches: BuilderSwitches,
  overrides?: Overrides,
): Problem[] {
  const off = Object.entries(ASKED).flatMap(([key, asked]) =>
    [undefined, false].includes(Reflect.get(switches, key)) ? [asked] : [],
  );
  const found = new Map<string, Problem>();
  if (off.length === 0) return [];
  for (const image of images)
    for (const { name: stage, targets } of configuration.factory.stages)
      for (const target of targets) {
        const effective = settingsIfValid(configuration, {
          image,
          stage,
          target,
          ...(overrides && { overrides }),
        });
        for (const { setting, isAsked, message } of off) {
          if (!effective || !isAsked(effective.settings)) continue;
          const origin = originOf(effective.origins, setting);
          if (!origin) continue;
          const { file, line, path } = origin;
          found.set(`${file}:${line} ${path}`, { ...problem(file, line, [], message), path });
        }
      }
  return [...found.values()];
}
