import { closest, distance } from 'fastest-levenshtein';
import type * as z from 'zod';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { type ReleaseRequest, releaseRequestSchema } from '../contract/requests.ts';

/** A request that names what it wants; without images it wants whatever changed. */
export interface ChosenRequest {
  readonly images: readonly string[] | undefined;
  readonly overrides: ReleaseRequest['overrides'];
  /** In the words of whoever asked. */
  readonly reason: ReleaseRequest['reason'];
  /** As they say themselves. */
  readonly startedBy: ReleaseRequest['startedBy'];
}

const EXAMPLE =
  'Correct inputs are {} (whatever changed), { "image": "linux-base" } and ' +
  '{ "images": ["linux-base", "linux-web"], "ref": "<commit, branch or tag>", "branch": "main", "overrides": { "instanceType": "t3.large" } }.';

/**
 * Understands what a person, an event or a tool asked for.
 *  @throws PackleaderError InvalidRequest: one sentence a problem, then correct inputs
 */
export function parseRequest(asked: unknown): ChosenRequest {
  const parsed = releaseRequestSchema.safeParse(asked);
  if (!parsed.success)
    throw invalid(parsed.error.issues.flatMap((issue) => sentences(issue, asked)).join(' '));
  const { image, images, overrides, reason, startedBy } = parsed.data;
  if (image !== undefined && images !== undefined)
    throw invalid('Give either "image" or "images", not both.');
  return { images: image === undefined ? images : [image], overrides, reason, startedBy };
}

function invalid(why: string): PackleaderError {
  return new PackleaderError(ERRORS.invalidRequest, `${why} ${EXAMPLE}`);
}

function sentences(issue: z.core.$ZodIssue, asked: unknown): string[] {
  const known = Object.keys(releaseRequestSchema.shape);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const nearest = closest(key, known);
      const suggestion = distance(key, nearest) <= 3 ? ` Did you mean "${nearest}"?` : '';
      return `The input has an unknown field "${key}".${suggestion}`;
    });
  }
  if (issue.path.length === 0) return [`The input is ${describe(asked)}, but must be a JSON object.`];
  const found = issue.path.reduce<unknown>((value, key) => Reflect.get(Object(value), key), asked);
  return [`The field "${issue.path.join('.')}" is ${describe(found)}: ${issue.message}.`];
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${JSON.stringify(value)}`;
}
