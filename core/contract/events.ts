/** Every event that the hub puts on its default bus: the schemas of their details, which schemas/events/ publishes. */
import * as z from 'zod';
import { leftoverSchema } from './leftovers.ts';
import { NAMES } from './names.ts';
import { builderSchema, releaseSchema } from './releases.ts';
import { REPOINTS } from './repoints.ts';
import { amiSchema, targetSchema } from './targets.ts';
import { testedSchema } from './tests.ts';

/**
 * The number in the field `schema` of every detail. Fields may be added without a new one, so whoever reads an event must not refuse
 * what it does not know; what is taken away, or means something else, makes a new number.
 */
export const EVENT_SCHEMA = 1;

/** The full id of a commit. */
export const commitIdSchema = z.string().regex(/^[0-9a-f]{40}$/, 'must be 40 hexadecimal digits');

const versionOf = {
  releaseId: z.string().describe('`<image>@<version>`'),
  image: z.string(),
  version: z.string(),
};
const reason = z.string().describe('In the words of whoever asked; missing when they gave none.');
const executionArn = z
  .string()
  .describe('The execution of `packleader-repoint`. An event that comes twice has the same.');
const releaseArn = z
  .string()
  .optional()
  .describe('The execution of `packleader-release-image`; missing from an older deployment.');
const by = z.enum(REPOINTS).describe('Which of the three was asked for.');
const stagedAmi = amiSchema.extend({ stage: z.string() });

const whatChanged = z.object({
  what: z.enum(['packages', 'configuration']),
  count: z.int().nullable().describe('How many; null where that cannot be said.'),
  first: z.array(z.string()).describe('The first ten, for people; or why that cannot be said.'),
});

const retiring = {
  ...versionOf,
  step: z.enum(['restore', 'deprecate', 'disable', 'deregister']).describe('What is done to all its AMIs.'),
  why: z.string(),
  amis: z.array(amiSchema),
};

/** Detail types and details, in the order of a version’s life. */
const DETAILS = {
  [NAMES.gitPush]: z.object({
    provider: z.enum(['github', 'gitlab', 'bitbucket', 'codecommit']),
    repository: z.string().describe('`github.com/example/images`'),
    branch: z.string(),
    commit: commitIdSchema.describe('What the branch points at now.'),
    delivery: z.object({
      id: z.string().describe('What the provider calls it.'),
      fingerprint: z
        .string()
        .describe('What tells it from every other one; an event that comes twice has it twice.'),
    }),
  }),
  [NAMES.started]: releaseSchema.extend({
    ...versionOf,
    executionArn: z
      .string()
      .describe('The execution of `packleader-release-image`. A retry has another one.'),
    startedAt: z.string().describe('When that started, ISO 8601.'),
    branch: z.string().optional(),
    reason: z.string().optional().describe('In the words of whoever asked; missing when they gave none.'),
    startedBy: z.string().optional().describe('Who asked, as they say themselves; missing when they do not.'),
    stages: z
      .array(z.object({ stage: z.string(), targets: z.int() }))
      .describe('How many targets are baked in each stage.'),
    builtOn: z
      .array(z.string())
      .describe('The releases of this factory that its source AMIs are of; empty where they are of none.'),
  }),
  [NAMES.approvalRequested]: releaseSchema.extend({
    ...versionOf,
    executionArn: z.string().describe('The execution of `packleader-release-image`, which waits.'),
    stage: z.string().describe('What is baked once it is approved.'),
    until: z.string().describe('When it is rolled back unless somebody approves, ISO 8601.'),
    fourEyes: z.boolean().describe('Whether whoever started it may not approve it.'),
    since: z
      .object({ releaseId: z.string(), commit: z.string() })
      .nullable()
      .describe('The version that stands in this stage; null where there is none.'),
    compareUrl: z
      .string()
      .optional()
      .describe('What the commits change, where the repository has a page for it.'),
    changes: z.array(whatChanged).describe('Since that version: packages, and configuration.'),
    tests: z
      .array(testedSchema.extend({ stage: z.string() }))
      .describe(
        'How many tests passed on how many instances of each stage before; empty where nothing is tested.',
      ),
    approve: z.string().describe('The command that approves.'),
    reject: z.string().describe('The command that rejects.'),
  }),
  [NAMES.approved]: releaseSchema.extend({
    ...versionOf,
    executionArn: z.string().describe('The execution of `packleader-release-image`, which goes on.'),
    stage: z.string(),
    by: z.string().describe('The ARN that AWS knows whoever approved by.'),
    reason: z.string(),
  }),
  [NAMES.retryAwaited]: releaseSchema.extend({
    ...versionOf,
    executionArn: z.string().describe('The execution of `packleader-release-image`, which waits.'),
    stage: z.string().describe('What failed, and is undone already.'),
    until: z.string().describe('When everything else is rolled back unless somebody retries it, ISO 8601.'),
    error: z.string().describe('The name of the error that it failed with.'),
    cause: z.string().describe('What happened, for people.'),
    retry: z.string().describe('The command that retries.'),
  }),
  [NAMES.released]: releaseSchema.extend({
    ...versionOf,
    executionArn: releaseArn,
    images: z
      .array(stagedAmi.extend(builderSchema.shape))
      .describe('Of every target. `instanceType` and `spot` are those of the builder, where it told.'),
    differences: z
      .int()
      .optional()
      .describe(
        'How often the AMIs differ from the first one; missing where nobody compares, or there is one.',
      ),
    firstDifferences: z.array(z.string()).optional().describe('The first ten, for people.'),
  }),
  [NAMES.rolledBack]: releaseSchema.extend({
    ...versionOf,
    executionArn: releaseArn,
    complete: z.boolean().describe('False when something is left behind.'),
    error: z.string().describe('The name of the error that the release failed with.'),
    cause: z.string().describe('What happened, for people.'),
    leftovers: z.array(leftoverSchema).describe('The first of them.'),
    leftoverCount: z.int(),
  }),
  [NAMES.repointed]: z.object({
    image: z.string(),
    releaseId: z.string().nullable().describe('Null, as `version`, where no version stands any more.'),
    version: z.string().nullable(),
    by,
    reason: reason.optional(),
    from: z.array(z.string().nullable()).describe('The versions that `latest` showed before.'),
    images: z
      .array(targetSchema.extend({ stage: z.string(), imageId: z.string().nullable() }))
      .describe('Of every target whose `latest` moved.'),
    executionArn,
  }),
  [NAMES.revoked]: z.object({
    ...versionOf,
    by: z.enum(['rollback', 'revoke']),
    reason: reason.optional(),
    because: z.string().optional().describe('The release that it is built on, and was revoked with.'),
    disabled: z.boolean().describe('Whether nothing can be launched from its AMIs any more.'),
    executionArn,
  }),
  [NAMES.restored]: z.object({
    ...versionOf,
    reason: reason.optional(),
    because: z.string().optional(),
    disabled: z.boolean().describe('Always false.'),
    executionArn,
  }),
  [NAMES.retiring]: z.object(retiring),
  [NAMES.retired]: z.object({
    ...retiring,
    complete: z.boolean().describe('False when an account refused.'),
    leftovers: z.array(leftoverSchema).describe('The first hundred.'),
  }),
  [NAMES.stale]: z.object({
    ...versionOf,
    commit: z.string(),
    repository: z.string(),
    releasedAt: z.string().describe('ISO 8601.'),
    days: z.int().describe('Since then; with `releaseId` it tells an event that comes twice.'),
    staleAfterDays: z.int(),
  }),
} as const;

type Details = typeof DETAILS;
export type EventName = keyof Details;
/** What a sender says; `schema` is added. */
export type EventDetail<Name extends EventName> = Readonly<z.input<Details[Name]>>;

export const gitPushSchema = DETAILS[NAMES.gitPush];
export type GitPush = z.infer<typeof gitPushSchema>;

/** When each is sent, for the reference. */
const WHEN: Readonly<Record<EventName, string>> = {
  [NAMES.gitPush]: 'The webhook took a push to a branch that starts a release.',
  [NAMES.started]: 'The source AMIs of a release are found, and its first stage is about to be baked.',
  [NAMES.approvalRequested]: 'A release waits until somebody approves a stage.',
  [NAMES.approved]: 'Somebody has, and the stage is baked.',
  [NAMES.retryAwaited]:
    'A release has failed in a later stage, and keeps the AMIs of those before it until somebody retries it.',
  [NAMES.released]: 'A version is `latest` in every account; a prerelease stands in the first stage.',
  [NAMES.rolledBack]: 'A release failed and was undone: it never was `latest`.',
  [NAMES.repointed]: '`latest` of an image has moved to another version in every account.',
  [NAMES.revoked]: 'A version must not be used any more.',
  [NAMES.restored]: 'A version that was revoked stands again.',
  [NAMES.retiring]: 'A version is about to be deprecated, disabled, deregistered, or given back.',
  [NAMES.retired]: 'That was done, or was refused in an account.',
  [NAMES.stale]:
    'The newest version of an image that stands is older than `staleAfterDays`: on that day, and every week after.',
};

const isEventName = (name: string): name is EventName => Object.hasOwn(DETAILS, name);

/** A detail as a listener takes it: what it does not know is left out. */
export const detailSchema = <Name extends EventName>(name: Name): Details[Name] => DETAILS[name];

/** Each event, with the schema of its whole detail. */
export const EVENTS = Object.keys(DETAILS)
  .filter(isEventName)
  .map((name) => ({
    name,
    when: WHEN[name],
    /** The file of its schema, below schemas/events/. */
    file: `${name.toLowerCase().replaceAll(' ', '-')}.json`,
    detail: DETAILS[name].extend({
      schema: z.literal(EVENT_SCHEMA).describe('The version of this schema.'),
    }),
  }));
