import { Annotations, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AnyPrincipal,
  ArnPrincipal,
  type IPrincipal,
  PolicyStatement,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { throughBucket } from '../constructs/bucket-key.ts';
import { keys } from '../../core/contract/keys.ts';
import { NAMES, roleArn } from '../../core/contract/names.ts';

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
const LONGEST_POLICY = 20 * 1024;

/** As long as Step Functions keeps the history of an execution, which names them; no execution can be redriven so late. */
const WORKING_FILES = { expiration: Duration.days(90), noncurrentVersionExpiration: Duration.days(30) };

/**
 * `released/` has no rule: what changed since the last release, and whether there is a newer source AMI, is measured from its
 * records, however old the release is. They take a kilobyte for each two targets of a release, and hold its configuration. Nor has
 * `revoked/`: why a version must not be used is asked for years later. What a version holds, in `sboms/`, is asked for as long; AMIs that
 * hold the same share one, of some 150 kilobytes. `tools/` is read for as long as it is pinned.
 */
const LIFECYCLE: LifecycleRule[] = [
  { id: 'plans', prefix: 'plans/', ...WORKING_FILES },
  {
    id: 'bakes',
    prefix: 'bakes/',
    expiration: Duration.days(365),
    noncurrentVersionExpiration: Duration.days(30),
  },
  { id: 'sources', prefix: 'sources/', ...WORKING_FILES },
  { id: 'sweeps', prefix: 'sweeps/', ...WORKING_FILES },
  { id: 'repoints', prefix: 'repoints/', ...WORKING_FILES },
  { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
  { id: 'nothing-but-delete-markers', expiredObjectDeleteMarker: true },
];

/** Where AMIs are tested. */
const TESTS: LifecycleRule = {
  id: 'tests',
  prefix: 'tests/',
  expiration: Duration.days(365),
  noncurrentVersionExpiration: Duration.days(30),
};

/** Where a command of one's own scans. */
const SCANS: LifecycleRule = { id: 'scans', prefix: 'scans/', ...WORKING_FILES };

/** What the hub's bucket and its log of requests have in common: private, over TLS, kept when the stack goes. */
const PRIVATE = {
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
};

export interface ReleaseBucketProps {
  readonly bucketName: string;
  /** The accounts whose bake role reads its orders here, and leaves its records. */
  readonly accountIds: readonly string[];
  /** `o-…`; default: every account is named in the policy, which has room for about 400. */
  readonly organizationId?: string;
  /** Default: S3's own keys. */
  readonly key?: Key;
  /** Whether what tests print is kept there. Default: nothing is tested. */
  readonly testAmis?: boolean;
  /** Whether it holds what a command of one's own found. */
  readonly scansByCommand: boolean;
  /** Whether it holds what bakes download. */
  readonly holdsTools: boolean;
}

/**
 * Sources, plans and records of releases. Each account's bake role reads the sources and its own plans, writes its own records,
 * and touches nothing of another account.
 */
export class ReleaseBucket extends Bucket {
  constructor(
    scope: Construct,
    id: string,
    {
      bucketName,
      accountIds,
      organizationId,
      key,
      testAmis = false,
      scansByCommand,
      holdsTools,
    }: ReleaseBucketProps,
  ) {
    super(scope, id, {
      ...PRIVATE,
      bucketName,
      versioned: true,
      encryption: key ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
      ...(key && { encryptionKey: key, bucketKeyEnabled: true }),
      lifecycleRules: [...LIFECYCLE, ...(testAmis ? [TESTS] : []), ...(scansByCommand ? [SCANS] : [])],
    });
    this.#logRequests(scope, id, bucketName);
    const { principals, arnLike, stringEquals } = bakeRoles(accountIds, organizationId);
    const allow = (sid: string, actions: string[], resources: string[]) =>
      new PolicyStatement({
        sid,
        principals,
        actions,
        resources,
        conditions: { ArnLike: arnLike, ...(stringEquals && { StringEquals: stringEquals }) },
      });
    const own = '${aws:PrincipalAccount}';
    for (const statement of [
      allow(
        'BakesRead',
        ['s3:GetObject'],
        ['sources/*', `plans/*/${own}-*`, ...(holdsTools ? [`${keys.tools}*`] : [])].map((objects) =>
          this.arnForObjects(objects),
        ),
      ),
      allow('BakesWriteRecords', ['s3:PutObject'], [this.arnForObjects(`${keys.bakes(own)}/*`)]),
      allow('BakesFindTheBucket', ['s3:GetBucketAcl', 's3:GetBucketLocation'], [this.bucketArn]),
    ])
      this.addToResourcePolicy(statement);
    key?.addToResourcePolicy(
      new PolicyStatement({
        sid: 'BakesUseTheKey',
        principals,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'], // In the policy of a key: that key.
        conditions: {
          ArnLike: arnLike,
          StringEquals: { ...stringEquals, ...throughBucket(bucketName, Stack.of(this).region) },
        },
      }),
    );
    const policy = JSON.stringify(Stack.of(this).resolve(this.policy?.document)).length;
    if (policy > LONGEST_POLICY) {
      Annotations.of(this).addError(
        `The bucket's policy names ${accountIds.length} accounts and would have ${policy} bytes, at most ${LONGEST_POLICY} are allowed: set organizationId in packleader.config, then it names the organisation instead.`,
      );
    }
  }

  /** Bakes of other accounts read here: who read what must be known even where CloudTrail records no data events. */
  #logRequests(scope: Construct, id: string, bucketName: string): void {
    const log = new Bucket(scope, `${id}Requests`, {
      ...PRIVATE,
      bucketName: `${bucketName}-requests`,
      // S3's own keys in any case: it could deliver its log to no other without admitting the whole service.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ id: 'requests', expiration: Duration.days(365) }],
    });
    log.addToResourcePolicy(
      new PolicyStatement({
        sid: 'LogOfRequests',
        principals: [new ServicePrincipal('logging.s3.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [log.arnForObjects('*')],
        conditions: {
          ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${bucketName}` },
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
        },
      }),
    );
    const resource = this.node.defaultChild;
    if (!(resource instanceof CfnBucket)) throw new Error(`${this.node.path} has no resource`);
    // CDK's own property does not take CDK's own Bucket where optional properties are exact.
    resource.loggingConfiguration = { destinationBucketName: log.bucketName };
    this.node.addDependency(log);
  }
}

/** The bake roles of some accounts, or of all of an organisation's. */
function bakeRoles(
  accountIds: readonly string[],
  organizationId: string | undefined,
): { principals: IPrincipal[]; arnLike: Record<string, string>; stringEquals?: Record<string, string> } {
  // An account by its id alone: with ARNs the policy would outgrow its 20 KB at a hundred accounts.
  const arnLike = { 'aws:PrincipalArn': roleArn('*', NAMES.bakeRole) };
  if (organizationId === undefined)
    return {
      principals: accountIds.map((accountId) => new ArnPrincipal(accountId)),
      arnLike,
    };
  // No principal stands for an organisation. S3 does not take anybody with this condition for public.
  return {
    principals: [new AnyPrincipal()],
    arnLike,
    stringEquals: { 'aws:PrincipalOrgID': organizationId },
  };
}
