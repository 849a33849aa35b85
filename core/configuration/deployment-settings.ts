/** What the stacks are told besides the factory: `packleader.config`, beside package.json. */
import * as z from 'zod';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATUS_APIS, STATUS_PROVIDERS, TOLD_BY_DEFAULT, TOLD_WORDS } from '../contract/telling.ts';
import { credentialIn } from './documents/credentials.ts';
import { plain, walk } from './documents/nodes.ts';
import { InvalidConfiguration, throwIfAny, type Path } from './documents/problems.ts';
import {
  type Located,
  schemaProblems,
  snsTopicArn,
  strictMap,
  text,
  wholeNumber,
} from './documents/validation.ts';
import { readYaml } from './documents/yaml.ts';

export const DEPLOYMENT_FILE = 'packleader.config';

const tool = (what: string, example: string) =>
  strictMap(
    {
      version: text(/^\d+(\.\d+)+$/, `must look like "${example}", in quotes`).describe('Which version.'),
      sha256: text(/^[0-9a-f]{64}$/, 'must have 64 hexadecimal digits').describe(`The SHA-256 of ${what}.`),
    },
    { must: 'must be a map of version and sha256' },
  );

/** Nothing that anybody who reads the repository may not know. */
const secretName = (pattern: RegExp, must: string) =>
  text(pattern, must).refine((name) => credentialIn(name) === undefined, {
    error: `found a credential (not shown), ${must}`,
  });

const listOfIds = (prefix: string, most: number, what: string) =>
  z
    .array(text(new RegExp(`^${prefix}-[0-9a-f]+$`), `must look like ${prefix}-0d0e0f00000000001`), {
      error: `must be a list of ${what}`,
    })
    .min(1, { error: `must name at least one ${what.replace(/s$/, '')}` })
    .max(most, { error: `must name at most ${most} ${what}` });

/** More would not fit beside each other into what a build may be told: 5,500 characters. */
const MOST_PLUGINS = 10;

const plugin = strictMap(
  {
    source: text(
      /^[\w.-]+(\/[\w.-]+){2,}$/,
      'must be a source of Packer’s, like github.com/hashicorp/amazon',
    ).describe('As `required_plugins` of the templates says it.'),
    version: text(/^\d+\.\d+\.\d+$/, 'must look like "1.3.2", in quotes').describe('Which version.'),
    url: text(/^https:\/\/[^\s/?#@]+\/[^\s?#]{1,250}\.zip$/, 'must be an https URL of a zip').describe(
      'Where its zip for `linux_arm64` is published.',
    ),
    sha256: text(/^[0-9a-f]{64}$/, 'must have 64 hexadecimal digits').describe('The SHA-256 of the zip.'),
  },
  { must: 'must be a map of source, version, url and sha256' },
);
export type PinnedPlugin = z.infer<typeof plugin>;

const PLUGINS = 'must be a list of plugins, each with source, version, url and sha256';

const alarms = strictMap(
  {
    email: z.email({ error: 'must be an e-mail address' }).exactOptional().describe('Who is told by mail.'),
    topicArn: snsTopicArn
      .exactOptional()
      .describe('A topic of your own, in place of one with an e-mail address.'),
    usualMinutes: wholeNumber(1, 10_000)
      .exactOptional()
      .describe('How long a release usually takes, in minutes; a longer one is slow.'),
    runbook: z
      .url({ error: 'must be a URL' })
      .exactOptional()
      .describe('Where your runbook is; every alarm names it.'),
  },
  { must: 'must be a map of email or topicArn, usualMinutes and runbook' },
).refine(({ email, topicArn }) => email === undefined || topicArn === undefined, {
  error: 'must have either email or topicArn: who is told by your own topic is for that topic to say',
});

const EVENTS = `must be a list of some of ${TOLD_WORDS.join(', ')}`;
const STAGES = 'must be a list of stages, like [prod]';

const notify = strictMap(
  {
    topicArn: text(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of an SNS topic')
      .exactOptional()
      .describe('A topic of your own, in the hub’s account and region, in place of `packleader-releases`.'),
    events: z
      .array(z.enum(TOLD_WORDS, { error: `must be one of ${TOLD_WORDS.join(', ')}` }), { error: EVENTS })
      .min(1, { error: EVENTS })
      .exactOptional()
      .describe(`What is told of; default: ${TOLD_BY_DEFAULT.join(', ')}.`),
    stages: z
      .array(z.string({ error: STAGES }), { error: STAGES })
      .min(1, { error: STAGES })
      .exactOptional()
      .describe(
        'Of a release that reaches none of these stages, as a prerelease may, nobody is told; default: all.',
      ),
  },
  { must: 'must be a map of topicArn, events and stages; {} for all of them as they are by default' },
);
export type Notify = z.infer<typeof notify>;

const PROVIDER = `must be one of ${STATUS_PROVIDERS.join(', ')}`;
const commitStatus = strictMap(
  {
    provider: z.enum(STATUS_PROVIDERS, { error: PROVIDER }).describe('Where the repository lives.'),
    tokenSecret: secretName(/^[\w/+=.@-]{1,505}$/, 'must be the name of a secret, not its ARN').describe(
      'The name of a secret in the hub, with a token that may set statuses and nothing else.',
    ),
    apiUrl: text(
      /^https:\/\/[^\s/?#@]+(\/[^\s?#@]*[^\s?#@/])?$/,
      'must be an https URL without a slash at its end, like https://github.example.com/api/v3',
    )
      .exactOptional()
      .describe(
        `Of an installation of your own; default: ${Object.values(STATUS_APIS).join(', ')}, by the provider.`,
      ),
  },
  { must: 'must be a map of provider, tokenSecret and apiUrl' },
);
export type CommitStatusSettings = z.infer<typeof commitStatus>;

const bakeVpcs = z.record(
  text(/^\d{12}$/, 'must be an account id of 12 digits, in quotes'),
  strictMap(
    {
      vpcId: text(/^vpc-[0-9a-f]+$/, 'must look like vpc-0d0e0f00000000001'),
      subnetIds: listOfIds('subnet', 16, 'subnets'),
      securityGroupIds: listOfIds('sg', 5, 'security groups'),
    },
    { must: 'must be a map of vpcId, subnetIds and securityGroupIds' },
  ),
  { error: 'must be a map of account ids to VPCs' },
);

const SCAN_AMIS =
  'must be inspector, or a map of a command that prints CycloneDX of what it finds in $SBOM, like {command: \'grype "sbom:$SBOM" --output cyclonedx-json\'}';
const scanCommand = z.strictObject(
  {
    command: text(/\$\{?SBOM\b/, 'must be a command of bash that reads the file $SBOM')
      .max(2_000, { error: 'must be at most 2,000 characters' })
      .refine((command) => credentialIn(command) === undefined, {
        error: 'found a credential (not shown), must be a command without one',
      })
      .describe(
        'What bash runs for each SBOM: it reads the file `$SBOM`, and prints CycloneDX with `vulnerabilities`.',
      ),
  },
  { error: SCAN_AMIS },
);

/** Descriptions and examples become docs/settings.md and schemas/config.json; docs/deploying.md says what each is for. */
export const deploymentSchema = strictMap({
  packer: tool('packer_<version>_linux_arm64.zip', '1.11.2')
    .exactOptional()
    .meta({
      description:
        'The Packer that every account bakes with, and the hub validates with. `packleader pin` writes it.',
      examples: [{ version: '1.11.2', sha256: 'f'.repeat(64) }],
    }),
  sessionManagerPlugin: tool('linux_arm64/session-manager-plugin.rpm', '1.2.707.0')
    .exactOptional()
    .meta({
      description:
        'The plugin that reaches Linux builders without an open port: for `sshInterface: session_manager`, the default. `packleader pin` writes it.',
      examples: [{ version: '1.2.707.0', sha256: 'f'.repeat(64) }],
    }),
  repositoryTokenSecret: secretName(/./, 'must be the name of a secret in the hub')
    .exactOptional()
    .meta({
      description:
        'The name of a secret in the hub with a read-only token, for [a private repository](deploying.md#where-the-repository-lives).',
      examples: ['packleader/repository-token'],
    }),
  pluginTokenSecret: secretName(
    /^packleader\/[\w/+=.@-]{1,490}$/,
    'must be the name of a secret that begins with packleader/',
  )
    .exactOptional()
    .meta({
      description:
        'The name of a secret, in the hub and in every target account, with a token of GitHub: `packer init` asks GitHub for plugins, which turns away who asks often without one.',
      examples: ['packleader/plugin-token'],
    }),
  plugins: z
    .array(plugin, { error: PLUGINS })
    .min(1, { error: PLUGINS })
    .max(MOST_PLUGINS, { error: `must name at most ${MOST_PLUGINS} plugins` })
    .exactOptional()
    .meta({
      description:
        'Packer’s plugins, pinned by their SHA-256: bakes install these, and ask nobody for others. All that the templates require. `packleader pin --plugins` writes it.',
      examples: [
        [
          {
            source: 'github.com/hashicorp/amazon',
            version: '1.3.2',
            url: 'https://github.com/hashicorp/packer-plugin-amazon/releases/download/v1.3.2/packer-plugin-amazon_v1.3.2_x5.0_linux_arm64.zip',
            sha256: 'f'.repeat(64),
          },
        ],
      ],
    }),
  downloads: text(
    /^(bucket|https:\/\/[^\s/?#@]+(\/[^\s?#@]*[^\s?#@/])?)$/,
    'must be bucket, or the https URL of a mirror without a slash at its end',
  )
    .exactOptional()
    .meta({
      description:
        '`bucket`, the hub’s, or a mirror: where builds fetch Packer and its plugins in place of the internet, as [`packleader mirror`](deploying.md#without-the-internet) puts them there. Needs `packer` and `plugins`.',
      examples: ['bucket', 'https://mirror.example.com/packer'],
    }),
  webhookSecret: secretName(/^[\w/+=.@-]{1,505}$/, 'must be the name of a secret, not its ARN')
    .exactOptional()
    .meta({
      description:
        'The name of a secret in the hub that a provider’s webhook signs with, for [the webhook](triggers.md#a-webhook).',
      examples: ['packleader/webhook'],
    }),
  organizationId: text(/^o-[a-z0-9]{10,32}$/, 'must look like o-a1b2c3d4e5')
    .exactOptional()
    .meta({
      description: 'The organisation of all targets; needed from about 400 accounts on.',
      examples: ['o-a1b2c3d4e5'],
    }),
  bakeVpcs: bakeVpcs.exactOptional().meta({
    description:
      'By account, the VPC, subnets and security groups that its builds run in, for builders that are reached at a private address.',
    examples: [
      {
        '111111111111': {
          vpcId: 'vpc-0d0e0f00000000001',
          subnetIds: ['subnet-0d0e0f00000000001', 'subnet-0d0e0f00000000002'],
          securityGroupIds: ['sg-0d0e0f00000000001'],
        },
      },
    ],
  }),
  spotBuilders: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: bakes may ask for [Spot Instances](configuration.md#builders-on-spot), which needs more permissions in every target account. The layers say by `spot` which do.',
      examples: [true],
    }),
  keepBuilders: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: bakes may [keep the builder](configuration.md#looking-at-a-builder-that-failed) of a bake that failed, which needs two more permissions in the accounts of the first stage. The layers say by `onFailure` which do.',
      examples: [true],
    }),
  testAmis: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: AMIs may be [booted and tested](releasing.md#tests) before they are released, which needs a role more in every target account. The layers say by `test` which are.',
      examples: [true],
    }),
  shareAmis: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: [other accounts may launch](consuming.md#accounts-that-only-launch) what is released, where the layers say by `consumers` which. It needs no role, and what is written down of it is in the hub’s bucket.',
      examples: [true],
    }),
  copyAmis: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: targets may get [a copy](copying.md) of an AMI that an earlier stage bakes, which needs a role more in every target account. The layers say by `strategy` which do.',
      examples: [true],
    }),
  scanAmis: z
    .union([z.literal('inspector'), scanCommand], { error: SCAN_AMIS })
    .exactOptional()
    .meta({
      description:
        'What [scans](releasing.md#vulnerabilities) the SBOMs of releases, in the hub: `inspector`, Amazon Inspector, or [a command of your own](releasing.md#a-scanner-of-your-own). The layers say by `vulnerabilities` whose.',
      examples: ['inspector', { command: 'grype "sbom:$SBOM" --output cyclonedx-json' }],
    }),
  alarms: alarms.exactOptional().meta({
    description: '[Who is told](runbook.md), and from when on a release is slow.',
    examples: [
      { email: 'images@example.com', usualMinutes: 90, runbook: 'https://wiki.example.com/images' },
      { topicArn: 'arn:aws:sns:eu-west-1:999999999999:images' },
    ],
  }),
  notify: notify.exactOptional().meta({
    description:
      '[People are told](telling.md) what became of releases: by a topic that mails, and that Slack and Teams show. Without it nothing stands that could.',
    examples: [
      {},
      { events: ['released', 'rolled-back', 'stopped'], stages: ['prod'] },
      { topicArn: 'arn:aws:sns:eu-west-1:999999999999:images' },
    ],
  }),
  commitStatus: commitStatus.exactOptional().meta({
    description:
      '[The commit says](telling.md#at-the-commit) how its release goes, at GitHub, GitLab or Bitbucket.',
    examples: [
      { provider: 'github', tokenSecret: 'packleader/status-token' },
      {
        provider: 'gitlab',
        tokenSecret: 'packleader/status-token',
        apiUrl: 'https://gitlab.example.com/api/v4',
      },
    ],
  }),
  staleAfterDays: wholeNumber(1, 3_650)
    .exactOptional()
    .meta({
      description:
        '[An event tells](telling.md#stale-images) of an image whose newest version that stands is older, in days. Without it nothing looks.',
      examples: [30],
    }),
  retire: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: versions that nothing uses any more are [retired](retiring.md), of images that have a `retention`. Without it nothing is ever removed, and nothing stands that could.',
      examples: [true],
    }),
  customerKey: z
    .boolean({ error: 'must be true or false' })
    .exactOptional()
    .meta({
      description:
        '`true`: keys of your own encrypt what packleader keeps, one for each account. For when your rules ask for it.',
      examples: [true],
    }),
});
export type DeploymentSettings = z.infer<typeof deploymentSchema>;

/** Settings as somebody has written them, and where each stands. */
export interface StatedDeployment {
  readonly value: Readonly<Record<string, unknown>>;
  readonly locate: (path: Path) => Located;
}

/**
 * What `packleader.config` in this directory says; nothing when it is not there.
 *  @throws InvalidConfiguration
 */
export function loadDeploymentSettings(root: string): DeploymentSettings {
  const stated = readDeploymentFile(root);
  return stated === undefined ? {} : checkedDeployment(stated);
}

/** @throws InvalidConfiguration when the file cannot be read as one map */
export function readDeploymentFile(root: string): StatedDeployment | undefined {
  const file = join(root, DEPLOYMENT_FILE);
  if (!existsSync(file)) return undefined;
  const { node, problems } = readYaml(DEPLOYMENT_FILE, readFileSync(file, 'utf8'));
  throwIfAny(problems);
  if (node === undefined) throw new Error('a file without problems has been read');
  return {
    value: z.record(z.string(), z.unknown()).parse(plain(node)),
    locate: (path) => ({ file: DEPLOYMENT_FILE, line: walk(node, path).node.line, path }),
  };
}

/** @throws InvalidConfiguration that names every wrong setting by its place */
export function checkedDeployment({ value, locate }: StatedDeployment): DeploymentSettings {
  const parsed = deploymentSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidConfiguration(
    schemaProblems(parsed.error.issues, { value, locate, missing: (must) => `found nothing, ${must}` }),
  );
}
