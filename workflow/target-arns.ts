import { NAMES, TAGS } from '../tasks/contract.ts';

export const RELEASE_TAG = TAGS.release;

/** ARNs of one kind of EC2 resource in one account; AMIs and snapshots have no account in theirs. */
export function ec2Arns(accountId: string, regions: readonly string[], kinds: readonly string[]): string[] {
  return kinds.flatMap((kind) =>
    regions.map((region) => {
      const owner = kind === 'image' || kind === 'snapshot' ? '' : accountId;
      return `arn:aws:ec2:${region}:${owner}:${kind}/*`;
    }),
  );
}

export const bakeProjectArn = (accountId: string, region: string) =>
  `arn:aws:codebuild:${region}:${accountId}:project/${NAMES.bakeProject}`;

/** The resource carries the tag of some release. */
export const ofSomeRelease = { StringLike: { [`aws:ResourceTag/${RELEASE_TAG}`]: '?*' } };

/** The request sets the tag of some release. */
export const taggedAsRelease = { StringLike: { [`aws:RequestTag/${RELEASE_TAG}`]: '?*' } };
