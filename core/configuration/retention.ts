/** How long the versions of an image are kept: the setting `retention`, and what it comes to for an image as a whole. */
import * as z from 'zod';
import { strictMap, wholeNumber } from './documents/validation.ts';

const days = wholeNumber(1, 3_650);

/** No grace at all must be said in a word: a zero may be a slip. */
const NO_GRACE = 'none';
const GRACE = 'must be a whole number from 1 to 365, or none, in a word, for no grace at all';

/** What becomes of an AMI in the end. */
const DEREGISTER = ['now', 'recycle-bin'] as const;

const NEWEST = 'must be a whole number from 1 to 1000: with none kept nothing would be left to launch';

export const retentionSchema = strictMap({
  unusedDays: days
    .default(7)
    .describe('How long nothing may have used any AMI of a version before it goes, in days.'),
  keepNewest: z
    .int({ error: NEWEST })
    .min(1, { error: NEWEST })
    .max(1_000, { error: NEWEST })
    .default(3)
    .describe('How many of the newest versions stay, and of those that `latest` could go back to.'),
  minAgeDays: days.default(14).describe('A version younger than this stays, in days.'),
  prereleaseDays: days
    .default(14)
    .describe(
      'The same of a version from another branch than the default one, of which none is kept for being new.',
    ),
  deprecateFirst: z
    .boolean({ error: 'must be true or false' })
    .default(true)
    .describe(
      'Whether a version is deprecated before it is disabled: hidden from others, and launched by its id.',
    ),
  graceDays: z
    .union(
      [z.literal(NO_GRACE), z.int({ error: GRACE }).min(1, { error: GRACE }).max(365, { error: GRACE })],
      { error: GRACE },
    )
    .default(7)
    .describe('How long it stays deprecated, and then disabled, in days; `none` for no time at all.'),
  deregister: z
    .enum(DEREGISTER, { error: 'must be now or recycle-bin' })
    .default('now')
    .describe(
      '`recycle-bin` deregisters only what rules of the Recycle Bin keep, in every target; `now` asks for none.',
    ),
});
export type Retention = z.infer<typeof retentionSchema>;

/** What is kept of each image that anything goes of, by its name; of any other image everything stays. */
export const retentionRulesSchema = z.record(
  z.string(),
  retentionSchema.extend({
    /** Versions that other images are built on by name: they are needed for the next release. */
    pinned: z.array(z.string()).exactOptional(),
  }),
);
export type RetentionRules = Readonly<
  Record<string, Retention & { readonly pinned?: readonly string[] | undefined }>
>;

export const graceDaysOf = ({ graceDays }: Retention): number => (graceDays === NO_GRACE ? 0 : graceDays);

/**
 * What several targets say, as one: a version goes in all of them or in none, so the most careful of each setting counts.
 * Undefined when one of them says nothing: there it stays for good.
 */
export function mostCareful(said: readonly (Retention | undefined)[]): Retention | undefined {
  const all = said.filter((one) => one !== undefined);
  const [first] = all;
  if (first === undefined || all.length < said.length) return undefined;
  const most = (of: (one: Retention) => number) => Math.max(...all.map(of));
  const grace = most(graceDaysOf);
  return {
    unusedDays: most(({ unusedDays }) => unusedDays),
    keepNewest: most(({ keepNewest }) => keepNewest),
    minAgeDays: most(({ minAgeDays }) => minAgeDays),
    prereleaseDays: most(({ prereleaseDays }) => prereleaseDays),
    deprecateFirst: all.some(({ deprecateFirst }) => deprecateFirst),
    graceDays: grace === 0 ? NO_GRACE : grace,
    deregister: all.some(({ deregister }) => deregister === 'recycle-bin') ? 'recycle-bin' : 'now',
  };
}
