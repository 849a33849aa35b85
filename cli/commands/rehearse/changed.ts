/** `rehearse --changed`: what a push would release. */
import type { Changes } from '../../../core/contract/releases.ts';
import { imagesToRelease } from '../../../core/releases/changed-images.ts';
import { push, startsRelease } from '../../../sandbox/rehearsal/triggers.ts';
import { type ChangedFiles, changedFiles } from '../../input/changed-files.ts';
import { count } from '../../terminal/words.ts';
import type { Found, Occasion } from './occasion.ts';

export interface PushOptions {
  readonly since: string | undefined;
  readonly ref: string | undefined;
  readonly branch: string | undefined;
}

/**
 * Every image counts as released from the commit that is compared with. What is to be released the workflow finds out
 * itself: it is told the files only.
 *  @throws InvalidConfiguration when git cannot tell what changed
 */
export function pushOccasion({ checkout, configuration }: Found, options: PushOptions): Occasion {
  const { factory } = configuration;
  const { defaultBranch, repository, pushBranches = [defaultBranch] } = factory;
  const branch = options.branch ?? defaultBranch;
  const compared = changedFiles(checkout, { since: options.since, ref: options.ref, defaultBranch });
  const { since, until, files } = compared;
  const changes: Changes = Object.fromEntries(
    factory.images.map(({ name }) => [name, { since, files: [...files] }]),
  );
  const starts = startsRelease(pushBranches, branch);
  const images = starts ? imagesToRelease(configuration, changes) : [];
  const what = `a push to ${branch} releases ${images.join(', ') || 'nothing'}`;
  return {
    images,
    branch,
    says: `${what}: ${starts ? whatDiffers(compared, checkout.commit) : `only one to ${pushBranches.join(', ')} starts a release`}`,
    changes,
    start: async (_, hub) => push(hub, { repository, branch, commit: checkout.commit }),
    changed: { since, until, branch, files, images },
  };
}

function whatDiffers({ since, sinceWhat, until, files, late }: ChangedFiles, head: string): string {
  const commit = since.startsWith(sinceWhat) ? short(since) : `${short(since)} (${sinceWhat})`;
  if (late) return `${short(head)} is older than ${commit}`;
  const differ = files.length === 0 ? 'no file differs' : count(files.length, 'file differs', 'files differ');
  return `${differ} between ${commit} and ${short(until)}`;
}

const short = (commit: string): string => (/^[0-9a-f]{40}$/.test(commit) ? commit.slice(0, 7) : commit);
