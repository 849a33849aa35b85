import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { AL2023 } from '../../fixtures/factories.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { blocksOf } from '../blocks.ts';
import { openOperator } from '../operator.ts';

describe('packleader watch', () => {
  test('tells every image in its own block as soon as it ends, bases first', async () => {
    const { release, watch } = await openOperator({}, { web: 'image: base', base: AL2023 });
    await release({ key: 'run-1' });
    const { exit, out } = await watch('run-1');
    expect(exit).toBe(0);
    expect(out.indexOf(`\n  base@${VERSION}  (`)).toBeGreaterThan(0);
    // The base's block stands before anything of the image on it is baked.
    expect(out.indexOf(`\n  base@${VERSION}  (`)).toBeLessThan(
      out.indexOf(`  … web@${VERSION}: Bake dev AMIs`),
    );
    expect(out).toContain('2 images released');
    expect(out).toMatch(new RegExp(`^  where the time of web@${VERSION} went$`, 'm'));
    expect(out).toMatch(/^ {4}Bake prod AMIs +\d+ min$/m);
  });

  test('tells a release that has ended from its history, and one image of it by its id', async () => {
    const { release, watch, operator, sandbox } = await openOperator();
    const whole = await release({ key: 'run-1', wait: true });
    expect(blocksOf((await watch('run-1')).out)).toBe(blocksOf(whole.out));
    expect(blocksOf((await watch(`base@${VERSION}`)).out)).toBe(blocksOf(whole.out));
    expect(operator.clock.now()).toEqual(sandbox.clock.now());
  });

  test('exits with 3 when somebody stops the release', async () => {
    const { release, watch, operator, sandbox } = await openOperator();
    const { out } = await release({ key: 'run-1', json: true });
    const { executionArn } = z.object({ executionArn: z.string() }).parse(JSON.parse(out));
    const watching = watch('run-1');
    await sandbox.clock.sleep(5 * 60_000);
    await operator.client.send(
      new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'by hand' }),
    );
    const { exit, out: told } = await watching;
    expect(exit).toBe(3);
    expect(told).toContain('stopped: 0 of 1 image released');
  });

  test('fails after the time it was given; the release goes on', async () => {
    const { release, watch } = await openOperator();
    await release({ key: 'run-1' });
    const { exit, err } = await watch('run-1', { timeoutMinutes: 3 });
    expect(exit).toBe(4);
    expect(err).toContain('still runs after 180 s');
  });
});
