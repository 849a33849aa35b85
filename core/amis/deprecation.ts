const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * When the AMIs of a release are deprecated: at one moment in all targets, or the newest base that none of them finds deprecated
 * would be another one for a while. EC2 keeps whole minutes.
 *  @param startedAt the start of the execution, ISO 8601
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
 */
export const deprecationTime = (startedAt: string, days: number): Date =>
  new Date(Math.ceil(Date.parse(startedAt) / MINUTE) * MINUTE + days * DAY);
