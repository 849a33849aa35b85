import { asFact } from './errors.ts';
import { type Leftover, LeftoversRemain } from '../contract/leftovers.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';
import { inEveryTarget } from './every-target.ts';

/**
 * Undoes something in every target, and lets no target's trouble keep the others from being undone.
 *  @throws LeftoversRemain with everything that is left; a target that could not be looked at counts as a leftover itself,
 *    under the release's id. A retry comes back for all of them.
 */
export async function undoInEveryTarget<T extends Target>(
  targets: readonly T[],
  release: Release,
  undo: (target: T) => Promise<readonly Leftover[]>,
): Promise<void> {
  const leftovers = await inEveryTarget(targets, async (target) => {
    try {
      return await undo(target);
    } catch (error) {
      return [unseen(target, release, error)];
    }
  });
  if (leftovers.flat().length > 0) throw new LeftoversRemain(leftovers.flat());
}

/** What stands for a target that could not be looked at: unknown must never be taken for clean. */
export function unseen({ accountId, region }: Target, { releaseId }: Release, error: unknown): Leftover {
  const { name, message } = asFact(error);
  return { accountId, region, resourceId: releaseId, why: `could not be looked at: ${name}: ${message}` };
}
