import * as z from 'zod';
import { errorOutputSchema } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import type { Leftover } from '../core/contract/leftovers.ts';
import type { KeptRelease, Swept, SweepReport } from '../core/contract/sweeps.ts';
import { targetName } from '../core/contract/targets.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { readJson, readJsonIfThere } from '../core/releases/plan-store.ts';
import { type DeadRelease, findingsSchema, sweptReleaseSchema } from '../core/releases/sweep-findings.ts';
import { cut, tellLeftovers, thatFit } from '../core/releases/cause-text.ts';

const eventSchema = z.object({
  bucket: z.string(),
  sweep: z.string(),
  dryRun: z.boolean(),
  /** Absent in a dry run. */
  swept: z.array(z.object({ releaseId: z.string(), failure: errorOutputSchema.optional() })).default([]),
});

/** Room for each list in the state's document of 256 KiB. */
const BYTES = { leftovers: 100_000, removed: 60_000, kept: 20_000, cause: 8_000 };
const CHARACTERS_OF_ONE_REASON = 400;

/** Says in words and in lists what a sweep removed, what it could not, and what it left alone.
 *  In      { bucket, sweep, dryRun, swept: [{ releaseId, failure? }] }
 *  Out     { complete, dryRun, cause, removed, removedCount, leftovers, leftoverCount, kept, keptCount }
 *  Errors  Throttled, ConnectionLost (retried)
 *  Repeat  safe: only reads
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export async function handler(event: unknown): Promise<SweepReport> {
  const { bucket, sweep, dryRun, swept } = parseEvent(eventSchema, event);
  const findings = findingsSchema.parse(await readJson({ bucket, key: keys.findings(sweep) }));
  const removed: Swept[] = [];
  const leftovers: Leftover[] = [...findings.leftovers];
  const kept: KeptRelease[] = [...findings.kept];
  for (const dead of findings.releases) {
    const { releaseId } = dead.release;
    const end = dryRun
      ? { leftovers: [] }
      : await endOf(
          dead,
          swept.find((one) => one.releaseId === releaseId),
        );
    if (end.spared !== undefined) kept.push(end.spared);
    else {
      leftovers.push(...end.leftovers);
      removed.push(...goneOf(dead, end.leftovers));
    }
  }
  const complete = leftovers.length === 0;
  return {
    complete,
    dryRun,
    cause: cut(tell(), BYTES.cause),
    removed: thatFit(removed, BYTES.removed),
    removedCount: removed.length,
    leftovers: thatFit(
      leftovers.map((one) => ({ ...one, why: cut(one.why, CHARACTERS_OF_ONE_REASON) })),
      BYTES.leftovers,
    ),
    leftoverCount: leftovers.length,
    kept: thatFit(kept, BYTES.kept),
    keptCount: kept.length,
  };

  function tell(): string {
    const releases = new Set(removed.map(({ releaseId }) => releaseId));
    const what = `${removed.length} ${removed.length === 1 ? 'thing' : 'things'} of ${releases.size} ${releases.size === 1 ? 'release' : 'releases'}`;
    return [
      dryRun ? `Would remove ${what}.` : `Removed ${what}.`,
      complete ? 'Nothing is left behind.' : tellLeftovers(leftovers),
    ].join('\n');
  }

  async function endOf(
    dead: DeadRelease,
    result: z.infer<typeof eventSchema>['swept'][number] | undefined,
  ): Promise<{ spared?: KeptRelease; leftovers: readonly Leftover[] }> {
    const { release, targets } = dead;
    const document = await readJsonIfThere({ bucket, key: keys.swept(sweep, release.releaseId) });
    const told = document === undefined ? undefined : sweptReleaseSchema.parse(document);
    if (told?.spared) return { spared: told.spared, leftovers: [] };
    const failed = result === undefined || result.failure !== undefined;
    if (!failed || (told && told.leftovers.length > 0)) return { leftovers: told?.leftovers ?? [] };
    // It gave up before it could say what is left: everything may be.
    const why = `not swept: ${result?.failure?.Error ?? 'nobody began to'}`;
    return {
      leftovers: targets.map(({ accountId, region }) => ({
        accountId,
        region,
        resourceId: release.releaseId,
        why,
      })),
    };
  }
}

/** What was seen of a release and is no leftover; nothing in a target where the release itself is one. */
function goneOf({ release, targets }: DeadRelease, leftovers: readonly Leftover[]): Swept[] {
  const { releaseId } = release;
  const left = new Set(leftovers.map((one) => `${targetName(one)} ${one.resourceId}`));
  return targets.flatMap(({ accountId, region, resourceIds }) => {
    const where = targetName({ accountId, region });
    if (left.has(`${where} ${releaseId}`)) return [];
    return resourceIds
      .filter((resourceId) => !left.has(`${where} ${resourceId}`))
      .map((resourceId) => ({ accountId, region, releaseId, resourceId }));
  });
}
