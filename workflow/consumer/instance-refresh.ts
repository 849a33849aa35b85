import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CustomState,
  DefinitionBody,
  StateMachine,
  StateMachineType,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { parameters } from '../../core/contract/names.ts';

export interface InstanceRefreshProps {
  /** The image whose `latest` the group's launch template names, as `resolve:ssm:/packleader/<image>/latest`. */
  readonly image: string;
  readonly autoScalingGroupName: string;
  /** How many percent of the group stay in service meanwhile. Default: 90. */
  readonly minHealthyPercentage?: number;
  /** How long an instance takes from its launch to its work. Default: the group's own warm-up. */
  readonly instanceWarmup?: Duration;
}

/** A refresh takes up to a few hours, and a second one must wait for it: 1, 2, 4 … minutes, 15 at most, about six hours in all. */
const WAITS = { IntervalSeconds: 60, BackoffRate: 2, MaxDelaySeconds: 900, MaxAttempts: 27 };

/**
 * For the account that runs the instances: whenever `latest` of an image shows another AMI, after a release as after a rollback, replaces the
 * instances of an Auto Scaling group by new ones, which its launch template finds by that parameter. It listens to the parameter in its
 * own account and region, so the hub knows nothing of it.
 *  @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-instance-refresh.html
 */
export class InstanceRefresh extends Construct {
  /** Starts a refresh, and waits for one that is under way. */
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: InstanceRefreshProps) {
    super(scope, id);
    const { image, autoScalingGroupName, minHealthyPercentage = 90, instanceWarmup } = props;
    const { account, region, partition } = Stack.of(this);
    const start = new CustomState(this, 'Start instance refresh', {
      stateJson: {
        Type: 'Task',
        Comment: 'Every instance is replaced: of a group with resolve:ssm nobody can tell which is current.',
        Resource: `arn:${partition}:states:::aws-sdk:autoscaling:startInstanceRefresh`,
        Parameters: {
          AutoScalingGroupName: autoScalingGroupName,
          Strategy: 'Rolling',
          Preferences: {
            MinHealthyPercentage: minHealthyPercentage,
            ...(instanceWarmup && { InstanceWarmup: instanceWarmup.toSeconds() }),
          },
        },
        Retry: [{ ErrorEquals: ['States.TaskFailed'], ...WAITS }],
        TimeoutSeconds: 60,
      },
    });
    this.stateMachine = new StateMachine(this, 'Machine', {
      comment: `Replaces the instances of ${autoScalingGroupName} after a release of ${image}.`,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(
        start.next(new Succeed(this, 'Refreshing', { comment: 'Auto Scaling goes on by itself.' })),
      ),
      timeout: Duration.hours(8),
      role: new Role(this, 'Role', {
        assumedBy: new ServicePrincipal('states.amazonaws.com'),
        description: `Starts instance refreshes of ${autoScalingGroupName}.`,
      }),
    });
    this.stateMachine.addToRolePolicy(
      new PolicyStatement({
        sid: 'RefreshInstances',
        actions: ['autoscaling:StartInstanceRefresh'],
        resources: [
          `arn:${partition}:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${autoScalingGroupName}`,
        ],
      }),
    );
    new Rule(this, 'LatestMoved', {
      description: `latest of ${image} shows another AMI.`,
      eventPattern: {
        source: ['aws.ssm'],
        detailType: ['Parameter Store Change'],
        // With an exception it tells that a value was refused, and nothing has changed.
        detail: {
          name: [parameters.latest(image)],
          operation: ['Create', 'Update'],
          exception: Match.doesNotExist(),
        },
      },
      targets: [
        new SfnStateMachine(this.stateMachine, { maxEventAge: Duration.hours(6), retryAttempts: 185 }),
      ],
    });
  }
}
