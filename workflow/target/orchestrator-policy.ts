import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Target } from '../../core/contract/targets.ts';
import { bakeProjectArn } from './target-arns.ts';

/**
 * What the hub's `Bake AMI` state may do in a target account: run the one project, with the project's own buildspec.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/action-context-keys.html
 */
export function orchestratorPolicy(accountId: string, hub: Target): PolicyStatement[] {
  const resources = [bakeProjectArn(accountId, hub.region)];
  return [
    new PolicyStatement({
      sid: 'StartWithItsOwnBuildspec',
      actions: ['codebuild:StartBuild'],
      resources,
      // Whoever could bring a buildspec along could do everything that the bake role may.
      conditions: { Null: { 'codebuild:source.buildspec': 'true' } },
    }),
    new PolicyStatement({
      sid: 'FollowAndStop',
      actions: ['codebuild:BatchGetBuilds', 'codebuild:StopBuild'],
      resources,
    }),
    // Only in its own account does Step Functions follow a build by an event, through a rule that AWS manages.
    ...(accountId === hub.accountId
      ? [
          new PolicyStatement({
            sid: 'FollowByEvent',
            actions: ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
            resources: [
              `arn:aws:events:${hub.region}:${hub.accountId}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule`,
            ],
          }),
        ]
      : []),
  ];
}
