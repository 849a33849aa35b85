import { Duration, Stack } from 'aws-cdk-lib';
import { BuildSpec, ComputeType, LinuxArmBuildImage, Project } from 'aws-cdk-lib/aws-codebuild';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { NAMES } from '../../core/contract/names.ts';
import { keyStatements } from '../constructs/bucket-key.ts';
import { acknowledgeKey, buildsOf, type PinnedTool, pinned } from '../constructs/build-projects.ts';
import { buildSpec } from '../constructs/buildspec.ts';
import { FixedRole } from '../constructs/fixed-role.ts';
import { KeptLogs } from '../constructs/kept-logs.ts';
import * as timeouts from '../machines/timeouts.ts';

export interface ValidateProjectProps {
  readonly bucket: Bucket;
  /** Default: what the build image has, which is none. */
  readonly packer?: PinnedTool;
}

/** Lets Packer judge the templates of a release before anything is baked. */
export class ValidateProject extends Project {
  constructor(scope: Construct, id: string, { bucket, packer }: ValidateProjectProps) {
    const { account, region } = Stack.of(scope);
    const projectArn = `arn:aws:codebuild:${region}:${account}:project/${NAMES.validateProject}`;
    super(scope, id, {
      projectName: NAMES.validateProject,
      // CDK would add permissions of its own; the statements below are all there is.
      role: new FixedRole(scope, `${id}Role`, {
        roleName: NAMES.validateProject,
        description: 'Reads the source and the plans of a release, to let Packer judge its templates.',
        trusted: buildsOf(projectArn),
        statements: statements(scope, bucket),
        wildcards: {
          '/sources/*': 'A source has the name of its commit.',
          '/plans/*': 'A plan has the name of its execution.',
          [`:log-group:/packleader/${NAMES.validateProject}:*`]: 'The streams of its one log group.',
        },
      }).withoutPolicyUpdates(),
      description: 'Validates the templates of a release. Started by packleader-release.',
      buildSpec: BuildSpec.fromObjectToYaml(buildSpec('validate')),
      environment: {
        buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
        computeType: ComputeType.SMALL,
      },
      environmentVariables: pinned('PACKLEADER_PACKER', packer),
      timeout: Duration.minutes(timeouts.VALIDATE_TEMPLATES.toMinutes() - 1),
      grantReportGroupPermissions: false,
      logging: {
        cloudWatch: {
          logGroup: new KeptLogs(scope, `${id}Logs`, `/packleader/${NAMES.validateProject}`),
        },
      },
    });
    acknowledgeKey(this, 'The project has no artifacts, cache or reports that a key would encrypt.');
  }
}

function statements(scope: Construct, bucket: Bucket): PolicyStatement[] {
  const { account, region } = Stack.of(scope);
  return [
    new PolicyStatement({
      sid: 'WriteLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [`arn:aws:logs:${region}:${account}:log-group:/packleader/${NAMES.validateProject}:*`],
    }),
    new PolicyStatement({
      sid: 'ReadSourceAndPlans',
      actions: ['s3:GetObject'],
      resources: [bucket.arnForObjects('sources/*'), bucket.arnForObjects('plans/*')],
    }),
    new PolicyStatement({
      sid: 'FindPlans',
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': 'plans/*' } },
    }),
    ...keyStatements(bucket, 'read'),
  ];
}
