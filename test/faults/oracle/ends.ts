/** How a release can end, in its own words. */
import * as z from 'zod';
import { type Leftover, leftoverSchema } from '../../../core/contract/leftovers.ts';
import { PIVOT } from '../../../core/contract/state-names.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import type { Outcome } from '../../../sandbox/engine/outcome.ts';

export type End =
  | 'released'
  | 'released without announcement'
  | 'rolled back'
  | 'rollback incomplete'
  | 'rollback not verified'
  | 'stopped';

const ENDS: Readonly<Record<string, End>> = {
  Released: 'released',
  'Released without announcement': 'released without announcement',
  'Rolled back': 'rolled back',
  'Rollback incomplete': 'rollback incomplete',
  'Rollback not verified': 'rollback not verified',
};

/**
 * How an execution says that it ended; undefined when it ended anywhere else. One that was stopped while it announced its
 * release had released it.
 */
export function endOf({ history }: Execution, outcome: Outcome): End | undefined {
  if (outcome.status === 'ABORTED' || outcome.status === 'TIMED_OUT')
    return history.path.at(-1) === PIVOT.behind ? 'released without announcement' : 'stopped';
  const end = ENDS[history.path.at(-1) ?? ''];
  return (outcome.status === 'SUCCEEDED') === (end === 'released') ? end : undefined;
}

export const stands = (end: End | undefined): boolean => end?.startsWith('released') === true;

const verdictSchema = z.object({
  rollback: z.object({
    leftovers: z.array(leftoverSchema),
    leftoverCount: z.number(),
    complete: z.boolean(),
  }),
});

/** What `Verify rollback` named. */
export function namedBy({ history }: Execution): Leftover[] {
  const verdict = verdictSchema.safeParse(history.outputs.get('Verify rollback'));
  return verdict.success ? verdict.data.rollback.leftovers : [];
}
