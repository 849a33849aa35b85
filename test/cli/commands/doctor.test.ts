import { BatchGetProjectsCommand } from '@aws-sdk/client-codebuild';
import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import { GetRoleCommand, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ListServiceQuotasCommand,
} from '@aws-sdk/client-service-quotas';
import { DescribeStateMachineCommand } from '@aws-sdk/client-sfn';
import { DeleteParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { filesOf } from '../../fixtures/factories.ts';
import { DEV, HUB } from '../../fixtures/accounts.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';
import { run } from '../output.ts';
import { FACTORY, FAR, PLACES, aws, everythingIsWell, named, refuse, trustOf } from './doctor-world.ts';

let directory: string;
beforeEach(() => {
  for (const mock of Object.values(aws)) {
    mock.reset();
    mock.rejects(new Error('a call that no test expects'));
  }
  directory = temporaryDirectory();
  writeFiles(directory, filesOf(FACTORY));
});

const documentSchema = z.object({
  outcome: z.string(),
  checks: z.array(
    z.object({
      place: z.string(),
      check: z.string(),
      outcome: z.enum(['ok', 'failed', 'not checked']),
      why: z.string(),
      todo: z.string(),
    }),
  ),
});

const doctor = async (...args: string[]) => run('doctor', '--factory', directory, ...args);

async function examine(...args: string[]) {
  const { exit, out } = await doctor('--as', 'auditor', '--json', ...args);
  const { outcome, checks } = documentSchema.parse(JSON.parse(out));
  const bad = checks.filter((finding) => finding.outcome !== 'ok');
  return { exit, outcome, checks, bad };
}

const noRole = { Path: '/', RoleName: 'r', RoleId: 'r', Arn: 'arn', CreateDate: new Date(0) };

const byName = (one = '', other = ''): number => one.localeCompare(other);

describe('packleader doctor', () => {
  test('looks at everything, hub first, and exits with 0 only when all of it is ok', async () => {
    everythingIsWell();
    const { exit, outcome, checks } = await examine();
    expect([exit, outcome]).toEqual([0, 'ok']);
    expect(checks.map(({ place, check }) => `${place} ${check}`)).toEqual([
      'hub access',
      'hub state machine packleader-release',
      'hub state machine packleader-release-image',
      'hub state machine packleader-bake-batch',
      'hub state machine packleader-sweep',
      'hub state machine packleader-repoint',
      'hub bucket',
      'hub event bus',
      'hub project packleader-fetch-source',
      'hub project packleader-validate',
      'hub CodeBuild concurrency',
      'hub Packer',
      ...[DEV, FAR].flatMap(({ accountId }, index) => [
        `${accountId} access`,
        `${accountId} role packleader-steward`,
        `${accountId} role packleader-orchestrator`,
        `${accountId} role packleader-bake`,
        `${accountId} project packleader-bake`,
        `${accountId} CodeBuild concurrency`,
        `${accountId} Packer`,
        `${accountId} Session Manager plugin`,
        `${accountId} instance profile packleader-builder`,
        `${PLACES[index]} AMIs`,
        `${PLACES[index]} snapshots`,
        `${PLACES[index]} key alias/packleader`,
        `${PLACES[index]} VPC vpc-0123456789abcdef${index}`,
        `${PLACES[index]} subnet subnet-0123456789abcdef${index}`,
        `${PLACES[index]} parameters`,
        `${PLACES[index]} source AMI of base`,
      ]),
    ]);
    expect(checks.every(({ todo }) => todo === '')).toBe(true);
    expect(aws.sts.commandCalls(AssumeRoleCommand).map(({ args }) => args[0].input.RoleArn)).toEqual([
      `arn:aws:iam::${HUB.accountId}:role/auditor`,
      `arn:aws:iam::${DEV.accountId}:role/auditor`,
      `arn:aws:iam::${FAR.accountId}:role/auditor`,
    ]);
  });

  test('prints one line per place and check, and what to do below what is not ok', async () => {
    everythingIsWell();
    aws.s3.on(HeadBucketCommand).rejects(named('NotFound'));
    aws.kms.on(DescribeKeyCommand).rejects(refuse('kms:DescribeKey'));
    const { exit, out } = await doctor('--as', 'auditor');
    expect(exit).toBe(5);
    expect(out).toContain('  FAIL  hub                        bucket');
    expect(out).toContain(
      'there is no bucket packleader-999999999999-eu-west-1\n        deploy the stack packleader-hub\n',
    );
    expect(out).toMatch(
      / {2}-- {4}111111111111\/eu-west-1 {4,}key alias\/packleader +not checked: AccessDenied/,
    );
    expect(out).toContain('44 checks: 1 failed, 2 not checked\n');
  });

  test('everything that is refused is "not checked", with the permission that is missing, and never ok', async () => {
    everythingIsWell();
    const all = Object.entries(aws).filter(([service]) => service !== 'sts');
    for (const [service, mock] of all) {
      mock.reset();
      mock.rejects(refuse(service));
    }
    const { exit, outcome, checks } = await examine();
    expect([exit, outcome]).toEqual([5, 'failed']);
    const others = checks.filter(({ check }) => check !== 'access');
    expect(new Set(others.map((finding) => finding.outcome))).toEqual(new Set(['not checked']));
    expect(others.every(({ todo }) => todo.startsWith('allow '))).toBe(true);
  });

  test('any other error is "not checked" as well', async () => {
    everythingIsWell();
    const all = Object.entries(aws).filter(([service]) => service !== 'sts');
    for (const [, mock] of all) {
      mock.reset();
      mock.rejects(named('InternalFailure', 'try later\n  and look at $response'));
    }
    const { exit, checks } = await examine();
    expect(exit).toBe(5);
    expect(checks.filter(({ why }) => why.includes('\n'))).toEqual([]);
    expect(checks.filter(({ outcome }) => outcome === 'ok').map(({ check }) => check)).toEqual([
      'access',
      'access',
      'access',
    ]);
  });

  test('an answer that says nothing is never ok', async () => {
    everythingIsWell();
    const all = Object.entries(aws).filter(([service]) => service !== 'sts');
    for (const [, mock] of all) {
      mock.reset();
      mock.resolves({});
    }
    const { checks } = await examine();
    // HeadBucket has no body: that it answers at all is the answer.
    expect(
      checks.filter(({ outcome, check }) => outcome === 'ok' && check !== 'access').map(({ check }) => check),
    ).toEqual(['bucket']);
  });

  test.each([
    [
      'a state machine that is missing',
      'state machine packleader-release',
      () => aws.sfn.on(DescribeStateMachineCommand).rejects(named('StateMachineDoesNotExist')),
      'does not exist',
    ],
    [
      'a state machine that is being deleted',
      'state machine packleader-release',
      () => aws.sfn.on(DescribeStateMachineCommand).resolves({ status: 'DELETING' }),
      'is DELETING',
    ],
    [
      'a role that is missing',
      'role packleader-steward',
      () => aws.iam.on(GetRoleCommand).rejects(named('NoSuchEntityException')),
      'there is no role packleader-steward',
    ],
    [
      'a role that another hub is trusted with',
      'role packleader-orchestrator',
      () =>
        aws.iam.on(GetRoleCommand).resolves({
          Role: {
            ...noRole,
            AssumeRolePolicyDocument: trustOf('packleader-orchestrator').replaceAll(
              HUB.accountId,
              '1'.repeat(12),
            ),
          },
        }),
      'does not let in the hub',
    ],
    [
      'a project that is missing',
      'project packleader-bake',
      () => aws.codebuild.on(BatchGetProjectsCommand).resolves({ projects: [] }),
      'there is no project packleader-bake',
    ],
    [
      'a quota of builds below what a stage needs',
      'CodeBuild concurrency',
      () =>
        aws.quotas.on(ListServiceQuotasCommand).resolves({
          Quotas: [{ QuotaName: 'Concurrently running builds for ARM/Small environment', Value: 0 }],
        }),
      '0 at once for ARM/small, 1 wanted',
    ],
    [
      'no room for AMIs',
      'AMIs',
      () => aws.quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 2 } }),
      '2 of 2, and a release adds 1',
    ],
    [
      'no room for snapshots',
      'snapshots',
      () => aws.quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 3 } }),
      '3 of 3, and a release adds 1',
    ],
    [
      'a key that is disabled',
      'key alias/packleader',
      () =>
        aws.kms.on(DescribeKeyCommand).resolves({
          KeyMetadata: { KeyId: 'k', Arn: 'arn:k', KeyState: 'Disabled', KeyUsage: 'ENCRYPT_DECRYPT' },
        }),
      'arn:k is Disabled',
    ],
    [
      'a key that only signs',
      'key alias/packleader',
      () =>
        aws.kms.on(DescribeKeyCommand).resolves({
          KeyMetadata: { KeyId: 'k', Arn: 'arn:k', KeyState: 'Enabled', KeyUsage: 'SIGN_VERIFY' },
        }),
      'for SIGN_VERIFY',
    ],
    [
      'a key that is missing',
      'key alias/packleader',
      () => aws.kms.on(DescribeKeyCommand).rejects(named('NotFoundException')),
      'there is no key alias/packleader',
    ],
    [
      'a steward who is missing',
      'parameters',
      () => aws.iam.on(SimulatePrincipalPolicyCommand).rejects(named('NoSuchEntityException')),
      'there is no role packleader-steward',
    ],
    [
      'a steward who may not write',
      'parameters',
      () =>
        aws.iam.on(SimulatePrincipalPolicyCommand).resolves({
          EvaluationResults: [
            { EvalActionName: 'ssm:PutParameter', EvalDecision: 'explicitDeny' },
            { EvalActionName: 'ssm:DeleteParameter', EvalDecision: 'allowed' },
          ],
        }),
      'IAM refuses ssm:PutParameter (explicitDeny) to the steward',
    ],
  ])('fails for %s', async (_, check, spoil, why) => {
    everythingIsWell();
    spoil();
    const { exit, bad } = await examine();
    expect(exit).toBe(5);
    const finding = bad.find((one) => one.check === check);
    expect(finding?.outcome).toBe('failed');
    expect(finding?.why).toContain(why);
    expect(finding?.todo).not.toBe('');
  });

  test('uses AWS’s default where an account has no quota of its own', async () => {
    everythingIsWell();
    aws.quotas.on(GetServiceQuotaCommand).rejects(named('NoSuchResourceException'));
    aws.quotas.on(GetAWSDefaultServiceQuotaCommand).resolves({ Quota: { Value: 50_000 } });
    const { exit, checks } = await examine();
    expect(exit).toBe(0);
    expect(checks.find(({ check }) => check === 'AMIs')?.why).toBe('2 of 50,000');
  });

  test('counts AMIs and snapshots on every page', async () => {
    everythingIsWell();
    aws.ec2
      .on(DescribeImagesCommand)
      .callsFake(({ NextToken }: { NextToken?: string }) =>
        NextToken === undefined ? { Images: [{}, {}], NextToken: 'more' } : { Images: [{}] },
      );
    const { checks } = await examine();
    expect(checks.find(({ check }) => check === 'AMIs')?.why).toBe('3 of 50,000');
  });

  test('fails when the role cannot be assumed, and checks nothing else there', async () => {
    everythingIsWell();
    aws.sts
      .on(AssumeRoleCommand, { RoleArn: `arn:aws:iam::${FAR.accountId}:role/auditor` })
      .rejects(named('AccessDenied', 'not allowed'));
    const { exit, bad } = await examine();
    expect(exit).toBe(5);
    const inProd = bad.filter(({ place }) => place.startsWith(FAR.accountId));
    expect(bad).toEqual(inProd);
    expect(inProd).toHaveLength(16);
    expect(inProd.filter(({ outcome }) => outcome === 'failed').map(({ check }) => check)).toEqual([
      'access',
    ]);
  });

  test('without --as the steward is tried; that it does not let people in is "not checked"', async () => {
    everythingIsWell();
    aws.sts.on(AssumeRoleCommand).rejects(named('AccessDenied', 'not allowed'));
    const { exit, out } = await doctor('--json');
    const { checks } = documentSchema.parse(JSON.parse(out));
    expect(exit).toBe(5);
    expect(checks.filter(({ place }) => place === 'hub').every(({ outcome }) => outcome === 'ok')).toBe(true);
    const others = checks.filter(({ place }) => place !== 'hub');
    expect(new Set(others.map(({ outcome }) => outcome))).toEqual(new Set(['not checked']));
    expect(new Set(others.map(({ todo }) => todo))).toEqual(
      new Set(['give --as <role>, a role of every target account that may look']),
    );
  });

  test('fails when only the targets pin a Packer: no release would get past the validation', async () => {
    everythingIsWell();
    aws.codebuild.on(BatchGetProjectsCommand, { names: ['packleader-validate'] }).resolves({
      projects: [
        {
          name: 'packleader-validate',
          environment: { type: 'ARM_CONTAINER', image: '', computeType: 'BUILD_GENERAL1_SMALL' },
        },
      ],
    });
    const { exit, out } = await doctor('--json');
    const bad = documentSchema
      .parse(JSON.parse(out))
      .checks.filter(({ place, outcome }) => place === 'hub' && outcome !== 'ok');
    expect([exit, bad.map(({ place, check, todo }) => [place, check, todo])]).toEqual([
      5,
      [['hub', 'Packer', 'pin it with packleader pin, and deploy hub and targets']],
    ]);
  });

  test('a caller who is not in the hub cannot look at it without a role', async () => {
    everythingIsWell();
    aws.sts.on(GetCallerIdentityCommand).resolves({ Account: DEV.accountId });
    const { exit, out } = await doctor('--json');
    const { checks } = documentSchema.parse(JSON.parse(out));
    expect(exit).toBe(5);
    expect(checks.filter(({ place }) => place === 'hub').map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 12 }, () => 'not checked'),
    );
    // Their own account they see with their own credentials.
    expect(checks.find(({ place, check }) => place === DEV.accountId && check === 'access')?.outcome).toBe(
      'ok',
    );
  });

  test('the steward writes a parameter and removes it, also when the reply is lost or removing is refused', async () => {
    everythingIsWell();
    aws.ssm.on(PutParameterCommand).resolves({});
    aws.ssm.on(DeleteParameterCommand).resolves({});
    const verdict = async () => {
      const { out } = await doctor('--json');
      return documentSchema.parse(JSON.parse(out)).checks.find(({ check }) => check === 'parameters');
    };
    expect(await verdict()).toMatchObject({ outcome: 'ok' });
    const put = aws.ssm.commandCalls(PutParameterCommand).map(({ args }) => args[0].input.Name);
    const deleted = aws.ssm.commandCalls(DeleteParameterCommand).map(({ args }) => args[0].input.Name);
    expect(put).toHaveLength(2);
    expect(new Set(put).size).toBe(2);
    expect(deleted.toSorted(byName)).toEqual(put.toSorted(byName));
    aws.ssm.on(PutParameterCommand).rejects(named('TimeoutError'));
    aws.ssm.resetHistory();
    expect(await verdict()).toMatchObject({ outcome: 'not checked' });
    expect(aws.ssm.commandCalls(DeleteParameterCommand)).toHaveLength(2);
    aws.ssm.on(PutParameterCommand).resolves({});
    aws.ssm.on(DeleteParameterCommand).rejects(refuse('ssm:DeleteParameter'));
    expect(await verdict()).toMatchObject({ outcome: 'failed' });
  });

  test('fails with 2 without credentials, and for a factory that is wrong', async () => {
    aws.sts.on(GetCallerIdentityCommand).rejects(named('CredentialsProviderError', 'no providers'));
    const without = await doctor();
    expect(without.exit).toBe(2);
    expect(without.err).toContain('NoCredentials: cannot find out who is asking: no providers');
    writeFiles(directory, { 'factory.yaml': 'stages: 5\n' });
    expect((await doctor()).exit).toBe(2);
  });
});
