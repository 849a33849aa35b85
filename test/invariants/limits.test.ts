import { CodeBuildClient, ListBuildsForProjectCommand } from '@aws-sdk/client-codebuild';
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplatesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Stack } from 'aws-cdk-lib';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { forgetClients } from '../../core/aws/clients.ts';
import { releaseVersion } from '../../core/configuration/version.ts';
import {
  LEAST_DEPRECATION_DAYS,
  MOST_COPYING_STAGES,
  MOST_STAGES,
  MOST_TARGETS,
  MOST_TOLD_BUILDERS,
  mostApprovalHours,
  mostRetryWaitHours,
  mostTargets,
} from '../../core/contract/limits.ts';
import { LeftoversRemain } from '../../core/contract/leftovers.ts';
import { type Bake, type Release, batchSchema } from '../../core/contract/releases.ts';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import type { Target } from '../../core/contract/targets.ts';
import { handler as verifyRollback } from '../../tasks/verify-rollback.ts';
import { executionName } from '../../core/releases/execution-name.ts';
import { bakeBatchWorkflow } from '../../workflow/machines/bake-batch.ts';
import { LAMBDA, releaseImage } from '../../workflow/machines/timeouts.ts';
import { LONGEST_STAGE, allStates, functionOf, samples } from '../fixtures/machines.ts';
import { nestedMachine, worstPathSeconds } from './worst-path.ts';

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 *  @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const QUOTA = {
  definitionBytes: 1_048_576,
  executionSeconds: 31_536_000,
  documentBytes: 262_144,
  eventBytes: 262_144,
};

/** What an inline Map runs at the same time. */
const AT_ONCE = 40;

describe.each(samples)('every state machine of $title', ({ machines, ...rest }) => {
  const sample = { machines, ...rest };

  it('is allowed more time than its worst path takes', () => {
    for (const machine of machines) {
      const { TimeoutSeconds = 0 } = machine.graph;
      expect(TimeoutSeconds, machine.name).toBeGreaterThan(worstPathSeconds(machine, machines));
      expect(TimeoutSeconds, machine.name).toBeLessThan(QUOTA.executionSeconds);
    }
  });

  it('waits for another machine at least as long as that may run', () => {
    for (const { name, state } of allStates(sample)) {
      const nested = nestedMachine(state, machines);
      if (nested) expect(state.TimeoutSeconds, name).toBeGreaterThanOrEqual(nested.graph.TimeoutSeconds ?? 0);
    }
  });

  it('waits longer for a task than the Lambda function may run, so that its own message wins', () => {
    for (const { name, state } of allStates(sample)) {
      if (functionOf(state)) expect(state.TimeoutSeconds, name).toBeGreaterThan(LAMBDA.toSeconds());
    }
  });

  it('has a definition below 1 MB', () => {
    for (const { name, graph } of machines) {
      expect(Buffer.byteLength(JSON.stringify(graph)), name).toBeLessThan(QUOTA.definitionBytes);
    }
  });
});

const bakesOf = (length: number) =>
  Array.from({ length }, () => ({
    accountId: '111111111111',
    region: 'eu-west-1',
    sourceImageId: 'ami-1',
    timeoutMinutes: 60,
  }));

describe('a stage', () => {
  it('is baked in batches of at most 40, which is what one inline Map runs at once', () => {
    expect(batchSchema.safeParse({ number: 1, targets: bakesOf(AT_ONCE) }).success).toBe(true);
    expect(batchSchema.safeParse({ number: 1, targets: bakesOf(AT_ONCE + 1) }).success).toBe(false);
  });

  it('of 1,000 targets has at most 40 batches, so that all of them are baked at once', () => {
    expect(Math.ceil(MOST_TARGETS / AT_ONCE)).toBeLessThanOrEqual(AT_ONCE);
  });
});

/** What Step Functions makes of an error that a Lambda function threw. */
const caught = (name: string, message: string) => ({
  Error: name,
  Cause: JSON.stringify({
    errorType: name,
    errorMessage: message,
    trace: [
      `${name}: ${message}`,
      ...Array.from({ length: 10 }, () => '    at file:///var/task/index.mjs:1:1'),
    ],
  }),
});

describe.each([
  [4, mostTargets(4)],
  [MOST_STAGES, mostTargets(MOST_STAGES)],
  [4, MOST_TOLD_BUILDERS],
])('the document of a release in %i stages with %i targets', (stages, targetsInAll) => {
  const STAGES = Array.from(
    { length: stages },
    (_, index) => `${LONGEST_STAGE.slice(0, -1)}${'abcdefghijklmnopqrst'[index]}`,
  );
  const builder = targetsInAll > MOST_TOLD_BUILDERS ? {} : { builder: ['x8g.metal-24xl spot'] };
  const imageId = 'ami-0123456789abcdef0';
  const groups = Array.from({ length: 5 }, (_, index) => ({ GroupId: `sg-0123456789abcdef${index}` }));
  const release = {
    releaseId: 'x'.repeat(90),
    image: 'x'.repeat(40),
    version: 'x'.repeat(47),
    commit: 'x'.repeat(40),
    repository: 'x'.repeat(60),
    prerelease: false,
  };
  const Tags = [
    { Key: TAGS.state, Value: STATES.quarantined },
    { Key: TAGS.quarantine, Value: 'x'.repeat(256) },
  ];
  const ec2 = mockClient(EC2Client);
  const mocks = [ec2, mockClient(CodeBuildClient), mockClient(SSMClient), mockClient(STSClient)] as const;
  const [, codebuild, ssm, sts] = mocks;

  /** Every target holds the same; whatever is not listed here is refused. */
  beforeEach(() => {
    process.env['AWS_REGION'] = 'eu-central-1';
    forgetClients();
    for (const mock of mocks) mock.reset();
    for (const mock of mocks) mock.rejects('unexpected call');
    sts.on(AssumeRoleCommand).resolves({
      Credentials: {
        AccessKeyId: 'key',
        SecretAccessKey: 'secret',
        SessionToken: 'token',
        Expiration: new Date(Date.now() + 3_600_000),
      },
    });
    codebuild.on(ListBuildsForProjectCommand).resolves({});
    ssm.on(GetParameterCommand).rejects(Object.assign(new Error(), { name: 'ParameterNotFound' }));
    for (const command of [
      DescribeImagesCommand,
      DescribeInstancesCommand,
      DescribeKeyPairsCommand,
      DescribeLaunchTemplatesCommand,
      DescribeNetworkInterfacesCommand,
      DescribeSecurityGroupsCommand,
      DescribeSnapshotsCommand,
      DescribeVolumesCommand,
    ])
      ec2.on(command).resolves({});
  });

  afterAll(() => {
    for (const mock of mocks) mock.restore();
  });

  const refusal = (length: number) =>
    Object.assign(new Error('x'.repeat(length)), { name: 'UnauthorizedOperation' });

  it.each<readonly [string, string, () => void]>([
    [
      'something that does not go',
      'DependencyViolation: it is in use',
      () => ec2.on(DescribeSecurityGroupsCommand).resolves({ SecurityGroups: groups }),
    ],
    [
      'an AMI that is used',
      'quarantined',
      () => ec2.on(DescribeImagesCommand).resolves({ Images: [{ ImageId: imageId, Tags }] }),
    ],
    [
      'nothing that anyone may see, and AWS is long-winded about it',
      'x'.repeat(1_500),
      () => ec2.on(DescribeVolumesCommand).rejects(refusal(1_500)),
    ],
    [
      'something that does not go, and AWS is long-winded about it',
      'x'.repeat(700),
      () => ec2.on(DescribeSecurityGroupsCommand).resolves({ SecurityGroups: groups }),
    ],
  ])('still fits when every target holds %s', async (_, why, holds) => {
    holds();
    const targets = STAGES.map((_stage, index) =>
      Array.from({ length: targetsInAll / STAGES.length }, (_target, position) => ({
        accountId: String(100_000_000_000 + index * 1_000 + position),
        region: 'ap-southeast-1',
      })),
    );
    const perStage = <T>(value: (targets: Target[]) => T) =>
      Object.fromEntries(STAGES.map((stage, index) => [stage, value(targets[index] ?? [])]));
    const batches = (all: readonly Bake[]) =>
      Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_batch, index) => ({
        number: index + 1,
        targets: all.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
      }));
    const undone = (all: readonly Target[]) =>
      caught(
        'LeftoversRemain',
        new LeftoversRemain(all.map((target) => ({ ...target, resourceId: release.releaseId, why }))).message,
      );
    const document = {
      release,
      plan: { bucket: 'packleader-999999999999', prefix: `plans/${'x'.repeat(80)}/${release.image}` },
      resolved: perStage((all) => ({
        batches: batches(all.map((one) => ({ ...one, sourceImageId: imageId, timeoutMinutes: 480 }))),
      })),
      baked: perStage((all) =>
        batches(all.map((one) => ({ ...one, sourceImageId: imageId, timeoutMinutes: 480 }))).map(
          ({ targets: batch }) => ({ bakes: batch.map(() => builder) }),
        ),
      ),
      amis: perStage((all) => all.map((target) => ({ ...target, imageId }))),
      failure: caught('AccessDenied', 'x'.repeat(1_000)),
      undone: { ...perStage(undone), withdrawn: undone(targets.flat()) },
    };
    const rollback = await verifyRollback({ input: document, attempt: 1 });
    expect(rollback.leftoverCount).toBeGreaterThanOrEqual(targetsInAll);
    const verified = { ...document, rollback, announced: { announced: true } };
    expect(Buffer.byteLength(JSON.stringify(verified))).toBeLessThan(QUOTA.documentBytes);
    expect(Buffer.byteLength(JSON.stringify({ ...release, ...rollback }))).toBeLessThan(QUOTA.eventBytes);
    expect(rollback.leftovers.length).toBeGreaterThan(0);
  });
});

describe('the names of executions', () => {
  const longest: Release = {
    releaseId: '',
    image: 'i'.repeat(40),
    version: releaseVersion({
      majorMinor: '99999.99999',
      startedAt: '2026-11-21T09:30:00Z',
      branch: 'feature/a-branch-with-a-long-name',
      defaultBranch: 'main',
    }),
    commit: '',
    repository: '',
    prerelease: true,
  };

  it('fit 80 characters for the longest image, version and stage, and the last batch', () => {
    const release = executionName(longest);
    expect(release.length).toBeLessThanOrEqual(80);
    expect(`${release}-${LONGEST_STAGE}-${MOST_TARGETS / AT_ONCE}`.length).toBeLessThanOrEqual(80);
    expect(release).toMatch(/^[\w.-]+$/);
  });

  it('are made of nothing else', () => {
    const names = new Set<string>(
      samples.flatMap(allStates).flatMap(({ state }) => Object(state.Parameters)['Name.$'] ?? []),
    );
    expect([...names].toSorted()).toEqual([
      '$.executionName',
      `States.Format('{}-{}-{}', $.executionName, $.stage, $.batch.number)`,
    ]);
  });
});

describe('an AMI', () => {
  it.each([
    [MOST_STAGES, false],
    [MOST_COPYING_STAGES, true],
  ])('is released before it is deprecated, however long its release takes: %i stages', (stages, copyAmis) => {
    const asking = { timeoutHours: mostApprovalHours(stages) };
    const silent = { timeoutHours: 0 };
    const approvals = Object.fromEntries(
      Array.from({ length: stages - 1 }, (_, index) => [index, index === 0 ? asking : silent]),
    );
    const longest = releaseImage(stages, {
      testAmis: true,
      copyAmis,
      scanAmis: 'command',
      approvals,
      retryWaitHours: mostRetryWaitHours(stages),
    });
    expect(LEAST_DEPRECATION_DAYS).toBeGreaterThan(longest.toDays({ integral: false }));
  });
});

describe('a bake', () => {
  const said = (targets: number) => {
    const batch = bakeBatchWorkflow(new Stack(), { targets }).toStateJson();
    return JSON.stringify(batch).includes('BUILDER');
  };

  it('says which builder it had, unless that would not fit', () => {
    expect([said(MOST_TOLD_BUILDERS), said(MOST_TOLD_BUILDERS + 1)]).toEqual([true, false]);
  });
});
