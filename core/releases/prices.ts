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
} as const;

/** What one release did that is billed. A task's function has 1 GiB. */
export interface Billed {
  readonly transitions: number;
  readonly lambdaRequests: number;
  readonly lambdaSeconds: number;
  /** Each build is billed by the minute that it has begun. */
  readonly buildMinutes: number;
}

/** In US dollars, by the list prices. Builder instances, logs, storage and the AMIs' snapshots are not in it. */
export function costOf({ transitions, lambdaRequests, lambdaSeconds, buildMinutes }: Billed): number {
  return (
    transitions * PRICES.perTransition +
    lambdaRequests * PRICES.perLambdaRequest +
    lambdaSeconds * PRICES.perLambdaGiBSecond +
    buildMinutes * PRICES.perBuildMinute
  );
}
