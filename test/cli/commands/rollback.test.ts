import { describe, expect, test } from 'vitest';
import { repointCommand } from '../../../cli/commands/rollback/run.ts';
import type { RepointRequest } from '../../../core/contract/requests.ts';
import type { OperatedHub } from '../../fixtures/sandbox/hub.ts';
import { BACK_TARGETS, afterReleases } from '../../fixtures/sandbox/repointing.ts';
import { HUB_FLAG } from '../operator.ts';
import { written } from '../output.ts';

/** Who may start packleader-repoint and read its history, and nothing else. */
const OPERATOR = { allows: /^(sfn:(StartExecution|GetExecutionHistory)|sts:GetCallerIdentity)$/ };

async function run(hub: OperatedHub, asked: RepointRequest, json = false) {
  const { texts, output } = written();
  const exit = await repointCommand(asked, { json, hub: HUB_FLAG }, output, hub.operator);
  return { exit, out: texts.out, err: texts.err };
}

describe('packleader rollback, revoke and restore', () => {
  test('say what would be done, do it, and take it back', async () => {
    await afterReleases(
      2,
      async (hub, [first, second]) => {
        const moved = `/packleader/base/latest  ${second} -> ${first}  in 3 targets`;
        expect(await run(hub, { rollback: 'base', dryRun: true })).toMatchObject({
          exit: 0,
          out: `  would be revoked  base@${second}\n  ${moved}\n3 AMIs would be marked, 1 image with another latest\n`,
        });
        expect(await run(hub, { rollback: 'base' })).toMatchObject({
          exit: 0,
          out: `  revoked  base@${second}\n  ${moved}\n3 AMIs marked, 1 image with another latest\n`,
        });
        const { exit, out } = await run(hub, { restore: `base@${second}` }, true);
        expect([exit, JSON.parse(out)]).toEqual([
          0,
          expect.objectContaining({ outcome: 'repointed', action: 'restore', versions: [`base@${second}`] }),
        ]);
      },
      OPERATOR,
    );
  });

  test('exit with 1 and the reason when an account is lost: every account shows what it showed', async () => {
    const accountId = BACK_TARGETS.at(-1)?.accountId ?? '';
    await afterReleases(
      2,
      async (hub) => {
        const { exit, err } = await run(hub, { rollback: 'base' });
        expect([exit, err]).toEqual([
          1,
          expect.stringMatching(/^put back: AccessDenied: [^]*showed before\.\n$/),
        ]);
        const { out } = await run(hub, { rollback: 'base' }, true);
        expect(JSON.parse(out)).toMatchObject({ outcome: 'put back', error: expect.any(String) });
      },
      { ...OPERATOR, faults: [{ state: 'Point latest', kind: 'refused', accountId }] },
    );
  });

  test('exit with 3 when not everything was put back', async () => {
    const accountId = BACK_TARGETS.at(-1)?.accountId ?? '';
    await afterReleases(
      2,
      async (hub) => {
        const { exit, err } = await run(hub, { rollback: 'base' });
        expect([exit, err]).toEqual([3, expect.stringMatching(/^incomplete: Not everything put back: /)]);
      },
      {
        ...OPERATOR,
        faults: [
          { state: 'Point latest', kind: 'refused' },
          { state: 'Put back versions', kind: 'refused', accountId },
        ],
      },
    );
  });

  test('are refused, by the command itself or by the workflow, with the reason', async () => {
    await afterReleases(
      1,
      async (hub) => {
        await expect(run(hub, { revoke: 'base@1.4', reason: 'x' })).rejects.toMatchObject({
          name: 'ReleaseRefused',
        });
        await expect(run(hub, { rollback: 'base', to: '1.2' })).rejects.toMatchObject({
          name: 'ReleaseRefused',
          message: 'The field "to" is "1.2", which is no version like 1.4.20261121093000.',
        });
        await expect(run(hub, { rollback: 'base' })).rejects.toMatchObject({
          name: 'ReleaseRefused',
          message: expect.stringContaining('is the only version of base that stands'),
        });
      },
      OPERATOR,
    );
  });
});
