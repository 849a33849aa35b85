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

/**
 * The attributes of an AMI that IAM can tell: all but its launch permissions. `ec2:Attribute` is there only when one of these is changed:
 * whoever is denied all but these shares nothing, and whoever is allowed all but these only shares. With whom, IAM cannot say.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-policies-for-amazon-ec2.html#attribute-key
 */
export const NO_LAUNCH_PERMISSION = { 'ec2:Attribute': ['Description', 'ImdsSupport'] };

/** The resource carries the tag of some release. */
export const ofSomeRelease = { StringLike: { [`aws:ResourceTag/${RELEASE_TAG}`]: '?*' } };

/** The request sets the tag of some release. */
export const taggedAsRelease = { StringLike: { [`aws:RequestTag/${RELEASE_TAG}`]: '?*' } };
