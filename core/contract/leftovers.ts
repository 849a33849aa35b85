import * as z from 'zod';
import { ERRORS, PackleaderError } from './errors.ts';
import { targetSchema } from './targets.ts';

/** Something a rollback could not remove, and why. */
export const leftoverSchema = targetSchema.extend({ resourceId: z.string(), why: z.string() });
export type Leftover = z.infer<typeof leftoverSchema>;

/**
 * Room for the list in the error's cause, where Lambda puts it twice: in the trace as well. Step Functions keeps 32,768
 * characters of a cause, and the causes of all stages must fit into 256 KiB beside the release of 1,000 targets.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const LEFTOVERS_CHARACTERS = 3_000;

/**
 * Thrown by an undo that could not remove everything; its message is JSON, so that the next state can read the list. A list
 * that is too long is cut, and `more` says how many are missing.
 */
export class LeftoversRemain extends PackleaderError {
  readonly leftovers: readonly Leftover[];
  constructor(leftovers: readonly Leftover[]) {
    let characters = 0;
    const told = leftovers.filter((leftover) => {
      characters += JSON.stringify(JSON.stringify(leftover)).length;
      return characters <= LEFTOVERS_CHARACTERS;
    });
    super(ERRORS.leftoversRemain, JSON.stringify({ leftovers: told, more: leftovers.length - told.length }));
    this.leftovers = leftovers;
  }
}
