/**
 * The one schema of what a bake can be told, after all layers are merged. Descriptions and examples become the reference,
 * docs/settings.md: an example of a map is also the example of each key it holds.
 */
import * as z from 'zod';
import {
  DEFAULT_KEPT_HOURS,
  DEFAULT_TEST_MINUTES,
  LEAST_DEPRECATION_DAYS,
  LONGEST_BAKE_MINUTES,
  LONGEST_TEST_MINUTES,
  MOST_KEPT_HOURS,
  MOST_USER_DATA_BYTES,
} from '../contract/limits.ts';
import { NAMES } from '../contract/names.ts';
import { MOST_CONSUMERS } from '../contract/permissions.ts';
import { secretReferenceSchema, type SecretReference } from '../contract/secrets.ts';
import { SEVERITIES } from '../contract/vulnerabilities.ts';
import type { SourceAmi } from '../contract/source-amis.ts';
import { region, strictMap, text, wholeNumber } from './documents/validation.ts';
import { retentionSchema } from './retention.ts';

/** Packer variables that packleader sets itself; every template declares them, no configuration may set them. */
export const PACKLEADER_VARIABLES = [
  'ami_name',
  'architecture',
  'instance_profile',
  'instance_type',
  'kms_key_id',
  'region',
  'root_volume_size_gib',
  'security_group_ids',
  'source_ami',
  'ssh_interface',
  'subnet_id',
  'tags',
  'timeout_minutes',
  'vpc_id',
] as const;
export type PackleaderVariable = (typeof PACKLEADER_VARIABLES)[number];

/** The variable that a bake on a Spot Instance sets to true, and no other bake sets: only a template that is told declares it. */
export const SPOT = 'spot';
/** The variable that says for how long a builder is kept when its bake fails, where one may be; no other bake sets it. */
export const KEEP = 'keep_minutes';
/** What a template may be told. */
export const TOLD_VARIABLES = [...PACKLEADER_VARIABLES, SPOT, KEEP] as const;
export type ToldVariable = (typeof TOLD_VARIABLES)[number];

/** What narrows a layer to some targets; taken out before the merge. */
export const NARROWING_KEYS = ['regions', 'accounts'] as const;

export const VERSION_PATTERN = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.\d{14}(-[a-z0-9]+(-[a-z0-9]+)*)?$/;

const RESERVED_TAGS: readonly string[] = ['Name', 'Version', 'AutoCleanup'];
const RESERVED_VARIABLES: readonly string[] = TOLD_VARIABLES;

const SOURCE_KINDS = ['ssmParameter', 'filter', 'image', 'ids'] as const;

const filterValue = text(/./, 'must be a string (numbers and booleans in quotes) or a list of strings');

const source = strictMap(
  {
    ssmParameter: text(/^\/?[\w.-]+(\/[\w.-]+)*$/, 'must look like /aws/service/ami-amazon-linux-latest/...')
      .optional()
      .describe('Path of an SSM parameter, public or of the target account, that holds an AMI id.'),
    filter: z
      .record(
        z.string(),
        z.union([filterValue, z.array(filterValue).min(1)], {
          error: 'must be a string or a list of strings, numbers and booleans in quotes',
        }),
        {
          error: 'must be a map of DescribeImages filter names to strings or lists of strings',
        },
      )
      .refine((filter) => Object.keys(filter).length > 0, { error: 'must name at least one filter' })
      .refine((filter) => !Object.hasOwn(filter, 'owners'), {
        error: 'found owners inside the filter, must stand beside it: filter: { … } and owners: [ … ]',
      })
      .optional()
      .describe('EC2 DescribeImages filters, never without `owners`; the newest AMI that matches is taken.'),
    owners: z
      .array(
        text(
          /^(\d{12}|amazon|self|aws-marketplace)$/,
          'must be 12 digits in quotes, amazon, self or aws-marketplace',
        ),
        { error: 'must be a list of 12-digit account ids, amazon, self or aws-marketplace' },
      )
      .min(1, { error: 'must name at least one owner' })
      .optional()
      .describe(
        'Whose AMIs the filter may match. A filter without it is refused: anybody’s AMI could match.',
      ),
    image: z
      .string({ error: 'must be the name of an image of this factory' })
      .optional()
      .describe(
        'Another image of this factory, of the same platform: the same version of it in every account.',
      ),
    version: text(VERSION_PATTERN, 'must look like "1.4.20261121093000"')
      .optional()
      .describe('The version of `image` to build on; without it the latest released one.'),
    ids: z
      .record(region, text(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/, 'must look like ami-0123456789abcdef0'), {
        error: 'must be a map of regions to AMI ids',
      })
      .optional()
      .describe('One AMI id for each region that the image has a target in.'),
    maxAgeDays: wholeNumber(1, 3650)
      .optional()
      .describe('An older source AMI is refused, in days, with any of the four kinds.'),
    allowDeprecated: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .describe(
        'Whether a deprecated source AMI may be taken, with any of the four kinds. Without it the newest that is not deprecated is taken, and one that is named is refused.',
      ),
  },
  { must: `must be a map with exactly one of ${SOURCE_KINDS.join(', ')}` },
).transform((found, context): SourceAmi => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message, path: [] });
    return z.NEVER;
  };
  const { ssmParameter, filter, owners, image, version, ids } = found;
  const conditions = {
    ...(found.maxAgeDays !== undefined && { maxAgeDays: found.maxAgeDays }),
    ...(found.allowDeprecated === true && { allowDeprecated: true as const }),
  };
  const kinds = SOURCE_KINDS.filter((kind) => found[kind] !== undefined);
  if (kinds.length !== 1) {
    const said = kinds.length === 0 ? 'none' : kinds.join(' and ');
    const hint = kinds.length > 1 ? ': set the others to null' : '';
    return refuse(`found ${said}, must be exactly one of ${SOURCE_KINDS.join(', ')}${hint}`);
  }
  if (owners !== undefined && filter === undefined)
    return refuse('found owners without a filter, must be both');
  if (version !== undefined && image === undefined)
    return refuse('found version without an image, must be both');
  if (ssmParameter !== undefined) return { ssmParameter, ...conditions };
  if (image !== undefined)
    return version === undefined ? { image, ...conditions } : { image, version, ...conditions };
  if (ids !== undefined) return { ids, ...conditions };
  if (filter !== undefined && owners !== undefined) return { filter, owners, ...conditions };
  return refuse(
    "found a filter without owners, must name owners: a filter without owners is how people boot a stranger's image",
  );
});

const subnetId = text(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/, 'must look like subnet-0123456789abcdef0');
const instanceType = text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'must look like m7i.large');

const network = strictMap({
  vpcId: text(/^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/, 'must look like vpc-0123456789abcdef0')
    .optional()
    .describe('The VPC of the target account that builders run in; never without a subnet.'),
  subnetId: subnetId.optional().describe('A subnet of that VPC.'),
  subnetIds: z
    .array(subnetId, { error: 'must be a list of subnet ids' })
    .max(16, { error: 'must be at most 16 subnets' })
    .optional()
    .describe(
      'Subnets of that VPC, tried in this order after `subnetId` when EC2 has no room for the builder, best in several Availability Zones.',
    ),
  subnetTags: z
    .record(
      z.string().min(1, { error: 'must not be empty' }).max(128, { error: 'must be at most 128 characters' }),
      z.string({ error: 'must be a string: write it in quotes' }),
      { error: 'must be a map of tags to their values' },
    )
    .refine((found) => Object.keys(found).length > 0, { error: 'must name at least one tag' })
    .optional()
    .describe(
      'Tags of subnets of that VPC, all of which a subnet must have: the bake finds them, and tries them in the order of their ids, after those that are named.',
    ),
  securityGroupIds: z
    .array(text(/^sg-([0-9a-f]{8}|[0-9a-f]{17})$/, 'must look like sg-0123456789abcdef0'), {
      error: 'must be a list of security group ids',
    })
    .default([])
    .describe('Security groups of the builder, of that VPC; for an empty list Packer makes a temporary one.'),
}).transform(({ vpcId, securityGroupIds, ...subnets }, context) => {
  const hasSubnet = Object.values(subnets).some((found) => found !== undefined && found.length !== 0);
  if (vpcId !== undefined && hasSubnet) return { vpcId, ...subnets, securityGroupIds };
  if (vpcId === undefined && !hasSubnet && securityGroupIds.length === 0) return undefined;
  const [lacking, rest] =
    vpcId === undefined
      ? ['vpcId', 'a subnet and security groups are of one']
      : ['subnetId', 'EC2 chooses one in the default VPC alone'];
  context.addIssue({ code: 'custom', message: `found no ${lacking}, must have one: ${rest}`, path: [] });
  return z.NEVER;
});

/** To whoever wants a port of the instance opened. */
const NO_PORT =
  'found a way in, must be left out: no port of an instance under test is open, so a test asks from inside, as by curl http://localhost';

const test = strictMap(
  {
    instanceType: instanceType
      .optional()
      .describe('EC2 instance type that the AMI boots on; by default that of the builder.'),
    timeoutMinutes: wholeNumber(5, LONGEST_TEST_MINUTES)
      .optional()
      .describe(
        `How long it may take from the launch to the end of the last test, in minutes; ${DEFAULT_TEST_MINUTES} unless set.`,
      ),
    userData: z
      .string({ error: 'must be text' })
      .refine((found) => Buffer.byteLength(found) <= MOST_USER_DATA_BYTES, {
        error: () =>
          `found more than ${MOST_USER_DATA_BYTES} bytes, must be at most so many: EC2 takes no more`,
      })
      .optional()
      .describe(
        'User data of the instance, as text: with [what an instance is told](writing-images.md#what-an-instance-is-told), the tests see whether it provisions itself.',
      ),
  },
  {
    refused: { port: NO_PORT, ports: NO_PORT, inbound: NO_PORT, securityGroupIds: NO_PORT },
    must: 'must be a map of instanceType, timeoutMinutes and userData; {} for all of them as they are by default',
  },
);

const ID = 'must be the id of a vulnerability, like CVE-2026-1234';
const UNTIL = 'must be a day, like 2027-01-31: until then it is ignored';
const REASON = 'must say in words why it is no danger here';
const IGNORE = 'must be a list of maps of id, until and reason';

const vulnerabilities = strictMap(
  {
    failOn: z
      .enum(SEVERITIES, { error: `must be ${SEVERITIES.slice(0, -1).join(', ')} or ${SEVERITIES.at(-1)}` })
      .default('critical')
      .describe('What is as grave as this, or graver, rolls a release back.'),
    ignore: z
      .array(
        strictMap(
          {
            id: text(/^[A-Za-z0-9][\w:.-]{2,100}$/, ID).describe('As the scanner names it.'),
            until: text(/^\d{4}-\d\d-\d\d$/, UNTIL)
              .refine((day) => !Number.isNaN(Date.parse(day)), { error: UNTIL })
              .describe('The last day, in UTC, on which it is ignored.'),
            reason: text(/\S/, REASON)
              .max(200, { error: 'must be at most 200 characters' })
              .describe('Why; it is kept in the record.'),
          },
          { must: IGNORE },
        ),
        { error: IGNORE },
      )
      .max(100, { error: 'must be at most 100 of them' })
      .default([])
      .describe('What is known, and is no reason to fail for a time.'),
  },
  { must: 'must be a map of failOn and ignore; {} for both as they are by default' },
);

const listOf = (pattern: RegExp, must: string, what: string) =>
  z.array(text(pattern, must), { error: `must be a list of ${what}` }).exactOptional();

/** An id alone is an error to EC2. @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html */
const ORGANIZATION = /^arn:aws[a-z-]*:organizations::\d{12}:organization\/o-[a-z0-9]{10,32}$/;
const UNIT = /^arn:aws[a-z-]*:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$/;
const CONSUMERS =
  'must be a map of accounts, organizations and organizationalUnits, with at least one of them in all';

const consumers = strictMap(
  {
    accounts: listOf(/^\d{12}$/, 'must be an account id of 12 digits, in quotes', 'account ids').describe(
      'Accounts, by their ids.',
    ),
    organizations: listOf(
      ORGANIZATION,
      'must be the ARN of an organisation, with the id of its management account, like arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5',
      'ARNs of organisations',
    ).describe('Organisations, by their ARNs: every account of them.'),
    organizationalUnits: listOf(
      UNIT,
      'must be the ARN of an organisational unit, with the id of the management account, like arn:aws:organizations::999999999999:ou/o-a1b2c3d4e5/ou-a1b2-f6g7h8i9',
      'ARNs of organisational units',
    ).describe('Organisational units, by their ARNs: every account in them, and in the units below.'),
  },
  { must: CONSUMERS },
).superRefine((all, context) => {
  const count = Object.values(all).flat().length;
  if (count === 0) context.addIssue({ code: 'custom', message: CONSUMERS });
  if (count > MOST_CONSUMERS)
    context.addIssue({
      code: 'custom',
      message: `must name at most ${MOST_CONSUMERS.toLocaleString('en')} in all: EC2 takes no more for one AMI, and an organisation counts as one`,
    });
});

/** AWS’s own key of an account for EBS: whatever it encrypts can be shared with nobody. */
export const EBS_KEY = 'alias/aws/ebs';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const KMS_KEY = new RegExp(
  `^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:)?(${UUID}|key/${UUID}|mrk-[0-9a-f]{32}|key/mrk-[0-9a-f]{32}|alias/[\\w/-]{1,250})$`,
);

const TAG_KEY =
  'must be 1 to 128 characters, must not start with aws: or packleader:, and must not be Name, Version or AutoCleanup';
const tags = z
  .record(
    z
      .string()
      .min(1, { error: TAG_KEY })
      .max(128, { error: TAG_KEY })
      .refine((key) => !/^(aws|packleader):/i.test(key) && !RESERVED_TAGS.includes(key), { error: TAG_KEY }),
    z
      .string({ error: 'must be a string: write it in quotes' })
      .max(256, { error: 'must be at most 256 characters' }),
    { error: 'must be a map of strings' },
  )
  .refine((found) => Object.keys(found).length <= 35, { error: 'must be at most 35 tags' })
  .refine((found) => !Object.entries(found).flat().join('\n').includes('{{'), {
    error: 'must not have {{ in any of them: Packer takes that for a template of its own',
  });

export type VariableValue =
  string | number | boolean | readonly VariableValue[] | { readonly [key: string]: VariableValue };

const isVariableValue = (value: unknown): value is VariableValue =>
  typeof value === 'object' && value !== null
    ? Object.values(value).every(isVariableValue)
    : value !== null && value !== undefined;

export const isSecretReference = (value: unknown): value is SecretReference =>
  secretReferenceSchema.safeParse(value).success;

/** A map that means to be a secret reference, well formed or not. */
const meansSecret = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, 'secretsManager') || Object.hasOwn(value, 'ssmParameter'));
const hidesSecret = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).some((item) => meansSecret(item) || hidesSecret(item));

const VARIABLE_NAME = 'must be lower-case letters, digits and underscores, starting with a letter';
const variables = z.record(
  z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/, { error: VARIABLE_NAME })
    .refine((name) => !RESERVED_VARIABLES.includes(name), {
      error: 'must not be a variable that packleader sets itself',
    }),
  z
    .custom<VariableValue>(isVariableValue, {
      error: 'must be a string, number, boolean, list or map without null',
    })
    .refine((value) => !meansSecret(value) || isSecretReference(value), {
      error:
        'must be a secret reference with exactly one of secretsManager and ssmParameter: set the other to null',
    })
    .refine((value) => !hidesSecret(value), {
      error: 'must not hold a secret reference deeper inside: give the secret a variable of its own',
    }),
  { error: 'must be a map of Packer variables' },
);

export const settingsSchema = strictMap(
  {
    source: source.meta({
      description:
        'Which AMI the bake starts from: exactly one of `ssmParameter`, `filter`, `image` and `ids`. A layer that chooses another kind sets the one of a lower layer to `null`.',
      examples: [
        { ssmParameter: '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64', maxAgeDays: 60 },
        { filter: { name: 'debian-13-amd64-*' }, owners: ['136693071363'], allowDeprecated: true },
        { image: 'linux-base' },
        { image: 'linux-base', version: '1.4.20261121093000' },
        { ids: { 'eu-west-1': 'ami-0123456789abcdef0' } },
      ],
    }),
    architecture: z
      .enum(['x86_64', 'arm64'], { error: 'must be x86_64 or arm64' })
      .default('x86_64')
      .meta({ description: 'CPU architecture of the AMI.', examples: ['arm64'] }),
    instanceType: instanceType.meta({
      description: 'EC2 instance type of the builder, not of the instances that will run the image.',
      examples: ['m7i.large'],
    }),
    instanceTypes: z
      .array(instanceType, { error: 'must be a list of instance types' })
      .max(10, { error: 'must be at most 10 instance types' })
      .optional()
      .meta({
        description:
          'Instance types of the same architecture, tried in this order after `instanceType` when EC2 has no such instance at the moment. Which one was taken is in [the record of the bake](configuration.md#when-ec2-has-no-room).',
        examples: [['m7a.large', 'm6i.large']],
      }),
    spot: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .meta({
        description:
          '`true`: the builder is [a Spot Instance where EC2 has one](configuration.md#builders-on-spot), else one on demand. `packleader.config` must say [`spotBuilders: true`](#spotbuilders). Only for Linux.',
        examples: [true],
      }),
    onFailure: z
      .enum(['remove', 'keep'], { error: 'must be remove or keep' })
      .optional()
      .meta({
        description:
          '`keep`: when a bake fails, [its builder stays](configuration.md#looking-at-a-builder-that-failed) for `keepHours`, for somebody to look at. Only in the first stage, and where `packleader.config` says [`keepBuilders: true`](#keepbuilders). `remove`, as without it: nothing stays.',
        examples: ['keep'],
      }),
    keepHours: wholeNumber(1, MOST_KEPT_HOURS)
      .optional()
      .meta({
        description: `How long a builder stays with \`onFailure: keep\`, in hours; ${DEFAULT_KEPT_HOURS} unless set. Then it ends itself, and is swept.`,
        examples: [8],
      }),
    network: network.optional().meta({
      description:
        'Where in the target account builders run. Without it: a subnet that EC2 chooses of the default VPC of the region, and a security group that Packer makes for the bake.',
      examples: [
        {
          vpcId: 'vpc-0d0e0f00000000001',
          subnetId: 'subnet-0d0e0f0000000001a',
          securityGroupIds: ['sg-0d0e0f0000000001b'],
        },
        {
          vpcId: 'vpc-0d0e0f00000000001',
          subnetIds: ['subnet-0d0e0f0000000001a', 'subnet-0d0e0f0000000001c'],
        },
        { vpcId: 'vpc-0d0e0f00000000001', subnetTags: { Tier: 'build' } },
      ],
    }),
    kmsKeyId: text(KMS_KEY, 'must be a KMS key id, alias/<name> or an ARN of either')
      .default(EBS_KEY)
      .meta({
        description:
          'Key that encrypts the AMI and its snapshots. `alias/aws/ebs` is the account’s default key; an AMI encrypted with it can never be shared.',
        examples: ['alias/packleader', 'alias/aws/ebs'],
      }),
    consumers: consumers.optional().meta({
      description:
        '[Who may launch the AMI besides](consuming.md#accounts-that-only-launch) the account that holds it. `packleader.config` says [`shareAmis: true`](#shareamis), and `kmsKeyId` names a key that they may use.',
      examples: [
        { accounts: ['333333333333', '444444444444'] },
        { organizations: ['arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5'] },
        { organizationalUnits: ['arn:aws:organizations::999999999999:ou/o-a1b2c3d4e5/ou-a1b2-f6g7h8i9'] },
      ],
    }),
    instanceProfile: text(/^[\w+=,.@-]{1,128}$/, 'must be the name of an instance profile, not its ARN')
      .default(NAMES.builder)
      .meta({
        description:
          'Instance profile of the builder, by name. The target stack makes `packleader-builder`; the name of another one, and its role’s, must begin with that.',
        examples: ['packleader-builder'],
      }),
    rootVolumeSizeGiB: wholeNumber(1, 16_384).meta({
      description: 'Size of the root volume, in GiB.',
      examples: [20],
    }),
    timeoutMinutes: wholeNumber(5, LONGEST_BAKE_MINUTES)
      .default(120)
      .meta({ description: 'How long one bake may take, or one copy, in minutes.', examples: [60] }),
    strategy: z
      .enum(['bake', 'copy'], { error: 'must be bake or copy' })
      .optional()
      .meta({
        description:
          'How a target gets its AMI. `bake`, as without it: Packer makes it there. `copy`: it is [copied](copying.md) from a target of an earlier stage, where `packleader.config` says [`copyAmis: true`](#copyamis).',
        examples: ['bake'],
      }),
    from: text(/./, 'must be the name of an earlier stage')
      .optional()
      .meta({
        description:
          'With `strategy: copy`: the earlier stage whose AMI is copied, of a target in the same region if there is one. Unless set, the nearest stage that bakes.',
        examples: ['dev'],
      }),
    allowWindowsCopy: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .meta({
        description:
          '`true`: a Windows image may be copied from one account to another. EC2 may refuse it, and then the release is rolled back.',
        examples: [true],
      }),
    deprecateAfterDays: wholeNumber(LEAST_DEPRECATION_DAYS, 3650)
      .optional()
      .meta({
        description:
          'How many days after the start of its release EC2 calls the AMI [deprecated](configuration.md#when-an-ami-is-old); never unless set.',
        examples: [90],
      }),
    test: test.optional().meta({
      description:
        '[Each AMI boots, and is tested](releasing.md#tests), before anyone can use it. The image, or its template, has a directory `tests/`, and `packleader.config` says [`testAmis: true`](#testamis).',
      examples: [{}, { instanceType: 't3.small', timeoutMinutes: 20, userData: '{"environment": "test"}' }],
    }),
    vulnerabilities: vulnerabilities.optional().meta({
      description:
        '[What each AMI holds is scanned](releasing.md#vulnerabilities) before it becomes a version. `packleader.config` says by [`scanAmis`](#scanamis) what scans.',
      examples: [
        {},
        {
          failOn: 'high',
          ignore: [
            { id: 'CVE-2026-1234', until: '2027-01-31', reason: 'only in the part that nothing here calls' },
          ],
        },
      ],
    }),
    sshInterface: z
      .enum(['session_manager', 'private_ip', 'public_ip'], {
        error: 'must be session_manager, private_ip or public_ip',
      })
      .optional()
      .meta({
        description:
          'How Packer reaches a Linux builder; `session_manager` unless set. The layers of a Windows image may not set it, and what `config/` says of it does not reach one.',
        examples: ['private_ip'],
      }),
    retention: retentionSchema.optional().meta({
      description:
        'How long versions are kept, once [retiring](retiring.md) is switched on; `{}` takes every default. A version goes in all accounts or in none, so of what stages and targets say the most careful counts, and where one of them has no `retention`, the image stays everywhere.',
      examples: [
        {},
        {
          unusedDays: 30,
          keepNewest: 5,
          minAgeDays: 30,
          prereleaseDays: 7,
          deprecateFirst: true,
          graceDays: 14,
        },
        { deprecateFirst: false, graceDays: 'none', deregister: 'recycle-bin' },
      ],
    }),
    tags: tags.default({}).meta({
      description:
        'Tags of the AMI, its snapshots and the builder, besides those that packleader sets: at most 35, keys of at most 128 characters, values of at most 256. No key may be `Name`, `Version` or `AutoCleanup`, or begin with `aws:` or `packleader:`.',
      examples: [{ ManagedBy: 'packleader', Environment: 'prod' }],
    }),
    variables: variables.default({}).meta({
      description:
        'Packer variables of the template, passed through under their own names: lower-case letters, digits and underscores. A value is anything without null. A secret is named, by `secretsManager` or `ssmParameter`, and has a variable of its own. The variables that packleader sets itself are refused here.',
      examples: [
        {
          timezone: 'UTC',
          log_retention_days: 30,
          repository_password: { secretsManager: 'packleader/linux-web/repository' },
          licence: { ssmParameter: '/packleader/secrets/licence' },
        },
      ],
    }),
  },
  { alsoKnown: NARROWING_KEYS },
);
export type Settings = z.infer<typeof settingsSchema>;

export const DEFAULT_SSH_INTERFACE = 'session_manager';
