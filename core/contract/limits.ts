/**
 * How many bakes one batch holds: what one inline Map runs at the same time.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
 */
export const BAKES_PER_BATCH = 40;

/** The longest that `timeoutMinutes` may let a bake take, in minutes. */
export const LONGEST_BAKE_MINUTES = 480;

/**
 * How long a bake may wait until its account has a build free, in minutes: as long as the bake before it may take. CodeBuild keeps
 * a build in its queue no longer than that either.
 *  @see https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
 */
export const LONGEST_WAIT_MINUTES = LONGEST_BAKE_MINUTES;

/** How often a release may be begun: once, and retries. */
export const MOST_ATTEMPTS = 9;

/** How old a release may be that is retried, in days; its plan is kept for 90, and so is the history of its first attempt. */
export const RETRIED_DAYS = 14;

/** The time limit of every task's Lambda function, in minutes. */
export const LAMBDA_MINUTES = 10;

/**
 * How long `Publish release` may go on after its execution was stopped, and so how long a sweep waits before it is sure, in
 * minutes: above the time limit of its function.
 */
export const SETTLING_MINUTES = LAMBDA_MINUTES + 1;
