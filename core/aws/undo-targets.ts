import { asFact } from './errors.ts';
import { type Leftover, LeftoversRemain } from '../contract/leftovers.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';
import { inEveryTarget } from './every-target.ts';

/**
 * Undoes something in every target, and lets no target's trouble keep the others from being undone. Returns everything that is left;
 * a target that could not be looked at counts as a leftover itself, under the release's id.
 */
export async function leftInEveryTarget<T extends Target>(
  targets: readonly T[],
  release: Release,
  undo: (target: T) => Promise<readonly Leftover[]>,
): Promise<Leftover[]> {
  const leftovers = await inEveryTarget(targets, async (target) => {
    try {
      return await undo(target);
    } catch (error) {
      return [unseen(target, release, error)];
    }
  });
  return leftovers.flat();
}

/**
 * The same, as a state does it.
 *  @throws LeftoversRemain with everything that is left. A retry comes back for all of them.
 */
export async function undoInEveryTarget<T extends Target>(
  ...work: Parameters<typeof leftInEveryTarget<T>>
): Promise<void> {
  const leftovers = await leftInEveryTarget(...work);
  if (leftovers.length > 0) throw new LeftoversRemain(leftovers);
}

/** What stands for a target that could not be looked at: unknown must never be taken for clean. */
export function unseen(
  { accountId, region }: Target,
  { releaseId }: Pick<Release, 'releaseId'>,
  error: unknown,
): Leftover {
  const { name, message } = asFact(error);
  return { accountId, region, resourceId: releaseId, why: `could not be looked at: ${name}: ${message}` };
}
