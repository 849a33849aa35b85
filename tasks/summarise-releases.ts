import * as z from 'zod';
import { ERRORS, errorOutputSchema } from '../core/contract/errors.ts';
import { releaseSchema } from '../core/contract/releases.ts';
import { parseEvent } from '../core/contract/parse-event.ts';

const eventSchema = z.object({
  /** Per tier, per image: the release, and how it failed if it did. */
  results: z.array(z.array(z.object({ release: releaseSchema, failure: errorOutputSchema.optional() }))),
});

/** What a nested execution leaves in its parent's cause.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html */
const nestedFailureSchema = z.object({ Error: z.string().default(''), Cause: z.string().default('') });

/** How the whole execution ended. */
export interface Summary {
  readonly complete: boolean;
  readonly released: readonly string[];
  readonly cause: string;
}

/** Decides how the whole execution ends: well when every image was released, else badly, with each image's reason.
 *  In      { results: [[{ release, failure? }]] }
 *  Out     { complete, released: ['web@1.4.2026…'], cause: 'one line an image that was not released' }
 *  Errors  none of its own
 *  Repeat  safe: calls nothing
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html */
export async function handler(event: unknown): Promise<Summary> {
  const all = parseEvent(eventSchema, event)
    .results.flat()
    .map(({ release, failure }) => ({ release, failed: failure && readNested(failure) }));
  // An image that is out in every account is released, even though its announcement was not taken.
  const lost = all.filter(({ failed }) => failed && failed.name !== ERRORS.announcementFailed);
  const released = all.filter((one) => !lost.includes(one)).map(({ release }) => release.releaseId);
  const count = `${lost.length} of ${all.length} ${all.length === 1 ? 'image was' : 'images were'} not released.`;
  const reasons = lost.map(
    ({ release, failed }) => `${release.releaseId}: ${failed?.name}: ${failed?.cause}`,
  );
  return {
    complete: lost.length === 0,
    released,
    cause: lost.length === 0 ? '' : [count, ...reasons].join('\n'),
  };
}

function readNested(failure: z.infer<typeof errorOutputSchema>): { name: string; cause: string } {
  try {
    const { Error: name, Cause: cause } = nestedFailureSchema.parse(JSON.parse(failure.Cause));
    return { name: name || failure.Error, cause };
  } catch {
    return { name: failure.Error, cause: failure.Cause };
  }
}
