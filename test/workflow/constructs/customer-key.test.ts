import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../core/contract/names.ts';
import { allowing } from '../../invariants/permissions/evaluate.ts';
import { ownFactory } from '../../fixtures/factories.ts';
import { hub, inWords, target } from '../../fixtures/synthesised.ts';

const factory = ownFactory();
const BUCKET = 'packleader-999999999999-eu-west-1';
const [accountId] = ['111111111111'];

const without = [hub(factory), target({ factory, accountId })];
const withKey = {
  hub: hub(factory, { customerKey: true, webhookSecret: 'packleader/webhook' }),
  target: target({ factory, accountId, customerKey: true }),
};

const { releaseMachine, releaseImageMachine, bakeBatchMachine, sweepMachine } = NAMES;
const MACHINES = [releaseMachine, releaseImageMachine, bakeBatchMachine, sweepMachine];

const may = (stack: (typeof withKey)['hub'], role: string) =>
  stack
    .roles()
    .filter(({ name }) => name === role)
    .flatMap(({ statements }) => statements)
    .filter(({ Action }) => Action.some((action) => action.startsWith('kms:')))
    .map(inWords);

describe('without a key of one’s own', () => {
  it('there is none, and no role of the hub may use any', () => {
    for (const stack of without) expect(stack.keys()).toEqual([]);
    const [theHub] = without;
    const actions = theHub?.roles().flatMap(({ statements }) => statements.flatMap(({ Action }) => Action));
    expect(actions?.filter((action) => action.startsWith('kms:'))).toEqual([]);
  });
});

describe('with a key of one’s own', () => {
  it.each(['hub', 'target'] as const)('the key of the %s is turned over and outlives the stack', (which) => {
    expect(withKey[which].keys()).toMatchObject([{ retained: true, is: { EnableKeyRotation: true } }]);
  });

  it('encrypts the bucket', () => {
    const bucket = withKey.hub.ofType('AWS::S3::Bucket').find(({ is }) => is['BucketName'] === BUCKET);
    expect(bucket?.is['BucketEncryption']).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'key ref:Key/Resource' },
        },
      ],
    });
  });

  it('encrypts every log group, every project and every state machine', () => {
    const both = Object.values(withKey);
    const key = 'key ref:Key/Resource';
    const encrypted = (type: string, by: (is: Record<string, unknown>) => unknown) =>
      both.flatMap((stack) => stack.ofType(type).map(({ is }) => by(is)));
    expect(new Set(encrypted('AWS::Logs::LogGroup', (is) => is['KmsKeyId']))).toEqual(new Set([key]));
    expect(new Set(encrypted('AWS::CodeBuild::Project', (is) => is['EncryptionKey']))).toEqual(
      new Set([key]),
    );
    expect(encrypted('AWS::StepFunctions::StateMachine', (is) => is['EncryptionConfiguration'])).toEqual(
      withKey.hub
        .ofType('AWS::StepFunctions::StateMachine')
        .map(() => ({ Type: 'CUSTOMER_MANAGED_KMS_KEY', KmsKeyId: key })),
    );
  });

  it('encrypts the deliveries that the webhook remembers, and the triggers that failed', () => {
    const key = 'key ref:Key/Resource';
    expect(withKey.hub.ofType('AWS::DynamoDB::Table').map(({ is }) => is['SSESpecification'])).toEqual([
      { KMSMasterKeyId: key, SSEEnabled: true, SSEType: 'KMS' },
    ]);
    expect(withKey.hub.ofType('AWS::SQS::Queue').map(({ is }) => is['KmsMasterKeyId'])).toEqual([key]);
  });

  it('the hub’s admits the account itself, the logs, the bake roles of the targets for the bucket’s objects alone, and the rules whose events are kept when they fail', () => {
    expect(withKey.hub.keyPolicy().map(inWords).join('\n')).toMatchInlineSnapshot(`
      "Allow kms:* by {"AWS":"arn:aws:iam::999999999999:root"} on *
      Logs: Allow kms:Decrypt* kms:Describe* kms:Encrypt* kms:GenerateDataKey* kms:ReEncrypt* by {"Service":"logs.eu-west-1.amazonaws.com"} on * if {"ArnLike":{"kms:EncryptionContext:aws:logs:arn":["arn:aws:logs:eu-west-1:999999999999:log-group:/aws/lambda/packleader-*","arn:aws:logs:eu-west-1:999999999999:log-group:/aws/vendedlogs/*/packleader-*","arn:aws:logs:eu-west-1:999999999999:log-group:/packleader/*"]}}
      DeliveryOfLogs: Allow kms:Decrypt* by {"Service":"delivery.logs.amazonaws.com"} on * if {"StringEquals":{"aws:SourceAccount":"999999999999"}}
      BakesUseTheKey: Allow kms:Decrypt kms:GenerateDataKey by {"AWS":["111111111111","222222222222"]} on * if {"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/packleader-bake"},"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}
      RulesKeepWhatFailed: Allow kms:Decrypt kms:GenerateDataKey by {"Service":"events.amazonaws.com"} on * if {"StringEquals":{"aws:SourceAccount":"999999999999"}}"
    `);
  });

  it('a target’s admits the account itself and its logs', () => {
    expect(withKey.target.keyPolicy().map(inWords).join('\n')).toMatchInlineSnapshot(`
      "Allow kms:* by {"AWS":"arn:aws:iam::111111111111:root"} on *
      Logs: Allow kms:Decrypt* kms:Describe* kms:Encrypt* kms:GenerateDataKey* kms:ReEncrypt* by {"Service":"logs.eu-west-1.amazonaws.com"} on * if {"ArnLike":{"kms:EncryptionContext:aws:logs:arn":["arn:aws:logs:eu-west-1:111111111111:log-group:/aws/lambda/packleader-*","arn:aws:logs:eu-west-1:111111111111:log-group:/aws/vendedlogs/*/packleader-*","arn:aws:logs:eu-west-1:111111111111:log-group:/packleader/*"]}}
      DeliveryOfLogs: Allow kms:Decrypt* by {"Service":"delivery.logs.amazonaws.com"} on * if {"StringEquals":{"aws:SourceAccount":"111111111111"}}"
    `);
  });

  it('a bake decrypts its orders and encrypts its record with it, though the hub is in a region that has no target', () => {
    const elsewhere = { ...factory, hub: { accountId: '999999999999', region: 'eu-central-1' } };
    const stack = target({ factory: elsewhere, accountId, customerKey: true });
    expect(may(stack, NAMES.bakeRole).filter((line) => /Orders|Deny/.test(line))).toEqual([
      'DecryptOrdersEncryptRecord: Allow kms:Decrypt kms:GenerateDataKey on arn:aws:kms:eu-central-1:999999999999:key/* if ' +
        '{"StringEquals":{"kms:ViaService":"s3.eu-central-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-central-1"}}',
      'StayInRegionsOfKeys: Deny kms:* on * if {"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]},"StringNotEqualsIgnoreCase":{"aws:RequestedRegion":"eu-central-1"}}',
    ]);
  });

  it('whoever may look at an execution may decrypt it, through Step Functions, and nobody else may', () => {
    const key = 'key ref:Key/Resource';
    const looking = withKey.hub.roles().flatMap(({ name: role, statements }) => {
      const ask = (action: string, resource: string, context: Record<string, string> = {}) =>
        allowing(statements, { action, resource, context }).length > 0;
      const of = (kind: string, machine: string) =>
        `arn:aws:states:eu-west-1:999999999999:${kind}:${machine}`;
      return MACHINES.map((machine) => ({
        role,
        machine,
        looks: ['states:DescribeExecution', 'states:GetExecutionHistory'].some((action) =>
          ask(action, `${of('execution', machine)}:one`),
        ),
        decrypts: ask('kms:Decrypt', key, {
          'kms:ViaService': 'states.eu-west-1.amazonaws.com',
          'kms:EncryptionContext:aws:states:stateMachineArn': of('stateMachine', machine),
        }),
      }));
    });
    expect(looking.filter(({ looks, decrypts }) => looks && !decrypts)).toEqual([]);
    const tasks = looking.filter(({ role }) => /^packleader-(task|trigger)-/.test(role));
    expect(tasks.filter(({ looks, decrypts }) => decrypts && !looks)).toEqual([]);
    expect(
      tasks.filter(({ decrypts }) => decrypts).map(({ role, machine }) => `${role}: ${machine}`),
    ).toEqual(
      [
        'resolve-source-amis: release-image',
        'resolve-source-amis: bake-batch',
        'deregister-amis: release-image',
        'check-amis: release-image',
        'compare-amis: release-image',
        'apply-version-tags: release-image',
        'publish-release: release-image',
        'withdraw-publication: release-image',
        'announce-release: release-image',
        'announce-release: bake-batch',
        'verify-rollback: release-image',
        'find-dead-releases: release-image',
        'sweep-release: release-image',
        'sweep-release: bake-batch',
      ].map((pair) => `packleader-task-${pair.replace(': ', ': packleader-')}`),
    );
  });

  it('who reads the bucket may decrypt, and who writes to it may encrypt', () => {
    const used = withKey.hub.roles().map(({ name }) => [name, may(withKey.hub, name)]);
    expect(Object.fromEntries(used)).toMatchInlineSnapshot(`
      {
        "StateMachines/Release/Machine/Role/Resource": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:aws:states:stateMachineArn":"arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-*"}}",
          "Allow kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:SourceArn":"arn:aws:logs:eu-west-1:999999999999:*"}}",
        ],
        "StateMachines/ReleaseImage/Machine/Role/Resource": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:aws:states:stateMachineArn":"arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-*"}}",
          "Allow kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:SourceArn":"arn:aws:logs:eu-west-1:999999999999:*"}}",
        ],
        "StateMachines/Repoint/Machine/Role/Resource": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:aws:states:stateMachineArn":"arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-*"}}",
          "Allow kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:SourceArn":"arn:aws:logs:eu-west-1:999999999999:*"}}",
        ],
        "StateMachines/Sweep/Machine/EventsRole/Resource": [],
        "StateMachines/Sweep/Machine/Role/Resource": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:aws:states:stateMachineArn":"arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-*"}}",
          "Allow kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:SourceArn":"arn:aws:logs:eu-west-1:999999999999:*"}}",
        ],
        "packleader-bake-batch": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:aws:states:stateMachineArn":"arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-*"}}",
          "Allow kms:GenerateDataKey on key ref:Key/Resource if {"StringLike":{"kms:EncryptionContext:SourceArn":"arn:aws:logs:eu-west-1:999999999999:*"}}",
        ],
        "packleader-fetch-source": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-scheduler": [
          "EncryptWhatFailed: Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"sqs.eu-west-1.amazonaws.com"}}",
        ],
        "packleader-task-announce-release": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image","arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-bake-batch"]}}",
        ],
        "packleader-task-announce-rollback": [],
        "packleader-task-apply-version-tags": [
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-check-amis": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-compare-amis": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-deregister-amis": [
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-disable-amis": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-enable-amis": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-find-dead-releases": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-mark-versions": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-plan-releases": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-plan-repoint": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-repoint"]}}",
        ],
        "packleader-task-point-latest": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-publish-release": [
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-put-back-versions": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-record-repoint": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-report-sweep": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-task-resolve-source-amis": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image","arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-bake-batch"]}}",
        ],
        "packleader-task-summarise-releases": [],
        "packleader-task-sweep-release": [
          "Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image","arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-bake-batch"]}}",
        ],
        "packleader-task-verify-rollback": [
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-task-withdraw-publication": [
          "DecryptExecutions: Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"states.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:states:stateMachineArn":["arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image"]}}",
        ],
        "packleader-trigger-git-push": [
          "UseKeyOfDeliveries: Allow kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"dynamodb.eu-west-1.amazonaws.com"}}",
        ],
        "packleader-trigger-scheduled-rebuild": [
          "EncryptWhatFailed: Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"sqs.eu-west-1.amazonaws.com"}}",
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
        "packleader-trigger-start-release": [
          "EncryptWhatFailed: Allow kms:Decrypt kms:GenerateDataKey on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"sqs.eu-west-1.amazonaws.com"}}",
        ],
        "packleader-validate": [
          "Allow kms:Decrypt on key ref:Key/Resource if {"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::packleader-999999999999-eu-west-1"}}",
        ],
      }
    `);
  });
});
