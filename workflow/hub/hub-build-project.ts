import { Duration, Stack } from 'aws-cdk-lib';
import {
  type BuildEnvironmentVariable,
  ComputeType,
  LinuxArmBuildImage,
  Project,
} from 'aws-cdk-lib/aws-codebuild';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledgeKey, buildsOf } from '../constructs/build-projects.ts';
import { type BuildSpecName, YamlBuildSpec } from '../constructs/buildspec.ts';
import { FixedRole } from '../constructs/fixed-role.ts';
import { KeptLogs } from '../constructs/kept-logs.ts';
import type { Wildcards } from '../constructs/wildcards.ts';
import * as timeouts from '../machines/timeouts.ts';

export interface HubBuildProjectProps {
  /** Also the name of its role. */
  readonly projectName: string;
  readonly description: string;
  readonly roleDescription: string;
  readonly buildSpec: BuildSpecName;
  readonly environmentVariables: Readonly<Record<string, BuildEnvironmentVariable>>;
  /** Besides writing its log. */
  readonly statements: readonly PolicyStatement[];
  /** Why they hold patterns. */
  readonly wildcards: Wildcards;
  /** Of the state that waits for it, less its time in the queue: a build has a minute less, so that its own message wins. */
  readonly timeout: Duration;
}

/** A project of the hub's own, which packleader-release runs, with a role that may do what is said and nothing else. */
export class HubBuildProject extends Project {
  constructor(scope: Construct, id: string, props: HubBuildProjectProps) {
    const { projectName, environmentVariables } = props;
    const { account, region } = Stack.of(scope);
    const logGroupName = `/packleader/${projectName}`;
    const streams = `:log-group:${logGroupName}:*`;
    super(scope, id, {
      projectName,
      // CDK would add permissions of its own; the statements are all there is.
      role: new FixedRole(scope, `${id}Role`, {
        roleName: projectName,
        description: props.roleDescription,
        trusted: buildsOf(`arn:aws:codebuild:${region}:${account}:project/${projectName}`),
        statements: [
          new PolicyStatement({
            sid: 'WriteLog',
            actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            resources: [`arn:aws:logs:${region}:${account}${streams}`],
          }),
          ...props.statements,
        ],
        wildcards: { ...props.wildcards, [streams]: 'The streams of its one log group.' },
      }).withoutPolicyUpdates(),
      description: props.description,
      buildSpec: new YamlBuildSpec(props.buildSpec),
      environment: {
        buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
        computeType: ComputeType.SMALL,
      },
      environmentVariables: { ...environmentVariables },
      timeout: Duration.minutes(props.timeout.toMinutes() - 1),
      queuedTimeout: timeouts.QUEUED,
      grantReportGroupPermissions: false,
      logging: { cloudWatch: { logGroup: new KeptLogs(scope, `${id}Logs`, logGroupName) } },
    });
    acknowledgeKey(this, 'The project has no artifacts, cache or reports that a key would encrypt.');
  }
}
