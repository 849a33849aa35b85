import { type IPrincipal, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { NAMES, TAGS } from '../tasks/contract.ts';

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
 * CodeBuild on behalf of one project, so that no other project may be given the role.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
 */
export function buildsOf(projectArn: string): IPrincipal {
  const accountId = projectArn.split(':')[4];
  return new ServicePrincipal('codebuild.amazonaws.com').withConditions({
    StringEquals: { 'aws:SourceAccount': accountId },
    ArnEquals: { 'aws:SourceArn': projectArn },
  });
}

/** The resource carries the tag of some release. */
export const ofSomeRelease = { StringLike: { [`aws:ResourceTag/${RELEASE_TAG}`]: '?*' } };

/** The request sets the tag of some release. */
export const taggedAsRelease = { StringLike: { [`aws:RequestTag/${RELEASE_TAG}`]: '?*' } };
