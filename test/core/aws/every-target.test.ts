import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorName, PackleaderError } from '../../../core/contract/errors.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { inEveryTarget } from '../../../core/aws/every-target.ts';
import { awsError } from '../../fixtures/aws/strict-aws.ts';

const targets = (count: number): Target[] =>
  Array.from({ length: count }, (_, index) => ({
    accountId: String(100_000_000_000 + index),
    region: 'eu-west-1',
  }));
const [first = { accountId: '', region: '' }] = targets(1);
const pause = () => new Promise((resolve) => setImmediate(resolve));

/** Throws the errors in turn, one a target. */
function throwing(...names: readonly ErrorName[]) {
  const left = [...names];
  return inEveryTarget(targets(names.length), async () => {
    throw new PackleaderError(left.shift() ?? ERRORS.awsCallFailed, 'why');
  });
}

describe('work in every target', () => {
  it('returns its results in the order of the targets, whichever is ready first', async () => {
    const results = await inEveryTarget(targets(3), async ({ accountId }) => {
      if (accountId.endsWith('0')) await pause();
      return accountId;
    });
    expect(results).toEqual(['100000000000', '100000000001', '100000000002']);
  });

  it('may return lists and nothing, without mixing them up', async () => {
    expect(await inEveryTarget(targets(2), async () => ['a', 'b'])).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(await inEveryTarget(targets(2), async () => undefined)).toEqual([undefined, undefined]);
    expect(await inEveryTarget([], async () => 'never')).toEqual([]);
  });

  it('runs in 25 targets at the same time, and no more', async () => {
    let running = 0;
    let most = 0;
    await inEveryTarget(targets(60), async () => {
      running += 1;
      most = Math.max(most, running);
      await pause();
      running -= 1;
    });
    expect(most).toBe(25);
  });

  it('goes on in the other targets when one fails', async () => {
    const done: string[] = [];
    const work = inEveryTarget(targets(3), async ({ accountId }) => {
      if (accountId === first.accountId) throw new Error('no');
      await pause();
      done.push(accountId);
    });
    await expect(work).rejects.toThrow();
    expect(done).toHaveLength(2);
  });

  it('fails with the name of the target, the number of the others, and the error of AWS as the cause', async () => {
    const error = awsError('UnauthorizedOperation', 'no');
    const work = inEveryTarget(targets(3), async () => {
      throw error;
    });
    await expect(work).rejects.toMatchObject({
      name: 'AccessDenied',
      message: '100000000000/eu-west-1: UnauthorizedOperation: no (and 2 more targets failed)',
      cause: { cause: error },
    });
  });

  it.each([
    [[ERRORS.throttled, ERRORS.notReadyYet], ERRORS.notReadyYet],
    [[ERRORS.connectionLost, ERRORS.throttled], ERRORS.connectionLost],
    [[ERRORS.notReadyYet, ERRORS.connectionLost, ERRORS.throttled], ERRORS.notReadyYet],
    [[ERRORS.notReadyYet, ERRORS.amiRejected, ERRORS.throttled], ERRORS.amiRejected],
    [[ERRORS.throttled, ERRORS.accessDenied], ERRORS.accessDenied],
    [[ERRORS.bakeFailed, ERRORS.amiRejected], ERRORS.bakeFailed],
  ])('fails, of %j, with %s: what no retry mends comes first', async (names, gravest) => {
    await expect(throwing(...names)).rejects.toMatchObject({ name: gravest });
  });
});
