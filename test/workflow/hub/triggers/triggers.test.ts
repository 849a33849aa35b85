import { describe, expect, it } from 'vitest';
import type { Factory } from '../../../../core/configuration/factory.ts';
import type { Schedule } from '../../../../core/configuration/schedule.ts';
import { ownFactory } from '../../../fixtures/factories.ts';
import { hub, inWords } from '../../../fixtures/synthesised.ts';

const factory = ownFactory();
const scheduled = (schedule: Schedule): Factory => ({
  ...factory,
  images: factory.images.map((image) => (image.name === 'linux-base' ? { ...image, schedule } : image)),
});
const theHub = hub(
  scheduled({ cron: '0 4 ? * MON *', timeZone: 'Europe/Berlin', when: 'newer-source-ami' }),
  { webhookSecret: 'packleader-webhook' },
);

function roleOf(name: string) {
  const role = theHub.roles().find((one) => one.name === name);
  const lines = (statements: Parameters<typeof inWords>[0][] = []) => statements.map(inWords).join('\n');
  return { trust: lines(role?.trust), may: lines(role?.statements) };
}

describe('what the hub tells of the webhook', () => {
  // CDK would call it TriggersWebhookUrl, with a hash behind.
  it('is its URL, by the name that the documentation has', () => {
    expect(Object.keys(theHub.outputs)).toContain('WebhookUrl');
  });
});

describe('what a trigger may do', () => {
  it('the webhook reads its secret, remembers deliveries and tells of pushes', () => {
    expect(roleOf('packleader-trigger-git-push')).toMatchInlineSnapshot(`
      {
        "may": "Allow logs:CreateLogStream logs:PutLogEvents on log group /aws/lambda/packleader-git-push
      Allow xray:PutTelemetryRecords xray:PutTraceSegments on *
      ReadSecret: Allow secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:999999999999:secret:packleader-webhook-??????
      RememberDeliveries: Allow dynamodb:PutItem on table packleader-deliveries
      TellOfPushes: Allow events:PutEvents on arn:aws:events:eu-west-1:999999999999:event-bus/default if {"StringEquals":{"events:source":"packleader","events:detail-type":"Git Push"}}",
        "trust": "Allow sts:AssumeRole by {"Service":"lambda.amazonaws.com"}",
      }
    `);
  });

  it('a push starts releases, and nothing else', () => {
    expect(roleOf('packleader-trigger-start-release')).toMatchInlineSnapshot(`
      {
        "may": "Allow logs:CreateLogStream logs:PutLogEvents on log group /aws/lambda/packleader-start-release
      Allow xray:PutTelemetryRecords xray:PutTraceSegments on *
      StartReleases: Allow states:StartExecution on arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release
      ReadSwitches: Allow ssm:GetParameter on arn:aws:ssm:eu-west-1:999999999999:parameter/packleader/triggers
      KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers",
        "trust": "Allow sts:AssumeRole by {"Service":"lambda.amazonaws.com"}",
      }
    `);
  });

  it('a rebuild looks at releases, their executions and source AMIs before it starts one', () => {
    expect(roleOf('packleader-trigger-scheduled-rebuild')).toMatchInlineSnapshot(`
      {
        "may": "Allow logs:CreateLogStream logs:PutLogEvents on log group /aws/lambda/packleader-scheduled-rebuild
      Allow xray:PutTelemetryRecords xray:PutTraceSegments on *
      StartReleases: Allow states:StartExecution on arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release
      ReadSwitches: Allow ssm:GetParameter on arn:aws:ssm:eu-west-1:999999999999:parameter/packleader/triggers arn:aws:ssm:eu-west-1:999999999999:parameter/packleader/triggers/resumed/*
      KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers
      CountFailures: Allow states:ListExecutions on arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release
      ReadReleases: Allow s3:GetObject on arn:aws:s3:::packleader-999999999999-eu-west-1/released/*
      FindReleases: Allow s3:ListBucket on arn:aws:s3:::packleader-999999999999-eu-west-1 if {"StringLike":{"s3:prefix":"released/*"}}
      Allow sts:AssumeRole on arn:aws:iam::111111111111:role/packleader-steward arn:aws:iam::222222222222:role/packleader-steward",
        "trust": "Allow sts:AssumeRole by {"Service":"lambda.amazonaws.com"}",
      }
    `);
  });

  it('the scheduler calls one function', () => {
    expect(roleOf('packleader-scheduler')).toMatchInlineSnapshot(`
      {
        "may": "Rebuild: Allow lambda:InvokeFunction on function packleader-scheduled-rebuild
      KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers",
        "trust": "Allow sts:AssumeRole by {"Service":"scheduler.amazonaws.com"} if {"StringEquals":{"aws:SourceAccount":"999999999999"},"ArnEquals":{"aws:SourceArn":"arn:aws:scheduler:eu-west-1:999999999999:schedule-group/packleader"}}",
      }
    `);
  });

  it('the public may call the URL of the webhook, and no other function', () => {
    const permissions = theHub.ofType('AWS::Lambda::Permission').map(({ is }) => is);
    expect(permissions).toMatchInlineSnapshot(`
      [
        {
          "Action": "lambda:InvokeFunction",
          "FunctionName": "function packleader-start-release",
          "Principal": "events.amazonaws.com",
          "SourceArn": "rule packleader-on-git-push",
        },
        {
          "Action": "lambda:InvokeFunctionUrl",
          "FunctionName": "function packleader-git-push",
          "FunctionUrlAuthType": "NONE",
          "Principal": "*",
        },
        {
          "Action": "lambda:InvokeFunction",
          "FunctionName": "function packleader-git-push",
          "InvokedViaFunctionUrl": true,
          "Principal": "*",
        },
      ]
    `);
    expect(theHub.ofType('AWS::Lambda::Url').map(({ is }) => is)).toMatchInlineSnapshot(`
      [
        {
          "AuthType": "NONE",
          "TargetFunctionArn": "function packleader-git-push",
        },
      ]
    `);
  });
});

describe('a webhook', () => {
  const functionOf = (name: string) =>
    theHub.ofType('AWS::Lambda::Function').find(({ is }) => is['FunctionName'] === name)?.is;

  it('is told the name of its secret, never its value, and is bounded in time and number', () => {
    expect(functionOf('packleader-git-push')).toMatchObject({
      Timeout: 8,
      ReservedConcurrentExecutions: 10,
      Environment: {
        Variables: {
          PACKLEADER_WEBHOOK_SECRET: 'packleader-webhook',
          PACKLEADER_REPOSITORY: 'https://github.com/example/images',
          PACKLEADER_PUSH_BRANCHES: '["main"]',
        },
      },
    });
  });

  it('is not there without a secret', () => {
    const without = hub(factory);
    expect(without.ofType('AWS::Lambda::Url')).toEqual([]);
    expect(without.ofType('AWS::DynamoDB::Table')).toEqual([]);
    expect(without.roles().map(({ name }) => name)).not.toContain('packleader-trigger-git-push');
  });

  it('remembers deliveries in a table that forgets by itself', () => {
    expect(theHub.ofType('AWS::DynamoDB::Table').map(({ is }) => is)).toMatchInlineSnapshot(`
      [
        {
          "AttributeDefinitions": [
            {
              "AttributeName": "delivery",
              "AttributeType": "S",
            },
          ],
          "BillingMode": "PAY_PER_REQUEST",
          "KeySchema": [
            {
              "AttributeName": "delivery",
              "KeyType": "HASH",
            },
          ],
          "TableName": "packleader-deliveries",
          "TimeToLiveSpecification": {
            "AttributeName": "expiresAt",
            "Enabled": true,
          },
        },
      ]
    `);
  });
});

describe('a push', () => {
  /** The stack has other rules, which sweep and raise alarms. */
  const rulesOf = (stack: typeof theHub) =>
    stack
      .ofType('AWS::Events::Rule')
      .map(({ is }) => is)
      .filter(({ Name }) => String(Name).startsWith('packleader-on-'));
  const patterns = (of: Factory) => rulesOf(hub(of)).map(({ EventPattern }) => EventPattern);
  const inCodeCommit = (region: string) => `https://git-codecommit.${region}.amazonaws.com/v1/repos/images`;

  it('starts a release by the event of the webhook; an event that cannot be delivered is kept', () => {
    expect(rulesOf(theHub)).toMatchInlineSnapshot(`
      [
        {
          "Description": "Starts a release of what a push changed.",
          "EventPattern": {
            "detail-type": [
              "Git Push",
            ],
            "source": [
              "packleader",
            ],
          },
          "Name": "packleader-on-git-push",
          "State": "ENABLED",
          "Targets": [
            {
              "Arn": "function packleader-start-release",
              "DeadLetterConfig": {
                "Arn": "queue packleader-failed-triggers",
              },
              "Id": "Target0",
              "RetryPolicy": {
                "MaximumEventAgeInSeconds": 21600,
                "MaximumRetryAttempts": 185,
              },
            },
          ],
        },
      ]
    `);
  });

  it('to CodeCommit starts one by the event of CodeCommit, for the branches that the factory names', () => {
    const repository = inCodeCommit('eu-west-1');
    const [, pattern] = patterns({ ...factory, repository, pushBranches: ['main', 'release/**'] });
    expect(pattern).toMatchInlineSnapshot(`
      {
        "detail": {
          "event": [
            "referenceCreated",
            "referenceUpdated",
          ],
          "referenceName": [
            "main",
            {
              "wildcard": "release/*",
            },
          ],
          "referenceType": [
            "branch",
          ],
        },
        "detail-type": [
          "CodeCommit Repository State Change",
        ],
        "resources": [
          "arn:aws:codecommit:eu-west-1:999999999999:images",
        ],
        "source": [
          "aws.codecommit",
        ],
      }
    `);
  });

  it.each([
    ['codecommit://images', 2],
    ['codecommit::eu-west-1://images', 2],
    ['codecommit::us-east-1://images', 1],
    [inCodeCommit('us-east-1'), 1],
    ['https://github.com/example/images', 1],
  ])('to %s needs %i rules: CodeCommit tells only its own region', (repository, rules) => {
    expect(patterns({ ...factory, repository })).toHaveLength(rules);
  });
});

describe('a schedule', () => {
  it('is made for each image that has one, in its time zone', () => {
    expect(theHub.ofType('AWS::Scheduler::Schedule').map(({ is }) => is)).toMatchInlineSnapshot(`
      [
        {
          "Description": "Rebuilds linux-base when there is a newer source AMI.",
          "FlexibleTimeWindow": {
            "Mode": "OFF",
          },
          "GroupName": "packleader",
          "Name": "packleader-rebuild-linux-base",
          "ScheduleExpression": "cron(0 4 ? * MON *)",
          "ScheduleExpressionTimezone": "Europe/Berlin",
          "Target": {
            "Arn": "function packleader-scheduled-rebuild",
            "DeadLetterConfig": {
              "Arn": "queue packleader-failed-triggers",
            },
            "Input": "{"image":"linux-base","when":"newer-source-ami","scheduledAt":"<aws.scheduler.scheduled-time>"}",
            "RetryPolicy": {
              "MaximumEventAgeInSeconds": 21600,
              "MaximumRetryAttempts": 185,
            },
            "RoleArn": "role packleader-scheduler",
          },
        },
      ]
    `);
  });

  it('may be a rate', () => {
    const [schedule] = hub(scheduled({ rate: '7 days', timeZone: 'UTC', when: 'always' })).ofType(
      'AWS::Scheduler::Schedule',
    );
    expect(schedule?.is['ScheduleExpression']).toBe('rate(7 days)');
  });

  it('is not made for an image without one', () => {
    expect(hub(factory).ofType('AWS::Scheduler::Schedule')).toEqual([]);
  });
});

describe('what failed', () => {
  it('is kept for two weeks in an encrypted queue that takes nothing without TLS', () => {
    expect(theHub.ofType('AWS::SQS::Queue').map(({ is }) => is)).toMatchInlineSnapshot(`
      [
        {
          "MessageRetentionPeriod": 1209600,
          "QueueName": "packleader-failed-triggers",
          "SqsManagedSseEnabled": true,
        },
      ]
    `);
    expect(theHub.ofType('AWS::SQS::QueuePolicy').map(({ is }) => is['PolicyDocument']))
      .toMatchInlineSnapshot(`
        [
          {
            "Statement": [
              {
                "Action": "sqs:*",
                "Condition": {
                  "Bool": {
                    "aws:SecureTransport": "false",
                  },
                },
                "Effect": "Deny",
                "Principal": {
                  "AWS": "*",
                },
                "Resource": "queue packleader-failed-triggers",
              },
              {
                "Action": "sqs:SendMessage",
                "Condition": {
                  "ArnEquals": {
                    "aws:SourceArn": "rule ref:StateMachines/Sweep/ReleaseEndedBadly/Resource",
                  },
                },
                "Effect": "Allow",
                "Principal": {
                  "Service": "events.amazonaws.com",
                },
                "Resource": "queue packleader-failed-triggers",
                "Sid": "AllowEventRulehubStateMachinesSweepReleaseEndedBadly31EE2E05",
              },
              {
                "Action": "sqs:SendMessage",
                "Condition": {
                  "ArnEquals": {
                    "aws:SourceArn": "rule ref:StateMachines/Sweep/EveryHour/Resource",
                  },
                },
                "Effect": "Allow",
                "Principal": {
                  "Service": "events.amazonaws.com",
                },
                "Resource": "queue packleader-failed-triggers",
                "Sid": "AllowEventRulehubStateMachinesSweepEveryHourE3723799",
              },
              {
                "Action": "sqs:SendMessage",
                "Condition": {
                  "ArnEquals": {
                    "aws:SourceArn": "rule packleader-on-git-push",
                  },
                },
                "Effect": "Allow",
                "Principal": {
                  "Service": "events.amazonaws.com",
                },
                "Resource": "queue packleader-failed-triggers",
                "Sid": "AllowEventRulehubTriggersongitpush6B5B5250",
              },
            ],
            "Version": "2012-10-17",
          },
        ]
      `);
  });

  it('has been tried three times', () => {
    expect(theHub.ofType('AWS::Lambda::EventInvokeConfig').map(({ is }) => is)).toMatchInlineSnapshot(`
      [
        {
          "DestinationConfig": {
            "OnFailure": {
              "Destination": "queue packleader-failed-triggers",
            },
          },
          "FunctionName": "packleader-start-release",
          "MaximumEventAgeInSeconds": 21600,
          "MaximumRetryAttempts": 2,
          "Qualifier": "$LATEST",
        },
        {
          "DestinationConfig": {
            "OnFailure": {
              "Destination": "queue packleader-failed-triggers",
            },
          },
          "FunctionName": "packleader-scheduled-rebuild",
          "MaximumEventAgeInSeconds": 21600,
          "MaximumRetryAttempts": 2,
          "Qualifier": "$LATEST",
        },
      ]
    `);
  });
});
