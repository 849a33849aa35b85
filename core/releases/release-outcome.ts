/** What a finished execution of `packleader-release-image` tells of its release: to a rehearsal, and to a client of the hub. */
import { STATE_NAMES } from '../contract/state-names.ts';
import * as z from 'zod';
import { type Leftover, leftoverSchema } from '../contract/leftovers.ts';
import { resolvedSchema } from '../contract/releases.ts';
import { targetName } from '../contract/targets.ts';

export type ReleaseOutcome = 'released' | 'rolled back' | 'rollback incomplete';

/** Ends in which the release stands in every account. */
const RELEASED: readonly string[] = [STATE_NAMES.released, STATE_NAMES.releasedWithoutAnnouncement];

/** @param end the last state; whatever is neither a release nor a clean rollback counts as an incomplete one */
export function outcomeAt(end: string): ReleaseOutcome {
  if (RELEASED.includes(end)) return 'released';
  return end === STATE_NAMES.rolledBack ? 'rolled back' : 'rollback incomplete';
}

const lambdaErrorSchema = z.object({ errorType: z.string(), errorMessage: z.string() });

/** A Lambda's error is JSON; any other cause is shown as it is. */
export function lambdaMessage(cause: string): string {
  try {
    return lambdaErrorSchema.parse(JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
}

/** By target, `<account>/<region>`: the AMI its bake starts from, from the output of `Resolve source AMIs`. */
export function sourcesIn(document: unknown): Map<string, string> {
  const resolved = z.object({ resolved: resolvedSchema }).safeParse(document);
  const stages = resolved.success ? Object.values(resolved.data.resolved) : [];
  const bakes = stages.flatMap(({ batches }) => batches.flatMap(({ targets }) => targets));
  return new Map(bakes.map((bake) => [targetName(bake), bake.sourceImageId]));
}

/** What is left behind, from the output of `Verify rollback`. */
export function leftoversIn(document: unknown): Leftover[] {
  const explained = z
    .object({ rollback: z.object({ leftovers: z.array(leftoverSchema) }) })
    .safeParse(document);
  return explained.success ? explained.data.rollback.leftovers : [];
}
