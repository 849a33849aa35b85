import { describe, expect, it } from 'vitest';
import { LeftoversRemain } from '../../tasks/contract.ts';
import { handler } from '../../tasks/explain-rollback.ts';
import { DEV, PROD } from './aws.ts';
import { RELEASE } from './example.ts';

/** What Step Functions makes of an error that a Lambda function threw. */
const lambdaError = (name: string, message: string) => ({
  Error: name,
  Cause: JSON.stringify({ errorType: name, errorMessage: message, trace: [`${name}: ${message}`] }),
});
const failure = lambdaError('BakeFailed', 'exit status 1');
const leftover = (resourceId: string) => ({ ...DEV, resourceId, why: 'in use' });
const gaveUp = (...ids: readonly string[]) =>
  lambdaError('LeftoversRemain', new LeftoversRemain(ids.map(leftover)).message);

const explain = (undone?: Record<string, unknown>, first: unknown = failure) =>
  handler({ release: RELEASE, failure: first, ...(undone && { undone }) });

describe('explaining a rollback', () => {
  it('says what failed, what each undo did, and that nothing is left', async () => {
    const undone = {
      'Withdraw publication': { withdrawn: 2 },
      'Deregister prod AMIs': { removed: 0, quarantined: [] },
      'Deregister dev AMIs': { removed: 4, quarantined: [] },
    };
    expect(await explain(undone)).toEqual({
      complete: true,
      error: 'BakeFailed',
      cause: [
        'BakeFailed: exit status 1',
        'Withdraw publication: looked at 2 targets.',
        'Deregister prod AMIs: nothing was there.',
        'Deregister dev AMIs: removed 4 resources.',
        'Nothing of web@1.4.20261121093000 is left in any account.',
      ].join('\n'),
      leftovers: [],
    });
  });

  it('is complete when there was nothing to undo', async () => {
    expect(await explain()).toMatchObject({ complete: true, error: 'BakeFailed' });
  });

  it('keeps an error that no Lambda function threw', async () => {
    const first = { Error: 'States.Timeout', Cause: 'not JSON' };
    expect(await explain({}, first)).toMatchObject({ error: 'States.Timeout' });
    expect((await explain({}, { Error: 'States.Timeout' })).cause).toMatch(/^States\.Timeout: \n/);
  });

  it('is incomplete while something is left, and names account, region, resource and reason', async () => {
    const { cause, ...rest } = await explain({ 'Deregister dev AMIs': gaveUp('sg-1', 'ami-1') });
    expect(rest).toEqual({
      complete: false,
      error: 'RollbackIncomplete',
      leftovers: [leftover('sg-1'), leftover('ami-1')],
    });
    expect(cause).toMatch(
      /BakeFailed: exit status 1\nLeft behind:\n {2}111111111111\/eu-west-1 sg-1: in use\n {2}111111111111\/eu-west-1 ami-1: in use$/,
    );
  });

  it('is incomplete when an AMI was quarantined, although the undo succeeded', async () => {
    const quarantined = [{ ...PROD, resourceId: 'ami-2', why: 'it is used by arn' }];
    expect(await explain({ 'Deregister prod AMIs': { removed: 1, quarantined } })).toMatchObject({
      complete: false,
      error: 'RollbackIncomplete',
      leftovers: quarantined,
    });
  });

  it.each([
    ['was refused', lambdaError('AccessDenied', 'no')],
    ['never answered', { Error: 'States.Timeout', Cause: '' }],
    ['gave up with a list that was cut off', { Error: 'LeftoversRemain', Cause: '{"errorType":"Left' }],
    ['gave up with an empty list', gaveUp()],
  ])('is incomplete when an undo %s: its work may be left', async (_, error) => {
    const explanation = await explain({ 'Deregister dev AMIs': error });
    expect(explanation).toMatchObject({ complete: false, error: 'RollbackIncomplete', leftovers: [] });
    expect(explanation.cause).toContain('Deregister dev AMIs could not finish, so its work may be left');
  });

  it('lists 30 leftovers in its cause, and counts the others', async () => {
    const ids = Array.from({ length: 32 }, (_, index) => `sg-${index}`);
    const { cause } = await explain({
      'Deregister prod AMIs': gaveUp(...ids.slice(0, 16)),
      'Deregister dev AMIs': gaveUp(...ids.slice(16)),
    });
    expect(cause).toContain('sg-29: in use\n  and 2 more');
    expect(cause).not.toContain('sg-30');
  });

  it('keeps its cause within 8,000 characters however long the errors are, so that a parent has room for many', async () => {
    const long = lambdaError('AccessDenied', 'x'.repeat(30_000));
    const undone = { 'Withdraw publication': long, 'Deregister dev AMIs': long };
    const { cause } = await explain(undone, long);
    expect(cause.length).toBeLessThanOrEqual(8_000);
    expect(cause).toContain('Deregister dev AMIs could not finish');
  });

  it('names what fits into the cause that Step Functions keeps, and counts the rest, after 250 targets were left', async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `sg-0123456789abcdef${index}`);
    const error = gaveUp(...ids);
    expect(error.Cause.length).toBeLessThan(10_000);
    const { cause, leftovers } = await explain({ 'Deregister dev AMIs': error });
    expect(leftovers.length).toBeGreaterThan(20);
    expect(cause).toContain(`and ${250 - Math.min(30, leftovers.length)} more`);
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ release: RELEASE })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
