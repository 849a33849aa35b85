import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import type { GitPush } from '../../core/contract/events.ts';
import { pushExecutionName } from '../../triggers/starting/release-execution.ts';
import { handler } from '../../triggers/start-release.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { COMMIT } from '../fixtures/releases.ts';

const aws = useAws();
const MACHINE = 'arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release';
let log: string[] = [];

beforeEach(() => {
  process.env[TRIGGER_ENVIRONMENT.releaseMachine] = MACHINE;
  log = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => log.push(String(line)) > 0);
});
afterEach(() => void vi.restoreAllMocks());

const readSwitch = new GetParameterCommand({ Name: '/packleader/triggers' });
const switched = (value: string) => aws.on(HUB, readSwitch, { Parameter: { Value: value } });

const push: GitPush = {
  provider: 'github',
  repository: 'github.com/example/images',
  branch: 'main',
  commit: COMMIT,
  delivery: { id: '72d3162e', fingerprint: 'f'.repeat(64) },
};
const event = (detail: unknown) => ({
  id: 'b1',
  source: 'packleader',
  'detail-type': 'Git Push',
  account: '999999999999',
  detail,
});
const name = pushExecutionName({ ...push, ...push.delivery });
const start = new StartExecutionCommand({
  stateMachineArn: MACHINE,
  name,
  input: JSON.stringify({ ref: COMMIT, branch: 'main', reason: 'github delivery 72d3162e: a push to main' }),
});

describe('a push', () => {
  it('starts one release of its commit, and leaves it to the workflow which images that means', async () => {
    switched('enabled');
    aws.on(HUB, start, {});
    expect(await handler(event(push))).toEqual({ execution: name, already: false });
    expect(aws.sent).toEqual([call(HUB, readSwitch), call(HUB, start)]);
    expect(name).toMatch(/^push-4f2c1d9e8b7a-[0-9a-f]{24}$/);
  });

  it('that is delivered again is started already, and that is success', async () => {
    switched('enabled');
    aws.on(HUB, start, awsError('ExecutionAlreadyExists'));
    expect(await handler(event(push))).toEqual({ execution: name, already: true });
  });

  it('to CodeCommit starts the same, by the id of its event', async () => {
    switched('enabled');
    const codeCommit = {
      version: '0',
      id: '01234567-0123-0123-0123-012345678901',
      'detail-type': 'CodeCommit Repository State Change',
      source: 'aws.codecommit',
      account: '999999999999',
      region: 'eu-west-1',
      resources: ['arn:aws:codecommit:eu-west-1:999999999999:images'],
      detail: {
        event: 'referenceUpdated',
        repositoryName: 'images',
        repositoryId: '12345678-1234-5678-abcd-12345678abcd',
        referenceType: 'branch',
        referenceName: 'main',
        referenceFullName: 'refs/heads/main',
        commitId: COMMIT,
        oldCommitId: 'b'.repeat(40),
      },
    };
    const fingerprint = codeCommit.id;
    const started = new StartExecutionCommand({
      stateMachineArn: MACHINE,
      name: pushExecutionName({ provider: 'codecommit', branch: 'main', commit: COMMIT, fingerprint }),
      input: JSON.stringify({
        ref: COMMIT,
        branch: 'main',
        reason: `codecommit delivery ${codeCommit.id}: a push to main`,
      }),
    });
    aws.on(HUB, started, {});
    expect(await handler(codeCommit)).toMatchObject({ already: false });
  });

  it('starts nothing while triggers are switched off, and says so', async () => {
    switched('disabled');
    expect(await handler(event(push))).toBeNull();
    expect(log.map((line) => JSON.parse(line))).toMatchObject([{ TriggersSwitchedOff: 1, Commit: COMMIT }]);
  });

  it('starts when nobody has ever touched the switch', async () => {
    aws.on(HUB, readSwitch, awsError('ParameterNotFound'));
    aws.on(HUB, start, {});
    expect(await handler(event(push))).toMatchObject({ already: false });
  });

  it.each(['AccessDeniedException', 'ThrottlingException', 'InternalServerError'])(
    'fails, and starts nothing, when the switch answers %s: nobody can tell what it says',
    async (code) => {
      aws.on(HUB, readSwitch, awsError(code));
      await expect(handler(event(push))).rejects.toMatchObject({ name: expect.stringMatching(/^[A-Z]/) });
      expect(aws.commands).toEqual(['GetParameter']);
    },
  );

  it.each(['off', 'Enabled', 'true', ''])(
    'fails, and starts nothing, when the switch says %j',
    async (value) => {
      switched(value);
      await expect(handler(event(push))).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: `The parameter /packleader/triggers is ${JSON.stringify(value)}, and must be enabled or disabled.`,
      });
      expect(aws.commands).toEqual(['GetParameter']);
    },
  );

  it.each([
    ['ThrottlingException', 'Throttled'],
    ['AccessDeniedException', 'AccessDenied'],
    ['StateMachineDoesNotExist', 'AwsCallFailed'],
  ])('fails on %s, so that Lambda tries again', async (code, fact) => {
    switched('enabled');
    aws.on(HUB, start, awsError(code));
    await expect(handler(event(push))).rejects.toMatchObject({ name: fact });
  });

  it.each([{}, null, event({ ...push, commit: 'main' }), { ...event(push), source: 'aws.ec2' }])(
    'fails as %j',
    async (given) => {
      await expect(handler(given)).rejects.toMatchObject({ name: 'InvalidEvent' });
      expect(aws.sent).toEqual([]);
    },
  );
});

describe('the name of an execution', () => {
  const text = fc.string({ minLength: 1 });
  const one = fc.record({ provider: text, branch: text, commit: text, fingerprint: text });

  it('follows from provider, branch, commit and delivery, and is one that Step Functions takes', () => {
    const hexadecimal = fc.string({ unit: fc.constantFrom('a', '0', '7'), minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(one, hexadecimal, (push_, commit) => {
        const made = pushExecutionName({ ...push_, commit });
        expect(made).toBe(pushExecutionName({ ...push_, commit }));
        expect(made).toMatch(/^[\w-]{1,80}$/);
      }),
    );
  });

  it('is another one when any of these is another', () => {
    fc.assert(
      fc.property(one, one, (left, right) => {
        const same = JSON.stringify(left) === JSON.stringify(right);
        expect(pushExecutionName(left) === pushExecutionName(right)).toBe(same);
      }),
    );
  });
});
