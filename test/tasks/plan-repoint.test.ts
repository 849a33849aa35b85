/** What it plans is played in test/workflow/machines/repoint.test.ts; here is what it understands, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/plan-repoint.ts';
import { parseRepoint } from '../../core/repoints/request.ts';
import { useAws } from '../fixtures/aws/strict-aws.ts';

useAws();
const VERSION = '1.4.20261121093000';
const execution = {
  id: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-repoint:one',
  name: 'one',
  startedAt: '2026-11-22T09:30:00.000Z',
};

describe('a request', () => {
  it.each([
    [{ rollback: 'web' }, { action: 'rollback', image: 'web', to: undefined }],
    [
      { rollback: 'web', to: VERSION },
      { action: 'rollback', to: VERSION },
    ],
    [
      { rollback: 'web', to: `web@${VERSION}`, dryRun: true },
      { to: VERSION, dryRun: true },
    ],
    [
      { revoke: `web@${VERSION}`, reason: ' a leaked key ', Comment: 'Insert your JSON here' },
      {
        action: 'revoke',
        image: 'web',
        version: VERSION,
        reason: 'a leaked key',
        children: false,
        disable: false,
      },
    ],
    [{ restore: `web@${VERSION}` }, { action: 'restore', releaseId: `web@${VERSION}` }],
  ])('%j is understood', (request, understood) => {
    expect(parseRepoint(request)).toMatchObject(understood);
  });

  it.each([
    [{}, 'The input has none of "rollback", "revoke" and "restore", and must have one.'],
    [{ rollback: 'web', restore: `web@${VERSION}` }, 'The input has "rollback" and "restore" of'],
    [{ rollbak: 'web' }, 'The input has an unknown field "rollbak".'],
    [null, 'The input must be a JSON object.'],
    [
      { rollback: 'web', children: true },
      'The field "children" goes with "revoke", and not with "rollback".',
    ],
    [
      { revoke: `web@${VERSION}`, reason: 'x', to: VERSION },
      'The field "to" goes with "rollback", and not with "revoke".',
    ],
    [{ revoke: `web@${VERSION}` }, 'A revocation needs a "reason"'],
    [{ revoke: `web@${VERSION}`, reason: '  ' }, 'The field "reason" is refused'],
    [
      { revoke: 'web', reason: 'x' },
      'The field "revoke" is refused: must be <image>@<version>, like linux-base@1.4.20261121093000.',
    ],
    [{ revoke: 'web@latest', reason: 'x' }, 'The field "revoke" is "web@latest", whose version is none.'],
    [{ revoke: `web@${VERSION}-topic`, reason: 'x' }, `names the prerelease web@${VERSION}-topic`],
    [
      { rollback: 'web', to: `${VERSION}-topic` },
      `names the prerelease ${VERSION}-topic, which is never latest`,
    ],
    [
      { rollback: 'web', to: 'yesterday' },
      'The field "to" is "yesterday", which is no version like 1.4.20261121093000.',
    ],
    [
      { rollback: 'web', to: `base@${VERSION}` },
      `The field "to" is "base@${VERSION}", which is no version like 1.4.20261121093000.`,
    ],
    [{ rollback: 'Web' }, 'The field "rollback" is refused: must be the name of an image, like linux-base.'],
  ])('fails for %j, before anything is looked at', async (request, message) => {
    await expect(handler({ request, execution, bucket: 'hub', deployed: {} })).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining(message),
    });
  });
});
