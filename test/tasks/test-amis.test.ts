import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  type Instance,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import {
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  ListCommandInvocationsCommand,
} from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import type { TestOfTarget } from '../../core/contract/tests.ts';
import { MOST_TEST_ATTEMPTS, waitedSeconds } from '../../core/tests/waits.ts';
import { handler } from '../../tasks/test-amis.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { AMI_NAME, COMMIT, RELEASE, REPOSITORY, VERSION, amiIn } from '../fixtures/releases.ts';

const aws = useAws('packleader-tester');

const PREFIX = 'plans/x/web';
const EXECUTION = `web-${VERSION}`;
const ARN = `arn:aws:states:eu-central-1:999999999999:execution:packleader-release-image:${EXECUTION}`;
const RESULTS = `${PREFIX}/tests/${EXECUTION}/`;
const RESULT = `${RESULTS}111111111111-eu-west-1.json`;
const AMI = amiIn(DEV, 'ami-new');
const HOW: TestOfTarget = {
  instanceType: 't3.small',
  timeoutMinutes: 10,
  vpcId: 'vpc-1',
  subnetIds: ['subnet-1', 'subnet-2'],
  tags: { Team: 'web' },
};
const FILTERS = [
  { Name: 'tag:packleader:release', Values: [RELEASE.releaseId] },
  { Name: 'tag:packleader:execution', Values: [ARN] },
  { Name: 'tag:packleader:test', Values: ['ami-new'] },
];
const TAGS = [
  { Key: 'Team', Value: 'web' },
  { Key: 'Name', Value: `${AMI_NAME} under test` },
  { Key: 'packleader:release', Value: RELEASE.releaseId },
  { Key: 'packleader:image', Value: 'web' },
  { Key: 'packleader:version', Value: VERSION },
  { Key: 'packleader:commit', Value: COMMIT },
  { Key: 'packleader:repository', Value: REPOSITORY },
  { Key: 'packleader:stage', Value: 'dev' },
  { Key: 'packleader:execution', Value: ARN },
  { Key: 'packleader:test', Value: 'ami-new' },
];
/** The attempt in front of which ten minutes have passed. */
const TOO_LATE = Array.from({ length: MOST_TEST_ATTEMPTS }, (_, at) => at).find(
  (attempt) => waitedSeconds(attempt) > 600,
);

/** Tests it; `how` is how each AMI is tested, none of an image that is not. */
async function testIt({ attempt = 0, how = HOW }: { attempt?: number; how?: TestOfTarget | null } = {}) {
  if (how === null)
    aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: `${PREFIX}/tests.json` }), {});
  else
    aws.holds('hub', `${PREFIX}/tests.json`, {
      platform: 'linux',
      script: ['echo tests'],
      tested: [{ ...how, targets: ['111111111111/eu-west-1'] }],
    });
  aws.expects(HUB, ({ command }) => command === 'PutObject');
  return handler({
    release: RELEASE,
    plan: { bucket: 'hub', prefix: PREFIX },
    executionName: EXECUTION,
    executionArn: ARN,
    stage: 'dev',
    amis: [AMI, amiIn(PROD, 'ami-not-tested')],
    attempt,
  });
}

const results = (...found: string[]): void =>
  aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: RESULTS }), {
    Contents: found.map((Key) => ({ Key })),
  });

const instances = (...replies: (readonly Instance[])[]): void =>
  aws.on(
    DEV,
    new DescribeInstancesCommand({ Filters: FILTERS }),
    ...replies.map((list) => ({ Reservations: [{ Instances: [...list] }] })),
  );
const RUNNING: Instance = { InstanceId: 'i-1', State: { Name: 'running' } };
const ENDING: Instance = { InstanceId: 'i-1', State: { Name: 'shutting-down' } };
const GONE: Instance = {
  InstanceId: 'i-1',
  State: { Name: 'terminated' },
  StateReason: { Message: 'Client.UserInitiatedShutdown: User initiated shutdown' },
};

const groups = (...ids: string[]): void =>
  aws.on(DEV, new DescribeSecurityGroupsCommand({ Filters: FILTERS }), {
    SecurityGroups: ids.map((GroupId) => ({ GroupId })),
  });

const commands = (...ids: string[]): void =>
  aws.on(DEV, new ListCommandInvocationsCommand({ InstanceId: 'i-1' }), {
    CommandInvocations: ids.map((CommandId, at) => ({ CommandId, RequestedDateTime: new Date(at) })),
  });

const status = (Status: 'ok' | 'initializing'): void =>
  aws.on(DEV, new DescribeInstanceStatusCommand({ InstanceIds: ['i-1'] }), {
    InstanceStatuses: [{ SystemStatus: { Status }, InstanceStatus: { Status } }],
  });

const agent = (PingStatus?: 'Online' | 'ConnectionLost'): void =>
  aws.on(
    DEV,
    new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values: ['i-1'] }] }),
    { InstanceInformationList: PingStatus === undefined ? [] : [{ InstanceId: 'i-1', PingStatus }] },
  );

const invocation = (reply: Partial<GetCommandInvocationCommandOutput> | Error): void =>
  aws.on(DEV, new GetCommandInvocationCommand({ CommandId: 'first', InstanceId: 'i-1' }), reply);

const PASSED = { Status: 'Success', StandardOutputContent: '2 tests, 0 failed\nok      test_a\n' } as const;
const FAILED = {
  Status: 'Failed',
  StatusDetails: 'Failed',
  StandardOutputContent: '2 tests, 1 failed\nFAILED  test_a\n        it is broken\nok      test_b\n',
} as const;

/** The bodies that were written, by key. */
const written = (): Record<string, string> =>
  Object.fromEntries(
    aws.sent
      .filter(({ command }) => command === 'PutObject')
      .map(({ input }) => [
        String(Reflect.get(Object(input), 'Key')),
        String(Reflect.get(Object(input), 'Body')),
      ]),
  );

const underWay = (message: string) => ({
  name: 'TestsUnderWay',
  message: `111111111111/eu-west-1: waits for ${message}`,
});

describe('testing the AMIs of a stage', () => {
  it('of an image without tests asks for nothing else', async () => {
    expect(await testIt({ how: null })).toEqual({ instances: 0, tests: 0 });
    expect(aws.commands).toEqual(['ListObjectsV2']);
  });

  it('launches an instance that nobody can reach, by its AMI, with the tags of the release from the first moment', async () => {
    results();
    instances([]);
    groups();
    aws.on(
      DEV,
      new CreateSecurityGroupCommand({
        GroupName: 'packleader-test-35588480eb57e383',
        Description: 'Lets nothing in, for the test of ami-new',
        VpcId: 'vpc-1',
        TagSpecifications: [{ ResourceType: 'security-group', Tags: TAGS }],
      }),
      { GroupId: 'sg-1' },
    );
    aws.expects(DEV, ({ command }) => command === 'RunInstances');
    await expect(testIt({ how: { ...HOW, userData: '{"role": "web"}' } })).rejects.toMatchObject(
      underWay('its instance to be seen'),
    );
    const { ClientToken, ...launched } = Object(aws.sentTo(DEV).at(-1)?.input);
    expect(ClientToken).toMatch(/^[0-9a-f]{64}$/);
    expect(launched).toEqual(
      new RunInstancesCommand({
        ImageId: 'ami-new',
        InstanceType: 't3.small',
        MinCount: 1,
        MaxCount: 1,
        SubnetId: 'subnet-1',
        SecurityGroupIds: ['sg-1'],
        IamInstanceProfile: { Name: 'packleader-tested' },
        MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
        InstanceInitiatedShutdownBehavior: 'terminate',
        UserData: Buffer.from('{"role": "web"}').toString('base64'),
        TagSpecifications: [
          { ResourceType: 'instance', Tags: TAGS },
          { ResourceType: 'volume', Tags: TAGS },
          { ResourceType: 'network-interface', Tags: TAGS },
        ],
      }).input,
    );
  });

  it('asks for the same instance again when the first was not seen yet', async () => {
    const tokens: unknown[] = [];
    for (let time = 0; time < 2; time += 1) {
      results();
      instances([]);
      groups('sg-1');
      aws.expects(DEV, ({ command }) => command === 'RunInstances');
      await expect(testIt({ attempt: time })).rejects.toMatchObject(underWay('its instance to be seen'));
      tokens.push(Object(aws.sentTo(DEV).at(-1)?.input).ClientToken);
    }
    expect(new Set(tokens).size).toBe(1);
  });

  it('tries the next subnet when EC2 has no room in the first, and waits when there is none anywhere', async () => {
    results();
    instances([]);
    groups('sg-1');
    aws.on(DEV, new DescribeSubnetsCommand({ Filters: [{ Name: 'vpc-id', Values: ['vpc-1'] }] }), {
      Subnets: [{ SubnetId: 'subnet-3' }, { SubnetId: 'subnet-1' }],
    });
    aws.expects(DEV, ({ command }) => command === 'RunInstances', awsError('InsufficientInstanceCapacity'));
    await expect(
      testIt({ how: { ...HOW, subnetIds: ['subnet-1'], subnetFilters: { 'vpc-id': ['vpc-1'] } } }),
    ).rejects.toMatchObject(underWay('EC2 to have room for t3.small'));
    const asked = aws.sentTo(DEV).filter(({ command }) => command === 'RunInstances');
    expect(asked.map(({ input }) => Object(input).SubnetId)).toEqual(['subnet-1', 'subnet-3']);
  });

  it('waits for a security group that was made and is not seen yet', async () => {
    results();
    instances([]);
    groups();
    aws.expects(DEV, ({ command }) => command === 'CreateSecurityGroup', awsError('InvalidGroup.Duplicate'));
    await expect(testIt()).rejects.toMatchObject(underWay('its security group to be seen'));
  });

  it.each([
    ['it to run', () => instances([{ InstanceId: 'i-1', State: { Name: 'pending' } }]), 'i-1 to run'],
    [
      'its status checks',
      () => {
        instances([RUNNING]);
        status('initializing');
      },
      'the status checks of i-1, which are initializing (system) and initializing (instance)',
    ],
    [
      'its agent, which has never reported',
      () => {
        instances([RUNNING]);
        status('ok');
        agent();
      },
      'the Systems Manager agent of i-1, which must reach ssm and ssmmessages',
    ],
    [
      'its agent, which does not report any more',
      () => {
        instances([RUNNING]);
        status('ok');
        agent('ConnectionLost');
      },
      'the Systems Manager agent of i-1, which must reach ssm and ssmmessages',
    ],
  ])('waits for %s', async (_, prepare, message) => {
    results();
    commands();
    prepare();
    await expect(testIt()).rejects.toMatchObject(underWay(message));
  });

  it('sends the tests once, with as much time as is left and a minute kept back', async () => {
    results();
    instances([RUNNING]);
    commands();
    status('ok');
    agent('Online');
    aws.expects(DEV, ({ command }) => command === 'SendCommand');
    await expect(testIt({ attempt: 1 })).rejects.toMatchObject(underWay('the tests on i-1'));
    expect(aws.sentTo(DEV).at(-1)?.input).toEqual({
      InstanceIds: ['i-1'],
      DocumentName: 'AWS-RunShellScript',
      Comment: 'The tests of its AMI',
      TimeoutSeconds: 525,
      Parameters: {
        commands: [
          '#!/usr/bin/env bash',
          "shutdown -P +130 'This instance has outlived its test.' >/dev/null 2>&1 || :",
          'echo tests',
        ],
        executionTimeout: ['525'],
      },
    });
  });

  it('waits for the command that was sent first, also where it is not to be seen yet', async () => {
    results();
    instances([RUNNING]);
    commands('first', 'second');
    invocation(awsError('InvocationDoesNotExist'));
    await expect(testIt()).rejects.toMatchObject(underWay('the tests on i-1, which are not to be seen yet'));
    invocation({ Status: 'InProgress', StatusDetails: 'InProgress' });
    await expect(testIt()).rejects.toMatchObject(underWay('the tests on i-1, which are InProgress'));
  });

  it('writes down what it came to before the instance is terminated, and waits until it is', async () => {
    results();
    instances([{ ...RUNNING, SecurityGroups: [{ GroupId: 'sg-1' }] }]);
    commands('first');
    invocation(PASSED);
    aws.accepts(DEV, new TerminateInstancesCommand({ InstanceIds: ['i-1'] }));
    await expect(testIt()).rejects.toMatchObject(underWay('i-1 to be terminated'));
    expect(aws.commands.slice(-4)).toEqual([
      'PutObject',
      'PutObject',
      'DescribeInstances',
      'TerminateInstances',
    ]);
    expect(written()).toEqual({
      [`tests/111111111111/${EXECUTION}/eu-west-1.txt`]: PASSED.StandardOutputContent,
      [RESULT]: JSON.stringify(
        { imageId: 'ami-new', instanceId: 'i-1', groupIds: ['sg-1'], passed: true, ran: 2, why: [] },
        null,
        2,
      ),
    });
  });

  it('that have ended looks at nothing but what is left, and removes the group when the instance is gone', async () => {
    results(RESULT);
    aws.holds('hub', RESULT, { imageId: 'ami-new', groupIds: ['sg-1'], passed: true, ran: 2, why: [] });
    instances([ENDING]);
    await expect(testIt()).rejects.toMatchObject(underWay('i-1 to be terminated'));
    instances([GONE]);
    // No look shows the group yet: it is known from the instance.
    groups();
    const remove = new DeleteSecurityGroupCommand({ GroupId: 'sg-1' });
    aws.on(DEV, remove, awsError('DependencyViolation'));
    await expect(testIt()).rejects.toMatchObject(underWay('sg-1 to be free'));
    aws.on(DEV, remove, awsError('InvalidGroup.NotFound'));
    expect(await testIt()).toEqual({ instances: 1, tests: 2 });
    expect(written()).toEqual({});
  });

  it('fails with the lines of the tests that failed, and says where all of it is', async () => {
    results();
    instances([RUNNING], [GONE]);
    commands('first');
    invocation(FAILED);
    groups();
    aws.holds('hub', RESULT, {
      imageId: 'ami-new',
      passed: false,
      ran: 2,
      why: ['FAILED  test_a', '        it is broken'],
    });
    await expect(testIt()).rejects.toMatchObject({
      name: 'TestsFailed',
      message: [
        '111111111111/eu-west-1: ami-new did not pass its tests:',
        'FAILED  test_a',
        '        it is broken',
        `All of it: s3://hub/tests/111111111111/${EXECUTION}/eu-west-1.txt`,
      ].join('\n'),
    });
    expect(JSON.parse(written()[RESULT] ?? '')).toMatchObject({
      passed: false,
      why: ['FAILED  test_a', '        it is broken'],
    });
  });

  it.each([
    [
      'that ends without a word',
      { Status: 'Success', StandardOutputContent: '' },
      ['the command ended as Success'],
    ],
    [
      'of no test',
      { Status: 'Success', StandardOutputContent: '0 tests, 0 failed\n' },
      ['the command ended as Success'],
    ],
    [
      'that takes too long',
      { Status: 'TimedOut', StatusDetails: 'Execution Timed Out', StandardErrorContent: 'running test_b\n' },
      ['the command ended as Execution Timed Out', 'the last that was printed: running test_b'],
    ],
  ] as const)('takes a command %s for one that failed', async (_, reply, why) => {
    results();
    instances([RUNNING], [ENDING]);
    commands('first');
    invocation(reply);
    await expect(testIt()).rejects.toMatchObject(underWay('i-1 to be terminated'));
    expect(JSON.parse(written()[RESULT] ?? '')).toMatchObject({ passed: false, why });
  });

  it('fails when the instance ended before its tests', async () => {
    results();
    instances([GONE]);
    commands();
    groups();
    aws.holds('hub', RESULT, { imageId: 'ami-new', passed: false, ran: 0, why: ['x'] });
    await expect(testIt()).rejects.toMatchObject({ name: 'TestsFailed' });
    expect(JSON.parse(written()[RESULT] ?? '')).toMatchObject({
      why: ['its instance i-1 is terminated: Client.UserInitiatedShutdown: User initiated shutdown'],
    });
  });

  it.each([
    [
      'its agent',
      () => {
        instances([RUNNING], [ENDING]);
        commands();
        status('ok');
        agent();
      },
      'the Systems Manager agent of i-1, which must reach ssm and ssmmessages',
    ],
    [
      'the tests',
      () => {
        instances([RUNNING], [ENDING]);
        commands('first');
        invocation({ Status: 'InProgress', StatusDetails: 'InProgress' });
      },
      'the tests on i-1, which are InProgress',
    ],
    [
      'tests that could not begin any more',
      () => {
        instances([RUNNING], [ENDING]);
        commands();
        status('ok');
        agent('Online');
      },
      'the tests on i-1, which could not begin',
    ],
    [
      'an instance',
      () => {
        instances([]);
        groups();
      },
      'its instance to be launched',
    ],
  ])('fails when its time is over, and says that it was waiting for %s', async (_, prepare, waited) => {
    results();
    prepare();
    aws.holds('hub', RESULT, { imageId: 'ami-new', passed: false, ran: 0, why: ['x'] });
    await expect(testIt({ attempt: TOO_LATE ?? 0 })).rejects.toThrow();
    expect(JSON.parse(written()[RESULT] ?? '')).toMatchObject({
      passed: false,
      why: [`10 minutes were not enough for ${waited}`],
    });
  });

  it('refuses to go on beside a retry', async () => {
    const run = { executionArn: ARN, redriveCount: 1 };
    const later = `${ARN}-r2`;
    aws.on(HUB, new DescribeExecutionCommand({ executionArn: later }), { executionArn: later });
    await expect(
      handler({
        release: RELEASE,
        plan: { bucket: 'hub', prefix: PREFIX },
        executionName: EXECUTION,
        executionArn: ARN,
        stage: 'dev',
        amis: [AMI],
        attempt: 0,
        run,
      }),
    ).rejects.toMatchObject({ name: 'ReleaseRetried' });
    expect(aws.commands).toEqual(['DescribeExecution']);
  });
});
