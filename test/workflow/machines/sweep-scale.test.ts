import { expect, test } from 'vitest';
import { NAMES } from '../../../core/contract/names.ts';
import { releasedBefore } from '../../fixtures/sandbox/released-before.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { settledWorld, stoppedRelease, sweep, withHub } from '../../fixtures/sandbox/sweeping.ts';

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const DOCUMENT_BYTES = 262_144;

test('a release into 1,000 targets that is stopped while it is published is swept from all of them', async () => {
  const stages = Object.fromEntries(
    ['dev', 'test', 'pre-prod', 'prod'].map((stage, index) => [stage, targetsIn(index, 250)]),
  );
  await withHub({ stages }, async (hub) => {
    hub.sandbox.keepsCalls = false;
    const before = releasedBefore(hub.sandbox, 'base');
    let flips = 0;
    await stoppedRelease(hub, {
      at: (call, state) =>
        state === 'Publish release' &&
        call.operation === 'PutParameter' &&
        String(call.input['Name']).endsWith('latest') &&
        ++flips === 500,
    });
    const report = await sweep(hub, { release: 'base@1.4.20261121093000' });
    expect(report).toMatchObject({ complete: true, leftoverCount: 0, removedCount: 3_000 });
    const execution = hub.engine.executions.find(({ machine }) => machine.name === NAMES.sweepMachine);
    expect(execution?.history.largestDocument).toBeLessThan(DOCUMENT_BYTES);
    expect(await settledWorld(hub)).toEqual(before);
  });
}, 120_000);
