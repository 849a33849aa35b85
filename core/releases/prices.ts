import type { Billed } from '../contract/timeline.ts';

/**
 * List prices in US dollars, in eu-west-1 unless stated, without any free tier. Check them before you rely on them: they change.
 */
export const PRICES = {
  /** @see https://aws.amazon.com/step-functions/pricing/ */
  perTransition: 0.025 / 1_000,
  /** On arm64. @see https://aws.amazon.com/lambda/pricing/ */
  perLambdaGiBSecond: 0.0000133334,
  perLambdaRequest: 0.2 / 1_000_000,
  /** Of general1.small in us-east-1; packleader's arm1.small costs less. @see https://aws.amazon.com/codebuild/pricing/ */
  perBuildMinute: 0.005,
  /** @see https://aws.amazon.com/cloudwatch/pricing/ */
  perLogGiB: 0.57,
  /** @see https://aws.amazon.com/s3/pricing/ */
  perS3Write: 0.005 / 1_000,
  /** @see https://aws.amazon.com/eventbridge/pricing/ */
  perEvent: 1 / 1_000_000,
  /** What subscribes costs besides: mail 2 dollars for 100,000, a chat nothing. @see https://aws.amazon.com/sns/pricing/ */
  perSnsMessage: 0.5 / 1_000_000,
  /** @see https://aws.amazon.com/secrets-manager/pricing/ */
  perSecretMonth: 0.4,
  perSecretRead: 0.05 / 10_000,
} as const;

/** In US dollars, by the list prices. Builder instances, logs, storage and the AMIs' snapshots are not in it. */
export function costOf({ transitions, lambdaRequests, lambdaSeconds, buildMinutes }: Billed): number {
  return (
    transitions * PRICES.perTransition +
    lambdaRequests * PRICES.perLambdaRequest +
    lambdaSeconds * PRICES.perLambdaGiBSecond +
    buildMinutes * PRICES.perBuildMinute
  );
}
