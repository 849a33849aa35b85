import { describe, expect, it } from 'vitest';
import { ERRORS, PackleaderError } from '../../../core/contract/errors.ts';
import { LeftoversRemain } from '../../../core/contract/leftovers.ts';
import { undoInEveryTarget, unseen } from '../../../core/aws/undo-targets.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';
import { awsError } from '../../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../../fixtures/releases.ts';

const leftover = (resourceId: string) => ({ ...PROD, resourceId, why: 'in use' });

describe('undoing something in every target', () => {
  it('ends well where nothing is left, and in no target at all', async () => {
    await undoInEveryTarget([DEV, PROD], RELEASE, async () => []);
    await undoInEveryTarget([], RELEASE, async () => [leftover('never')]);
  });

  it('fails with what is left of every target, in their order, after each had its turn', async () => {
    const turns: unknown[] = [];
    const undoing = undoInEveryTarget([DEV, PROD, DEV], RELEASE, async (target) => {
      turns.push(target);
      if (target === DEV) throw new PackleaderError(ERRORS.accessDenied, 'no');
      return [leftover('sg-1'), leftover('ami-1')];
    });
    const why = 'could not be looked at: AccessDenied: no';
    const hidden = { ...DEV, resourceId: RELEASE.releaseId, why };
    await expect(undoing).rejects.toMatchObject({
      name: 'LeftoversRemain',
      leftovers: [hidden, leftover('sg-1'), leftover('ami-1'), hidden],
    });
    await expect(undoing).rejects.toBeInstanceOf(LeftoversRemain);
    expect(turns).toEqual([DEV, PROD, DEV]);
  });

  it.each([
    [awsError('ThrottlingException', 'slow down'), 'Throttled: ThrottlingException: slow down'],
    [awsError('ECONNRESET', 'gone'), 'ConnectionLost: ECONNRESET: gone'],
    [new TypeError('a bug'), 'AwsCallFailed: TypeError: a bug'],
    ['no error at all', 'AwsCallFailed: unknown: no error at all'],
  ])('fails with a target that threw %s as with a leftover: unknown is not clean', (thrown, why) => {
    const target = { ...DEV, sourceImageId: 'ami-source' };
    expect(unseen(target, RELEASE, thrown)).toEqual({
      ...DEV,
      resourceId: RELEASE.releaseId,
      why: `could not be looked at: ${why}`,
    });
  });
});
