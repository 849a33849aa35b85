/** Factories to measure: this repository's own linux-base, alone, for as many targets as asked for. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../core/contract/targets.ts';

const OWN = new URL('../packer/', import.meta.url).pathname;

/** Of everything an image has in this repository, only what names a stage is left out: the stages are others here. */
const COPIED = [
  'schemas',
  'templates/linux',
  'images/linux-base/checks',
  'images/linux-base/playbooks',
  'images/linux-base/image.yaml',
  'images/linux-base/config/default.yaml',
  'images/linux-base/image.pkr.hcl',
];

const CONFIGURATION = `instanceType: m7i.large
timeoutMinutes: 60
sshInterface: session_manager
network: { vpcId: vpc-0d0e0f00000000001, subnetId: subnet-0d0e0f0000000001a, securityGroupIds: [] }
kmsKeyId: alias/packleader
instanceProfile: packleader-builder
tags: { ManagedBy: packleader }
`;

/** Calls `use` with the directory of a factory of so many targets, and removes it afterwards. */
export async function withFactory<Result>(
  {
    targets,
    stages,
    layer = '',
    later,
  }: {
    readonly targets: number;
    readonly stages: number;
    readonly layer?: string;
    /** What the layer of each stage but the first says. */
    readonly later?: string;
  },
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'packleader-bench-'));
  try {
    for (const path of COPIED) cpSync(join(OWN, path), join(directory, path), { recursive: true });
    mkdirSync(join(directory, 'config'));
    writeFileSync(join(directory, 'config/default.yaml'), `${CONFIGURATION}${layer}`);
    if (later !== undefined)
      for (let stage = 2; stage <= stages; stage += 1)
        writeFileSync(join(directory, `config/stage-${stage}.yaml`), later);
    writeFileSync(join(directory, 'factory.yaml'), factoryYaml(targets, stages));
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function factoryYaml(targets: number, stages: number): string {
  const perStage = targets / stages;
  const blocks = Array.from({ length: stages }, (_, stage) => {
    const lines = Array.from({ length: perStage }, (_none, index) => targetYaml(stage * perStage + index));
    return [`  - name: stage-${stage + 1}`, '    targets:', ...lines].join('\n');
  });
  return [
    'repository: https://github.com/example/images',
    "hub: { accountId: '999999999999', region: eu-west-1 }",
    'stages:',
    ...blocks,
    '',
  ].join('\n');
}

function targetYaml(index: number): string {
  const { accountId, region }: Target = {
    accountId: String(100_000_000_001 + index),
    region: 'eu-west-1',
  };
  return `      - { accountId: '${accountId}', region: ${region} }`;
}
