import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { NO_BUILD_FREE } from '../../core/contract/build-quota.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { COPY_WAITS, MOST_COPY_ATTEMPTS } from '../../core/releases/copy-waits.ts';
import { MINUTES_BETWEEN_LOOKS_FOR_RETRY } from '../../core/contract/limits.ts';
import { MOST_TEST_ATTEMPTS, TEST_WAITS } from '../../core/tests/waits.ts';

/** Lambda's and CodeBuild's own errors, by the names Step Functions gives them.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
const SERVICE = {
  lambdaBusy: 'Lambda.TooManyRequestsException',
  lambdaFailed: 'Lambda.ServiceException',
  lambdaBroke: 'Lambda.AWSLambdaException',
  lambdaUnreachable: 'Lambda.SdkClientException',
  lambdaSlow: 'Lambda.ClientExecutionTimeoutException',
  lambdaUnknown: 'Lambda.Unknown',
  lambdaTimedOut: 'Sandbox.Timedout',
  codeBuildUnreachable: 'CodeBuild.SdkClientException',
  codeBuildBusy: 'CodeBuild.ThrottlingException',
  codeBuildFull: NO_BUILD_FREE,
  stepFunctionsBusy: 'StepFunctions.ThrottlingException',
  stepFunctionsUnreachable: 'StepFunctions.SdkClientException',
} as const;

export const SERVICE_ERRORS: readonly string[] = Object.values(SERVICE);

/** AWS asked us to slow down. Waits 2, 4, 8, 16, 32, 60, 60, 60 s: four minutes in all, less by the jitter. */
export const throttled: RetryProps = {
  errors: [ERRORS.throttled, SERVICE.lambdaBusy, SERVICE.codeBuildBusy, SERVICE.stepFunctionsBusy],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.seconds(60),
  maxAttempts: 8,
  jitterStrategy: JitterType.FULL,
};

/**
 * Every build that the account may run is running. Waits 1, 2, 4, then 5 minutes at a time, 98 times: eight hours in all, the longest
 * that the bake in front may take, for at most 98 transitions. No jitter: bakes of one account are few, and it would halve the wait.
 */
export const noBuildFree: RetryProps = {
  errors: [SERVICE.codeBuildFull],
  interval: Duration.minutes(1),
  backoffRate: 2,
  maxDelay: Duration.minutes(5),
  maxAttempts: 98,
};

/** Something takes its time: an AMI, a parameter, a builder that shuts down. Waits 15 s, 40 times: ten minutes in all. */
export const notReadyYet: RetryProps = {
  errors: [ERRORS.notReadyYet, ERRORS.leftoversRemain],
  interval: Duration.seconds(15),
  backoffRate: 1,
  maxAttempts: 40,
};

/**
 * AMIs are being tested: each attempt goes one step further. Waits 15, 16, 18 s and so on up to a minute, 138 times: two hours and ten
 * minutes in all, the longest that a test may take, and what it takes to be terminated.
 */
export const testsUnderWay: RetryProps = {
  errors: [ERRORS.testsUnderWay],
  interval: Duration.seconds(TEST_WAITS.firstSeconds),
  backoffRate: TEST_WAITS.rate,
  maxDelay: Duration.seconds(TEST_WAITS.longestSeconds),
  maxAttempts: MOST_TEST_ATTEMPTS,
};

/**
 * AMIs are being copied: each attempt goes one step further. Waits 15, 18, 22 s and so on up to two minutes, 253 times: eight hours and ten
 * minutes in all, the longest that a copy may take, and what comes after it.
 */
export const copiesUnderWay: RetryProps = {
  errors: [ERRORS.copiesUnderWay],
  interval: Duration.seconds(COPY_WAITS.firstSeconds),
  backoffRate: COPY_WAITS.rate,
  maxDelay: Duration.seconds(COPY_WAITS.longestSeconds),
  maxAttempts: MOST_COPY_ATTEMPTS,
};

/** Nobody has retried a release that waits: looks every few minutes, for as many hours as it waits. */
export const untilRetried = (hours: number): RetryProps => ({
  errors: [ERRORS.notRetried],
  interval: Duration.minutes(MINUTES_BETWEEN_LOOKS_FOR_RETRY),
  backoffRate: 1,
  maxAttempts: (hours * 60) / MINUTES_BETWEEN_LOOKS_FOR_RETRY,
});

/**
 * The attempt before looks for its retry every five minutes; a look that hangs takes as long as a function may, and is made once more. Waits
 * 15 s, 100 times: 25 minutes in all.
 */
export const untilHandedOver: RetryProps = {
  errors: [ERRORS.notHandedOver],
  interval: Duration.seconds(15),
  backoffRate: 1,
  maxAttempts: 100,
};

/** A reply was lost. Waits 3, 6, 12, 24, 48 s: a minute and a half in all. */
export const transient: RetryProps = {
  errors: [
    ERRORS.connectionLost,
    ERRORS.announcementFailed,
    SERVICE.lambdaFailed,
    SERVICE.lambdaBroke,
    SERVICE.lambdaUnreachable,
    SERVICE.lambdaSlow,
    SERVICE.lambdaUnknown,
    SERVICE.codeBuildUnreachable,
    SERVICE.stepFunctionsUnreachable,
  ],
  interval: Duration.seconds(3),
  backoffRate: 2,
  maxAttempts: 5,
};

/** The function that asks never ended. Where nobody answers, which is `States.Timeout`, nobody is asked again. Waits 5 s once. */
export const silent: RetryProps = {
  errors: [SERVICE.lambdaTimedOut],
  interval: Duration.seconds(5),
  maxAttempts: 1,
};

/** The task itself never answered; Lambda notices that before the state does, and has its own name for it. Tasks are safe to repeat, a build is not: only tasks are. Waits 5 s once. */
export const unanswered: RetryProps = {
  errors: ['States.Timeout', SERVICE.lambdaTimedOut],
  interval: Duration.seconds(5),
  maxAttempts: 1,
};
