/** Why a role may do what no scenario needs here: by role, where none of it is needed, by statement and action, or by role and both. */
const GOING_BACK = 'nobody goes back here: the rehearsals and the fault suite do';
const SECRETS = 'the layers of these scenarios name no secret';
const CODE_BUILD = 'CodeBuild asks before it uploads artifacts, which the test uploads itself';
const BY_COMMAND =
  'whoever approves here does it by the command or the client, and no stage asks for four eyes: moto’s CloudTrail shows no starts';
const TOLD_AT_ONCE = 'nothing fails that tells of releases';
const GIVEN_UP = 'nothing that is scheduled fails here, and nothing that EventBridge Scheduler hands over';

export const BY_NO_SCENARIO: Readonly<Record<string, string>> = {
  'packleader-task-plan-repoint': GOING_BACK,
  'packleader-task-put-back-versions': GOING_BACK,
  'packleader-task-disable-amis': GOING_BACK,
  'packleader-task-enable-amis': GOING_BACK,
  'packleader-task-record-repoint': GOING_BACK,
  'packleader-task-mark-versions': GOING_BACK,
  'packleader-task-point-latest': GOING_BACK,
  'packleader-hub-StateMachinesRepointMachineRoleAA72E434': GOING_BACK,
  'packleader-steward  DisableAmis: ec2:DisableImage': GOING_BACK,
  'packleader-steward  EnableAmis: ec2:EnableImage': GOING_BACK,
  'packleader-steward  Publish: ssm:GetParameterHistory':
    'no other release publishes at the same time, or was taken back',
  'packleader-task-plan-releases  s3:ListBucket': 'no image here is built on one that is released elsewhere',
  'packleader-task-resolve-source-amis  states:GetExecutionHistory': 'nothing is retried here',
  'packleader-task-resolve-source-amis  states:ListExecutions': 'nothing is retried here',
  'packleader-trigger-scheduled-rebuild  KeepWhatFailed: sqs:SendMessage': GIVEN_UP,
  'packleader-scheduler  KeepWhatFailed: sqs:SendMessage': GIVEN_UP,
  'packleader-task-answer-approval  FindStarters: cloudtrail:LookupEvents': BY_COMMAND,
  'packleader-task-answer-approval  KnowItsRole: states:DescribeStateMachine': BY_COMMAND,
  'packleader-telling-notify  KeepWhatFailed: sqs:SendMessage': TOLD_AT_ONCE,
  'packleader-telling-commit-status  KeepWhatFailed: sqs:SendMessage': TOLD_AT_ONCE,
  'packleader-telling-stale-images  KeepWhatFailed: sqs:SendMessage': TOLD_AT_ONCE,
  'packleader-tester  Look: ec2:DescribeSubnets': 'the layers here name subnets, and no tags of subnets',
  'FindBucketOfRecord: s3:GetBucketAcl': CODE_BUILD,
  'FindBucketOfRecord: s3:GetBucketLocation': CODE_BUILD,
  'LaunchFromOwn: ec2:RunInstances':
    'no image here is built on one of the factory: `npm run e2e` bakes one that is',
  'ReadSecrets: secretsmanager:GetSecretValue': SECRETS,
  'ReadSecrets: ssm:GetParameter': SECRETS,
  'DecryptSecrets: kms:Decrypt': SECRETS,
};
