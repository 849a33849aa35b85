import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  BuildEnvironmentVariableType,
  BuildSpec,
  ComputeType,
  LinuxArmBuildImage,
  Project,
} from 'aws-cdk-lib/aws-codebuild';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { NAMES } from '../tasks/contract.ts';
import { buildSpec } from './buildspec.ts';
import * as timeouts from './timeouts.ts';

export interface FetchSourceProjectProps {
  readonly bucket: Bucket;
  readonly repository: string;
  readonly defaultBranch: string;
  /** The name of the secret that holds a token for a private repository with an https URL; default: it is public. */
  readonly repositoryTokenSecret?: string;
}

/** Checks out the commit of a release and packs `packer/` into the bucket. */
export class FetchSourceProject extends Project {
  constructor(scope: Construct, id: string, props: FetchSourceProjectProps) {
    const { bucket, repository, defaultBranch, repositoryTokenSecret: token } = props;
    super(scope, id, {
      projectName: NAMES.fetchSourceProject,
      description: 'Fetches the commit of a release. Started by packleader-release.',
      buildSpec: BuildSpec.fromObjectToYaml(buildSpec('fetch-source')),
      environment: {
        buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
        computeType: ComputeType.SMALL,
      },
      environmentVariables: {
        PACKLEADER_REPOSITORY: { value: repository },
        PACKLEADER_DEFAULT_BRANCH: { value: defaultBranch },
        ...(token === undefined
          ? {}
          : {
              PACKLEADER_REPOSITORY_TOKEN: {
                value: token,
                type: BuildEnvironmentVariableType.SECRETS_MANAGER,
              },
            }),
      },
      timeout: Duration.minutes(timeouts.FETCH_SOURCE.toMinutes() - 1),
      grantReportGroupPermissions: false,
      logging: {
        cloudWatch: {
          logGroup: new LogGroup(scope, `${id}Logs`, {
            logGroupName: `/packleader/${NAMES.fetchSourceProject}`,
            retention: RetentionDays.SIX_MONTHS,
            removalPolicy: RemovalPolicy.RETAIN,
          }),
        },
      },
    });
    if (token !== undefined) Secret.fromSecretNameV2(this, 'Token', token).grantRead(this);
    this.addToRolePolicy(
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects('sources/*')] }),
    );
    this.addToRolePolicy(
      new PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects('released/*')] }),
    );
    this.addToRolePolicy(
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': 'released/*' } },
      }),
    );
  }
}
