/** What a finished execution of `packleader-release-image` tells of its release: to a rehearsal, and to a client of the hub. */
import { NO_BUILD_FREE, raiseBuildQuota } from '../contract/build-quota.ts';
import { LAST_ERROR } from '../contract/environments.ts';
import { STATE_NAMES } from '../contract/state-names.ts';
import * as z from 'zod';
import { type Leftover, leftoverSchema } from '../contract/leftovers.ts';
import { LONGEST_WAIT_MINUTES } from '../contract/limits.ts';
import { parseJson } from '../contract/parse-json.ts';
import { resolvedSchema } from '../contract/releases.ts';
import { targetName } from '../contract/targets.ts';

/** `handed over`: a retry goes on with what this attempt has kept, in another execution. */
export type ReleaseOutcome = 'released' | 'rolled back' | 'rollback incomplete' | 'handed over';

/** Ends in which the release stands in every account. */
const RELEASED: readonly string[] = [STATE_NAMES.released, STATE_NAMES.releasedWithoutAnnouncement];

/** @param end the last state; whatever is neither a release nor a clean rollback counts as an incomplete one */
export function outcomeAt(end: string): ReleaseOutcome {
  if (RELEASED.includes(end)) return 'released';
  if (end === STATE_NAMES.handedOver) return 'handed over';
  return end === STATE_NAMES.rolledBack ? 'rolled back' : 'rollback incomplete';
}

const lambdaErrorSchema = z.object({ errorType: z.string(), errorMessage: z.string() });

/** A build as Step Functions hands it on; only what says why it failed. */
const failedBuildSchema = z.object({
  Build: z.looseObject({
    Id: z.string(),
    BuildStatus: z.string(),
    ExportedEnvironmentVariables: z.array(z.looseObject({ Name: z.string(), Value: z.string() })).default([]),
    Logs: z.looseObject({ DeepLink: z.string().optional() }).optional(),
  }),
});

/**
 * The sentence in the cause of an error. Those of a Lambda and of a build are JSON; any other cause is shown as it is, and with what to
 * do when the hub had no build free.
 */
export function messageIn({ name, cause }: { readonly name: string; readonly cause: string }): string {
  if (name === NO_BUILD_FREE)
    return `${cause}\n${raiseBuildQuota("the hub's account", LONGEST_WAIT_MINUTES / 60)}`;
  const document = parseJson(cause);
  const lambda = lambdaErrorSchema.safeParse(document);
  if (lambda.success) return lambda.data.errorMessage;
  const failed = failedBuildSchema.safeParse(document);
  if (!failed.success) return cause;
  const { Id, BuildStatus, ExportedEnvironmentVariables: exported, Logs: logs } = failed.data.Build;
  const why = exported.find(({ Name }) => Name === LAST_ERROR)?.Value ?? '';
  return [
    `build ${Id} ended ${BuildStatus}${why === '' ? '' : `: ${why}`}`,
    ...(logs?.DeepLink === undefined ? [] : [`Log: ${logs.DeepLink}`]),
  ].join('\n');
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
