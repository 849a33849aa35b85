/** The files of a factory that somebody begins: factory.yaml, and the layers that all images share. */
import { stringify } from 'yaml';
import type { Target } from '../../core/contract/targets.ts';
import type { Stage } from '../../core/configuration/factory.ts';
import type { NewFile } from './changes.ts';
import type { FirstLine } from './images.ts';

/** What nobody but the team can know. */
export interface FactoryAnswers {
  readonly repository: string;
  readonly defaultBranch: string;
  readonly hub: Target;
  readonly stages: readonly Stage[];
}

export const factoryFile = (answers: FactoryAnswers, firstLine: FirstLine): NewFile => ({
  path: 'factory.yaml',
  content: `${firstLine('factory.yaml', 'factory')}# The factory: which accounts get the images, and in which order.

# Where this repository lives. Every AMI carries it in its tag packleader:repository.
repository: ${plainly(answers.repository)}

# A release from any other branch is a prerelease: baked in the first stage only, never published as latest.
defaultBranch: ${plainly(answers.defaultBranch)}

# The account that holds the state machines. It bakes nothing itself.
hub: ${flow(answers.hub)}

# A release bakes stage after stage, and either all of them keep their AMIs or none does.
# The name of a stage is the name of its layers: config/<stage>.yaml and images/<image>/config/<stage>.yaml.
stages:
${answers.stages.map(stageLines).join('')}`,
});

const stageLines = ({ name, targets }: Stage): string =>
  `  - name: ${plainly(name)}\n    targets:\n${targets.map((target) => `      - ${flow(target)}\n`).join('')}`;

/** In quotes where YAML would take it for something else than a string. */
const plainly = (text: string): string => stringify(text, { lineWidth: 0, singleQuote: true }).trimEnd();

/** In quotes, because a number would lose its leading zeros. */
const flow = ({ accountId, region }: Target): string => `{ accountId: '${accountId}', region: ${region} }`;

/** The layers of all images and of each stage. */
export const layerFiles = (stages: readonly Pick<Stage, 'name'>[], firstLine: FirstLine): NewFile[] => [
  {
    path: 'config/default.yaml',
    content: `${firstLine('config/default.yaml', 'layer')}# What holds for every image in every stage. Later layers win: this file, config/<stage>.yaml, images/<image>/config/default.yaml,
# images/<image>/config/<stage>.yaml, then the overrides of a release.

architecture: x86_64
instanceType: m7i.large # of the builder, not of the instances that will run the image
timeoutMinutes: 60 # of one bake

# Besides the tags packleader sets itself.
tags:
  ManagedBy: packleader
`,
  },
  ...stages.map(({ name }) => ({
    path: `config/${name}.yaml`,
    content: `${firstLine(`config/${name}.yaml`, 'layer')}# What the accounts of ${name} have for every image. Without these, builders run in the default VPC, and the account's default
# key encrypts; an AMI that it encrypts can never be shared.
#
# network: { vpcId: vpc-…, subnetId: subnet-…, securityGroupIds: [] }
# kmsKeyId: alias/…

${stringify({ tags: { Environment: name } })}`,
  })),
];
