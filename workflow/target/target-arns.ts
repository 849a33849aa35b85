import { NAMES } from '../../core/contract/names.ts';
import { TAGS } from '../../core/contract/tags.ts';

export const RELEASE_TAG = TAGS.release;

/** ARNs of kinds of EC2 resources in one account and every region; AMIs and snapshots have no account in theirs. */
export function ec2Arns(accountId: string, ...kinds: readonly string[]): string[] {
  return kinds.map((kind) => {
    const owner = kind === 'image' || kind === 'snapshot' ? '' : accountId;
    return `arn:aws:ec2:*:${owner}:${kind}/*`;
  });
}

export const bakeProjectArn = (accountId: string, region: string) =>
  `arn:aws:codebuild:${region}:${accountId}:project/${NAMES.bakeProject}`;

/** The resource carries the tag of some release. */
export const ofSomeRelease = { StringLike: { [`aws:ResourceTag/${RELEASE_TAG}`]: '?*' } };

/** The request sets the tag of some release. */
export const taggedAsRelease = { StringLike: { [`aws:RequestTag/${RELEASE_TAG}`]: '?*' } };
