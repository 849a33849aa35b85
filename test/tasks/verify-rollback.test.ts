import { beforeEach, describe, expect, it } from 'vitest';
import { type Leftover, LeftoversRemain } from '../../core/contract/leftovers.ts';
import type { Target } from '../../core/contract/targets.ts';
import { handler as task } from '../../tasks/verify-rollback.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { awsError, builds, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, batchOf } from '../fixtures/releases.ts';
import { candidate } from '../fixtures/aws/release-images.ts';
import {
  type Found,
  build,
  groups,
  listBuilds,
  look,
  targetHolds,
  leftBehind,
} from '../fixtures/aws/looks.ts';
import { LATEST, VERSION } from '../fixtures/aws/parameters.ts';

const aws = useAws();

/** What Step Functions makes of an error that a Lambda function threw. */
const lambdaError = (name: string, message: string) => ({
  Error: name,
  Cause: JSON.stringify({ errorType: name, errorMessage: message, trace: [`${name}: ${message}`] }),
});
const failure = lambdaError('BakeFailed', 'exit status 1');
const gaveUp = (...leftovers: readonly Leftover[]) =>
  lambdaError('LeftoversRemain', new LeftoversRemain(leftovers).message);
const leftover = (target: Target, resourceId: string, why = 'it is still there'): Leftover => ({
  ...target,
  resourceId,
  why,
});

const plan = { bucket: 'hub', prefix: 'plans/run-1/web' };
const handler = async (input: object, attempt = 1) => task({ input: { plan, ...input }, attempt });
const verify = (undone?: Record<string, unknown>, first: unknown = failure) =>
  handler({
    release: RELEASE,
    failure: first,
    resolved: { dev: { batches: [batchOf(DEV)] }, prod: { batches: [batchOf(PROD)] } },
    ...(undone && { undone }),
  });
const holds = (target: Target, found: Found) => targetHolds(aws, target, found);
const done = { 'Deregister dev AMIs': { targets: 1, quarantined: 0 } };

beforeEach(() => {
  holds(DEV, {});
  holds(PROD, {});
});

describe('verifying a rollback', () => {
  it('looks at every target once, says what failed and what each undo did, and that nothing is left', async () => {
    const undone = {
      'Withdraw publication': { targets: 2 },
      'Deregister prod AMIs': { targets: 1, quarantined: 0 },
      'Deregister dev AMIs': { targets: 1, quarantined: 0 },
    };
    expect(await verify(undone)).toEqual({
      complete: true,
      error: 'BakeFailed',
      cause: [
        'BakeFailed: exit status 1',
        'Withdraw publication: done.',
        'Deregister prod AMIs: done.',
        'Deregister dev AMIs: done.',
        'Nothing of web@1.4.20261121093000 is left in any account.',
      ].join('\n'),
      leftovers: [],
      leftoverCount: 0,
    });
    expect(aws.sentTo(DEV)).toEqual(look(DEV).slice(1));
    expect(aws.sentTo(PROD)).toEqual(look(PROD).slice(1));
    expect(aws.sentTo(builds(DEV))).toEqual(look(DEV).slice(0, 1));
    expect(aws.sentTo(builds(PROD))).toEqual(look(PROD).slice(0, 1));
  });

  it('is complete beside a builder that is kept, and says until when and how to reach it', async () => {
    holds(DEV, {
      instances: { 'i-1': 'running' },
      kept: { 'i-1': '2026-11-21T13:30:00.000Z' },
      groups: ['sg-1'],
    });
    expect(await verify(done)).toMatchObject({
      complete: true,
      leftovers: [],
      cause: [
        'BakeFailed: exit status 1',
        'Deregister dev AMIs: done.',
        'Nothing else of web@1.4.20261121093000 is left in any account.',
        '111111111111/eu-west-1: the builder i-1 is kept until 2026-11-21T13:30:00.000Z, to be looked at by: aws ssm start-session --region eu-west-1 --target i-1 (packleader sweep web@1.4.20261121093000 removes it sooner)',
      ].join('\n'),
    });
  });

  it('fails with NotReadyYet on the first attempt where withdrawing gave up, because a parameter may appear late', async () => {
    const input = {
      release: RELEASE,
      failure,
      resolved: { dev: { batches: [batchOf(DEV)] } },
      undone: { 'Withdraw publication': lambdaError('AccessDenied', 'no') },
    };
    await expect(handler(input, 0)).rejects.toMatchObject({ name: 'NotReadyYet' });
    expect(aws.sentTo(DEV)).toEqual([]);
    expect(await handler(input)).toMatchObject({ complete: true });
    expect(await handler({ ...input, undone: done }, 0)).toMatchObject({ complete: true });
  });

  it('twice says the same', async () => {
    holds(DEV, { groups: ['sg-1'] });
    expect(await verify(done)).toEqual(await verify(done));
  });

  it('names what an earlier attempt left, beside which a retry was not begun', async () => {
    const left = leftover(DEV, 'ami-1', 'it is of an earlier attempt');
    expect(await handler({ release: RELEASE, failure: gaveUp(left) })).toEqual({
      complete: false,
      error: 'RollbackIncomplete',
      cause:
        'LeftoversRemain: it was not begun beside what an earlier attempt left\nLeft behind:\n' +
        '  111111111111/eu-west-1 ami-1: it is of an earlier attempt\nMend what is named there, then run: packleader sweep',
      leftovers: [left],
      leftoverCount: 1,
    });
  });

  it('looks at nothing, and is complete, when nothing was built', async () => {
    expect(await handler({ release: RELEASE, failure })).toMatchObject({
      complete: true,
      error: 'BakeFailed',
      cause: 'BakeFailed: exit status 1\nNothing was built.',
      leftoverCount: 0,
    });
    expect(aws.sent).toEqual([]);
  });

  it('is complete when every undo was refused, and yet nothing is there', async () => {
    const verdict = await verify({ 'Deregister dev AMIs': lambdaError('AccessDenied', 'no') });
    expect(verdict).toMatchObject({ complete: true, error: 'BakeFailed' });
    expect(verdict.cause).toContain('Deregister dev AMIs: gave up with AccessDenied: no.\n');
  });

  it('is incomplete when every undo said it was done, and yet something is there: each kind of thing by its id', async () => {
    holds(DEV, {
      ...leftBehind(DEV),
      builds: [build('b:1', 'IN_PROGRESS', DEV)],
      instances: { 'i-1': 'shutting-down', 'i-0': 'terminated' },
      version: 'ami-1',
      latest: 'ami-1',
    });
    const { cause, leftovers, ...rest } = await verify(done);
    expect(rest).toEqual({ complete: false, error: 'RollbackIncomplete', leftoverCount: 12 });
    const ids = [
      'ami-1',
      'b:1',
      'i-1',
      'key-1',
      'lt-1',
      'vol-1',
      'eni-1',
      'sg-1',
      'snap-2',
      'snap-1',
      VERSION,
      LATEST,
    ];
    expect(leftovers).toEqual(ids.map((id) => leftover(DEV, id)));
    expect(cause).toBe(
      [
        'BakeFailed: exit status 1',
        'Deregister dev AMIs: done.',
        'Left behind:',
        ...ids.map((id) => `  111111111111/eu-west-1 ${id}: it is still there`),
        'Mend what is named there, then run: packleader sweep',
      ].join('\n'),
    );
  });

  it('leaves out latest when it points at another release', async () => {
    holds(DEV, { version: 'ami-1', latest: 'ami-9' });
    expect((await verify(done)).leftovers).toEqual([leftover(DEV, VERSION)]);
  });

  it('lists what is there, not what an undo said: what is gone by now is no leftover', async () => {
    holds(DEV, { groups: ['sg-1'] });
    const undone = { 'Deregister dev AMIs': gaveUp(leftover(DEV, 'sg-1', 'in use'), leftover(DEV, 'i-1')) };
    const { leftovers, cause } = await verify(undone);
    expect(leftovers).toEqual([leftover(DEV, 'sg-1', 'in use')]);
    expect(cause).toMatch(
      /^BakeFailed: exit status 1\nDeregister dev AMIs: gave up with LeftoversRemain\.\nLeft behind:\n {2}111111111111\/eu-west-1 sg-1: in use\nMend what is named there, then run: packleader sweep$/,
    );
  });

  it('tells the reason of the very account: parameters are called the same in all of them', async () => {
    holds(DEV, { version: 'ami-1' });
    holds(PROD, { version: 'ami-2' });
    const undone = {
      'Withdraw publication': gaveUp(leftover(DEV, VERSION, 'first'), leftover(PROD, VERSION, 'second')),
    };
    expect((await verify(undone)).leftovers).toEqual([
      leftover(DEV, VERSION, 'first'),
      leftover(PROD, VERSION, 'second'),
    ]);
  });

  it('tells why a whole target could not be undone', async () => {
    const why = 'could not be looked at: AccessDenied: no';
    holds(DEV, { groups: ['sg-1'] });
    holds(PROD, { groups: ['sg-2'] });
    const undone = { 'Deregister dev AMIs': gaveUp(leftover(DEV, RELEASE.releaseId, why)) };
    expect((await verify(undone)).leftovers).toEqual([leftover(DEV, 'sg-1', why), leftover(PROD, 'sg-2')]);
  });

  it('is incomplete when an AMI is quarantined, although the undo succeeded, and reads why from its tag', async () => {
    const tags = { 'packleader:state': 'quarantined', 'packleader:quarantine': 'it is used by arn' };
    holds(PROD, { images: [candidate('ami-2', tags)], snapshots: ['snap-2'] });
    const verdict = await verify({ 'Deregister prod AMIs': { targets: 1, quarantined: 2 } });
    expect(verdict).toMatchObject({
      complete: false,
      error: 'RollbackIncomplete',
      leftovers: [
        leftover(PROD, 'ami-2', 'quarantined: it is used by arn'),
        leftover(PROD, 'snap-2', 'quarantined: it is used by arn'),
      ],
    });
    expect(verdict.cause).toContain('  222222222222/us-east-1 ami-2: quarantined: it is used by arn');
  });

  it.each([
    ['a build', builds(DEV), listBuilds],
    ['a security group', DEV, groups],
  ])(
    'is incomplete when %s of a target cannot be looked for: unseen is not absent',
    async (_, where, command) => {
      if (command === listBuilds) aws.on(where, listBuilds, awsError('AccessDeniedException', 'no'));
      else aws.on(where, groups, awsError('AccessDeniedException', 'no'));
      holds(PROD, { groups: ['sg-2'] });
      expect(await verify(done)).toMatchObject({
        complete: false,
        error: 'RollbackIncomplete',
        leftovers: [
          leftover(DEV, RELEASE.releaseId, 'could not be looked at: AccessDenied: AccessDeniedException: no'),
          leftover(PROD, 'sg-2'),
        ],
        leftoverCount: 2,
      });
    },
  );

  it('keeps an error that no Lambda function threw', async () => {
    expect(await verify({}, { Error: 'CodeBuild.Odd', Cause: 'not JSON' })).toMatchObject({
      error: 'CodeBuild.Odd',
      cause: expect.stringMatching(/^CodeBuild\.Odd: not JSON\n/),
    });
  });

  it.each([{ Error: 'States.Timeout' }, { Error: 'States.Timeout', Cause: '' }])(
    'says in a sentence what a timeout is, of which Step Functions says nothing: %j',
    async (timeout) => {
      const { error, cause } = await verify({ 'Deregister dev AMIs': timeout }, timeout);
      expect(error).toBe('States.Timeout');
      const sentence = 'States.Timeout: a state did not answer within its time limit';
      expect(cause).toMatch(`${sentence}\nDeregister dev AMIs: gave up with ${sentence}.\n`);
    },
  );

  it.each([
    ['a list that was cut off', { Error: 'LeftoversRemain', Cause: '{"errorType":"Left' }],
    ['an empty list', gaveUp()],
    ['a list of something else', lambdaError('LeftoversRemain', '{"leftovers":[1]}')],
  ])('says what is left all the same when an undo gave up with %s', async (_, error) => {
    holds(DEV, { groups: ['sg-1'] });
    expect(await verify({ 'Deregister dev AMIs': error })).toMatchObject({
      complete: false,
      leftovers: [leftover(DEV, 'sg-1')],
    });
  });

  it('lists 30 leftovers in its cause and 200 in all, and counts the others', async () => {
    const ids = Array.from({ length: 202 }, (_, index) => `sg-${index}`);
    holds(DEV, { groups: ids });
    const { cause, leftovers, leftoverCount } = await verify(done);
    expect(leftovers).toEqual(ids.slice(0, 200).map((id) => leftover(DEV, id)));
    expect(leftoverCount).toBe(202);
    expect(cause).toMatch(
      /sg-29: it is still there\n {2}and 172 more\nMend what is named there, then run: packleader sweep$/,
    );
  });

  it('still ends with the command that finishes it when everything before it is too long', async () => {
    holds(DEV, { groups: ['sg-1'] });
    const states = Array.from({ length: 12 }, (_, stage) => `Deregister s${stage} AMIs`);
    const undone = Object.fromEntries(
      states.map((state) => [state, { Error: 'States.Runtime', Cause: 'x'.repeat(5_000) }]),
    );
    const { cause } = await verify(undone);
    expect(cause).toHaveLength(8_000);
    expect(cause).toMatch(/…\nMend what is named there, then run: packleader sweep$/);
  });

  it('cuts a reason to 400 characters, so that 200 of them fit into the document and the event', async () => {
    holds(DEV, { groups: ['sg-1'] });
    const undone = { 'Deregister dev AMIs': gaveUp(leftover(DEV, 'sg-1', 'x'.repeat(1_000))) };
    expect((await verify(undone)).leftovers).toEqual([leftover(DEV, 'sg-1', `${'x'.repeat(399)}…`)]);
  });

  it('lists only what fits beside the rest of the document, counts all, and is no less incomplete', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `sg-${index}`);
    holds(DEV, { groups: ids });
    const document = {
      release: RELEASE,
      failure,
      resolved: { dev: { batches: [batchOf(DEV)] } },
      undone: done,
    };
    const crowded = { ...document, amis: 'x'.repeat(250_000) };
    const rollback = await handler(crowded);
    expect(rollback).toMatchObject({ complete: false, error: 'RollbackIncomplete', leftoverCount: 100 });
    expect(rollback.leftovers.length).toBeGreaterThan(20);
    expect(rollback.leftovers).toEqual(
      ids.slice(0, rollback.leftovers.length).map((id) => leftover(DEV, id)),
    );
    expect(Buffer.byteLength(JSON.stringify({ ...crowded, rollback }))).toBeLessThan(262_144);
    expect(await handler({ ...document, amis: 'x'.repeat(262_000) })).toMatchObject({
      complete: false,
      leftovers: [],
      leftoverCount: 100,
    });
    expect((await handler(document)).leftovers).toHaveLength(100);
  });

  it('keeps its cause within 8,000 characters however long the errors are, so that a parent has room for many', async () => {
    const long = lambdaError('AccessDenied', 'x'.repeat(30_000));
    const undone = { 'Withdraw publication': long, 'Deregister dev AMIs': long };
    const { cause } = await verify(undone, long);
    expect(cause.length).toBeLessThanOrEqual(8_000);
    expect(cause).toContain('Deregister dev AMIs: gave up with AccessDenied');
    expect(cause).toContain('Nothing of web@1.4.20261121093000 is left');
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ release: RELEASE })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});

// The list in the cause of an undo is cut, so that it stays whole JSON.
describe('the list an undo gives up with', () => {
  it('fits into the cause that Step Functions keeps after 250 targets were left', () => {
    const ids = Array.from({ length: 250 }, (_, index) => `sg-0123456789abcdef${index}`);
    const error = gaveUp(...ids.map((id) => leftover(DEV, id)));
    expect(error.Cause.length).toBeLessThan(10_000);
    const { leftovers, more } = JSON.parse(JSON.parse(error.Cause).errorMessage);
    expect(leftovers.length).toBeGreaterThan(20);
    expect(leftovers.length + more).toBe(250);
  });
});
