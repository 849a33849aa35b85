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

/** A factory has no more targets, and so no more accounts; with more stages than four fewer, see {@link mostTargets}. */
export const MOST_TARGETS = 1_000;

/** Each makes the state machine of a release longer, and what it hands from one state to the next. */
export const MOST_STAGES = 20;

const STAGES_OF_MOST_TARGETS = 4;
/** What a stage that could not be undone says takes as much room as so many targets. */
const TARGETS_OF_A_STAGE = 40;

/**
 * How many targets so many stages may have: what a release hands from state to state has 256 KiB, also when nothing can be undone.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const mostTargets = (stages: number): number =>
  MOST_TARGETS - TARGETS_OF_A_STAGE * Math.max(0, stages - STAGES_OF_MOST_TARGETS);

/**
 * In a factory of more targets bakes do not say which builder they had: it would take the room that {@link mostTargets} counts on.
 * What each bake leaves in the bucket tells it all the same.
 */
export const MOST_TOLD_BUILDERS = 500;

/** So many images of a factory have a schedule, each a resource in the hub's stack, which holds 500. */
export const MOST_SCHEDULES = 110;

/**
 * How many role ARNs of target accounts one policy of a role in the hub holds: a managed policy has 6,144 characters, and a role ten
 * of them, which makes {@link MOST_TARGETS}.
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const ACCOUNTS_PER_POLICY = 100;

/** How often a release may be begun: once, and retries. */
export const MOST_ATTEMPTS = 9;

/**
 * How long the stages of a factory may wait for approval, in hours and all together: with {@link MOST_STAGES} a release then still ends
 * within {@link LEAST_DEPRECATION_DAYS}, and ten that follow each other within the year that an execution may last.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MOST_APPROVAL_HOURS = 168;
export const mostApprovalHours = (stages: number): number => (stages > 15 ? 72 : MOST_APPROVAL_HOURS);
export const DEFAULT_APPROVAL_HOURS = 48;

/**
 * How long a release that fails may wait for a retry, in hours: as an approval, it is part of what a release may take. It looks for one
 * every so many minutes, which is less than a retry waits for it.
 */
export const MOST_RETRY_WAIT_HOURS = 72;
export const mostRetryWaitHours = (stages: number): number => (stages > 15 ? 4 : MOST_RETRY_WAIT_HOURS);
export const MINUTES_BETWEEN_LOOKS_FOR_RETRY = 5;

/** How old a release may be that is retried, in days; its plan is kept for 90, and so is the history of its first attempt. */
export const RETRIED_DAYS = 14;

/** The least that `deprecateAfterDays` may say: longer than any release takes, or an AMI would be deprecated before it is released. */
export const LEAST_DEPRECATION_DAYS = 30;

/** For how long a builder is kept when its bake fails, where one is kept and nobody says for how long, in hours; and at most. */
export const DEFAULT_KEPT_HOURS = 4;
export const MOST_KEPT_HOURS = 72;

/** Where anything is copied, a factory has no more stages: a release ends within {@link LEAST_DEPRECATION_DAYS}, however long its copies take. */
export const MOST_COPYING_STAGES = 10;

/**
 * How many snapshots EBS copies into a region of an account at the same time, unless AWS raises it.
 *  @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html
 */
export const SNAPSHOT_COPIES_AT_ONCE = 20;

/** How long the test of one AMI may take, from the launch of its instance, in minutes: unless a layer says, and at most. */
export const DEFAULT_TEST_MINUTES = 30;
export const LONGEST_TEST_MINUTES = 120;

/** What all tests of an image may have together: they go to the instance within one command. */
export const MOST_TEST_BYTES = 32_768;

/** What EC2 takes.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html */
export const MOST_USER_DATA_BYTES = 16_384;

/** How many targets one function takes inventory of: twenty of them do so at the same time for {@link MOST_TARGETS}. */
export const TARGETS_PER_INVENTORY = 50;

/** The time limit of every task's Lambda function, in minutes. */
export const LAMBDA_MINUTES = 10;

/**
 * How long `Publish release` may go on after its execution was stopped, and so how long a sweep waits before it is sure, in
 * minutes: above the time limit of its function.
 */
export const SETTLING_MINUTES = LAMBDA_MINUTES + 1;
