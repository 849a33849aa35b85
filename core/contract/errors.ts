import * as z from 'zod';

/** Step Functions' own shape of a caught error. */
export const errorOutputSchema = z.object({ Error: z.string(), Cause: z.string().default('') });
export type ErrorOutput = z.infer<typeof errorOutputSchema>;

/**
 * The errors a task can throw, by the names that Retry and Catch use. Step Functions sees a Lambda's error by the `name`
 * of what it threw.
 */
export const ERRORS = {
  invalidRequest: 'InvalidRequest',
  invalidConfiguration: 'InvalidConfiguration',
  invalidEvent: 'InvalidEvent',
  sourceAmiNotFound: 'SourceAmiNotFound',
  sourceAmiRefused: 'SourceAmiRefused',
  sourceAmisDiffer: 'SourceAmisDiffer',
  baseImageNotReleased: 'BaseImageNotReleased',
  versionTooLow: 'VersionTooLow',
  latestIsFull: 'LatestIsFull',
  bakeFailed: 'BakeFailed',
  amiRejected: 'AmiRejected',
  copyFailed: 'CopyFailed',
  /** AMIs are being copied: nothing is wrong, and it takes its time. */
  copiesUnderWay: 'CopiesUnderWay',
  testsFailed: 'TestsFailed',
  /** An AMI is being tested: nothing is wrong, and it takes its time. */
  testsUnderWay: 'TestsUnderWay',
  amisDiffer: 'AmisDiffer',
  /** At least one that is grave enough, and is not ignored. */
  vulnerabilitiesFound: 'VulnerabilitiesFound',
  /** Whether there are any is not known. */
  notScanned: 'NotScanned',
  /** A stage that a prerelease does not reach asks nobody. */
  nothingToApprove: 'NothingToApprove',
  releaseRejected: 'ReleaseRejected',
  notApproved: 'NotApproved',
  notAnswered: 'NotAnswered',
  notReadyYet: 'NotReadyYet',
  leftoversRemain: 'LeftoversRemain',
  releaseRetried: 'ReleaseRetried',
  /** A release that failed waits, and nobody has retried it so far. */
  notRetried: 'NotRetried',
  /** What a retry is to go on with is still kept by the attempt before it. */
  notHandedOver: 'NotHandedOver',
  /** A retry goes on with its AMIs. */
  handedOver: 'HandedOver',
  someImagesFailed: 'SomeImagesFailed',
  rollbackIncomplete: 'RollbackIncomplete',
  announcementFailed: 'AnnouncementFailed',
  /** A place outside AWS took no commit status, and repeating that does not help. */
  statusRefused: 'StatusRefused',
  sweepIncomplete: 'SweepIncomplete',
  repointIncomplete: 'RepointIncomplete',
  inventoryIncomplete: 'InventoryIncomplete',
  retirementIncomplete: 'RetirementIncomplete',
  accessDenied: 'AccessDenied',
  throttled: 'Throttled',
  connectionLost: 'ConnectionLost',
  awsCallFailed: 'AwsCallFailed',
} as const;
export type ErrorName = (typeof ERRORS)[keyof typeof ERRORS];

/** An error with one of the names above; the AWS error it stands for is its `cause`. */
export class PackleaderError extends Error {
  constructor(name: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}
