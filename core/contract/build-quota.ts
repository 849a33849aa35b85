/**
 * Step Functions' name for CodeBuild's answer that no build is free. CodeBuild queues what is above the quota, up to five times
 * as much; a young account has no queue, and hears `Cannot have more than 1 builds in queue for the account`, or `0`.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/builds-working.html
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export const NO_BUILD_FREE = 'CodeBuild.AccountLimitExceededException';

/** Of the environment that every project of a hub and of a target has.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html */
export const BUILD_QUOTA = 'Concurrently running builds for ARM/Small environment';

/** What to do about an account in which a build waited in vain, in one sentence. */
export function raiseBuildQuota(account: string, waitedHours: number): string {
  return (
    `CodeBuild let no build start for ${waitedHours} hours. Raise the quota "${BUILD_QUOTA}" of ${account} in Service Quotas, ` +
    "in the hub's region: in a young account it is 1, or 0."
  );
}
