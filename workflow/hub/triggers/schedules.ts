import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, CfnScheduleGroup, ContextAttribute } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Image } from '../../../core/configuration/factory.ts';
import type { Schedule } from '../../../core/configuration/schedule.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { ATTEMPTS, type FailedTriggers, GIVEN_UP_AFTER } from '../failed-triggers.ts';
import { FixedRole } from '../../constructs/fixed-role.ts';

export interface SchedulesProps {
  readonly images: readonly Image[];
  /** What rebuilds an image that is due. */
  readonly rebuild: IFunction;
  readonly failed: FailedTriggers;
}

/** One schedule per image that has one in its image.yaml. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { images, rebuild, failed }: SchedulesProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    const group = new CfnScheduleGroup(this, 'Group', { name: NAMES.scheduleGroup });
    const role = new FixedRole(this, 'Role', {
      roleName: 'packleader-scheduler',
      description: 'Rebuilds images when their schedules are due.',
      trusted: new ServicePrincipal('scheduler.amazonaws.com').withConditions({
        StringEquals: { 'aws:SourceAccount': account },
        ArnEquals: {
          'aws:SourceArn': `arn:aws:scheduler:${region}:${account}:schedule-group/${NAMES.scheduleGroup}`,
        },
      }),
      statements: [
        new PolicyStatement({
          sid: 'Rebuild',
          actions: ['lambda:InvokeFunction'],
          resources: [rebuild.functionArn],
        }),
        ...failed.mayBeSentTo(),
      ],
      wildcards: {},
    });
    for (const { name, schedule } of images) {
      if (schedule === undefined) continue;
      new CfnSchedule(this, name, {
        name: `packleader-rebuild-${name}`,
        groupName: group.ref,
        description: `Rebuilds ${name}${schedule.when === 'always' ? '' : ' when there is a newer source AMI'}.`,
        scheduleExpression: expression(schedule),
        scheduleExpressionTimezone: schedule.timeZone,
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: rebuild.functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify({
            image: name,
            when: schedule.when,
            scheduledAt: ContextAttribute.scheduledTime,
          }),
          deadLetterConfig: { arn: failed.queueArn },
          retryPolicy: {
            maximumEventAgeInSeconds: GIVEN_UP_AFTER.toSeconds(),
            maximumRetryAttempts: ATTEMPTS,
          },
        },
      });
    }
  }
}

function expression({ cron, rate }: Schedule): string {
  return cron === undefined ? `rate(${rate})` : `cron(${cron})`;
}
