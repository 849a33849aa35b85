/** Turns what a zod schema found wrong into problems with a file, a line and one sentence. */
import * as z from 'zod';
import { REGIONS } from '../../contract/regions.ts';
import { regionSchema } from '../../contract/targets.ts';
import { namesSecret } from './credentials.ts';
import { nearest, problem, shown, type Path, type Problem } from './problems.ts';

/** A place in a file, with the path that leads to it there. */
export interface Located {
  readonly file: string;
  readonly line: number;
  readonly path: Path;
}

/**
 * A strict map whose complaint about an unknown key is the list of known ones, for {@link schemaProblems} to choose from.
 * `alsoKnown` are keys that were taken out before validation, `refused` those that people try, with what is said of each.
 */
export const strictMap = <Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  {
    must = 'must be a map',
    alsoKnown = [],
    refused = {},
  }: {
    must?: string;
    alsoKnown?: readonly string[];
    refused?: Readonly<Record<string, string>>;
  } = {},
) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? complaint([...Object.keys(shape), ...alsoKnown], refused) : must,
  });

/** As a message, which is all that zod carries. */
const complaint = (known: readonly string[], refused: Readonly<Record<string, string>>): string =>
  [known.join(' '), ...Object.entries(refused).map(([key, says]) => `${key} ${says}`)].join('\n');

/** What is said of a key that is unknown. */
function complaintOf(key: string, message: string): string {
  const [known = '', ...refused] = message.split('\n');
  const said = refused.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  return said ?? `found an unknown key, ${nearest(key, known.split(' '))}`;
}

/** A string of one pattern; `must` reads like "must look like vpc-0123456789abcdef0". */
export const text = (pattern: RegExp, must: string) =>
  z.string({ error: must }).regex(pattern, { error: must });

export const snsTopicArn = text(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of an SNS topic');

const REGION = 'must look like eu-west-1';
export const region = z
  .string({ error: REGION })
  .refine((name) => REGIONS.includes(name), {
    error: ({ input }) =>
      regionSchema.safeParse(input).success
        ? `must be a region of AWS, ${nearest(String(input), REGIONS)}`
        : REGION,
  })
  // For the JSON Schema, which sees no refinement.
  .meta({ enum: REGIONS });

export function wholeNumber(from: number, to: number) {
  const must = `must be a whole number from ${from} to ${to}`;
  return z.int({ error: must }).min(from, { error: must }).max(to, { error: must });
}

interface Source {
  /** The value that was validated. */
  readonly value: unknown;
  /** Where the value of a path, or the nearest thing around it, was written. */
  readonly locate: (path: Path) => Located;
  /** What to say of a required key that is nowhere; `must` is the schema's own sentence. Undefined where another says it. */
  readonly missing: (must: string) => string | undefined;
}

/** Required keys that are nowhere in the value, with the schema's own sentence about each. */
export const missingKeys = (
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
): { path: Path; must: string }[] =>
  issues
    .filter(({ code }) => code !== 'unrecognized_keys' && code !== 'invalid_key')
    .map(({ path, message }) => ({ path: pathOf(path), must: message }))
    .filter(({ path }) => valueAt(value, path) === undefined);

const pathOf = (path: readonly PropertyKey[]): Path =>
  path.map((step) => (typeof step === 'number' ? step : String(step)));

export const schemaProblems = (issues: readonly z.core.$ZodIssue[], source: Source): Problem[] =>
  issues.flatMap((issue): Problem[] => {
    const path = pathOf(issue.path);
    const at = (where: Path, message: string): Problem => {
      const { file, line, path: inFile } = source.locate(where);
      return problem(file, line, inFile, message);
    };
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => at([...path, key], complaintOf(key, issue.message)));
    }
    if (issue.code === 'invalid_key') {
      const must = issue.issues[0]?.message ?? issue.message;
      return [at(path, `found the key ${shown(path.at(-1))}, ${must}`)];
    }
    const found = valueAt(source.value, path);
    if (found === undefined) {
      const message = source.missing(issue.message);
      return message === undefined ? [] : [at(path, message)];
    }
    // A check that knows better what to show says the whole sentence itself.
    if (issue.message.startsWith('found ')) return [at(path, issue.message)];
    const isSecret = path.some((step) => typeof step === 'string' && namesSecret(step));
    return [at(path, `found ${isSecret ? 'a value (not shown)' : shown(found)}, ${issue.message}`)];
  });

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Object.entries(at).find(([key]) => key === String(step))?.[1];
  }
  return at;
}
