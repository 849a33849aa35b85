/** Rehearses factories made up for a test. */
import { checkFactory } from '../../../core/configuration/check.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import type { FactoryFiles } from '../../../core/configuration/factory.ts';
import type { Changes } from '../../../core/contract/releases.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { type RehearsalOptions, rehearse, type Report } from '../../../sandbox/rehearsal/rehearsal.ts';
import { type Definition, definitionsOf } from '../../../workflow/definitions.ts';
import { bucketName } from '../../../core/contract/names.ts';

export const COMMIT = '4f2c1d9a0b1c2d3e4f5061728394a5b6c7d8e9f0';
export const STARTED_AT = new Date('2026-11-21T09:30:00Z');

/** `targetsIn(0, 3)` are three targets of the first stage. */
export const targetsIn = (stage: number, count: number, region = 'eu-west-1'): Target[] =>
  Array.from({ length: count }, (_, index) => ({
    accountId: String(100_000_000_000 + stage * 1_000_000 + index + 1),
    region,
  }));

export interface MadeUpFactory {
  /** Stage name to its targets, in order. */
  readonly stages: Readonly<Record<string, readonly Target[]>>;
  /** Image name to the YAML of its source; `image: base` builds on another one. */
  readonly images?: Readonly<Record<string, string>>;
}

const AL2023 = 'ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';

export function filesOf({ stages, images = { base: AL2023 } }: MadeUpFactory): FactoryFiles {
  const stageYaml = Object.entries(stages).map(([name, targets]) => {
    const list = targets.map(
      ({ accountId, region }) => `      - { accountId: '${accountId}', region: ${region} }`,
    );
    return [`  - name: ${name}`, '    targets:', ...list].join('\n');
  });
  const files = new Map([
    [
      'factory.yaml',
      [
        'repository: https://example.com/images',
        "hub: { accountId: '999999999999', region: eu-west-1 }",
        'stages:',
        ...stageYaml,
      ].join('\n'),
    ],
    [
      'config/default.yaml',
      [
        'instanceType: m7i.large',
        'network: { vpcId: vpc-0123456789abcdef0, subnetId: subnet-0123456789abcdef0, securityGroupIds: [] }',
        'kmsKeyId: alias/packleader',
        'instanceProfile: packleader-builder',
        'rootVolumeSizeGiB: 16',
      ].join('\n'),
    ],
  ]);
  for (const [name, source] of Object.entries(images)) {
    files.set(`images/${name}/image.yaml`, `description: ${name}\nversion: '1.4'\nplatform: linux\n`);
    files.set(`images/${name}/config/default.yaml`, `source:\n  ${source}\n`);
  }
  return files;
}

const synthesised = new Map<string, Definition[]>();

/** Synthesising takes a second; factories with the same stages and targets have the same state machines. */
export function machinesFor(files: FactoryFiles): Definition[] {
  const { factory } = loadConfiguration(files);
  const key = JSON.stringify(factory.stages);
  const machines = synthesised.get(key) ?? definitionsOf(factory);
  synthesised.set(key, machines);
  return machines;
}

export async function rehearseFactory(
  made: MadeUpFactory,
  options: Partial<Omit<RehearsalOptions, 'factory' | 'machines'>> & {
    readonly branch?: string;
    readonly changes?: Changes;
  } = {},
): Promise<Report> {
  const files = filesOf(made);
  const problems = checkFactory(files);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const { factory } = loadConfiguration(files);
  const encoder = new TextEncoder();
  const zipped = new Map([...files].map(([name, text]) => [name, encoder.encode(text)]));
  const { branch = 'main', changes = {}, ...rest } = options;
  return rehearse({
    factory,
    machines: machinesFor(files),
    bucket: bucketName(factory),
    checkOut: () => ({ commit: COMMIT, branch, files: zipped, changes }),
    request: {},
    startAt: STARTED_AT,
    background: true,
    ...rest,
  });
}

/** `A > B > C`, as a person reads it. */
export const pathOf = (report: Report, image = 'base'): string =>
  report.releases.find((release) => release.image === image)?.path.join(' > ') ?? 'no such release';
