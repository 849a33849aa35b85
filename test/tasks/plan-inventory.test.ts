import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/plan-inventory.ts';
import { targetsIn } from '../fixtures/accounts.ts';
import { byRegion } from '../../core/contract/targets.ts';

describe('planning an inventory', () => {
  it('of few targets makes one batch', async () => {
    const targets = targetsIn(0, 2);
    expect(await handler({ deployed: byRegion(targets) })).toEqual({ batches: [{ targets }] });
  });

  it('of 1,000 targets makes twenty batches of fifty, in which each is once', async () => {
    const targets = [...targetsIn(0, 600), ...targetsIn(1, 400, 'us-east-1')];
    const { batches } = await handler({ deployed: byRegion(targets) });
    expect(batches.map((batch) => batch.targets.length)).toEqual(Array.from({ length: 20 }, () => 50));
    expect(batches.flatMap((batch) => batch.targets)).toEqual(targets);
    expect(JSON.stringify(batches).length).toBeLessThan(100_000);
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ deployed: { nowhere: [] } })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
