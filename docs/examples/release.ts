/** Release tooling: releases images once per CI run, and tells the AMIs to whatever comes next. */
import { startRelease, waitForRelease } from '../../client/client.ts';
import { ReleaseRolledBack, RollbackIncomplete } from '../../client/errors.ts';

/** The AMIs by `<account>/<region>`; empty when a release was rolled back, which a new run may mend. */
export async function releaseOnce(image: string, runId: string, signal?: AbortSignal) {
  const on = signal ? { signal } : {};
  // Should this program be started again, it finds the release of its first start.
  const handle = await startRelease({ images: [image], reason: `run ${runId}` }, { ...on, key: runId });
  try {
    const { releases } = await waitForRelease(handle, { ...on, timeoutMs: 4 * 60 * 60_000 });
    const targets = releases.flatMap((release) => release.targets);
    return new Map(targets.map(({ accountId, region, imageId }) => [`${accountId}/${region}`, imageId]));
  } catch (error) {
    if (error instanceof ReleaseRolledBack) return new Map<string, string | null>();
    if (error instanceof RollbackIncomplete) {
      const left = error.result.releases.flatMap(({ leftovers }) => leftovers);
      throw new Error(`clean up by hand: ${left.map(({ resourceId }) => resourceId).join(', ')}`, {
        cause: error,
      });
    }
    throw error;
  }
}
