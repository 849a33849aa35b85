import { describe, expect, test } from 'vitest';
import type { Fault, FaultKind } from '../../sandbox/faults.ts';
import { rehearseFactory, targetsIn } from '../workflow/rehearsing.ts';
import { type Worlds, releasedBefore, violations } from './oracle.ts';

/** Two stages, two accounts in the second one, and one account with two regions. */
const factory = {
  stages: { dev: [...targetsIn(0, 1), ...targetsIn(0, 1, 'eu-central-1')], prod: targetsIn(1, 2) },
};

const KINDS: readonly FaultKind[] = ['refused', 'lost', 'throttled', 'timeout'];
const FORWARD = [
  'Resolve source AMIs',
  'Bake dev AMIs',
  'Check dev AMIs',
  'Bake prod AMIs',
  'Check prod AMIs',
  'Apply version tags',
  'Publish release',
  'Announce release',
];
const UNDO = ['Withdraw publication', 'Deregister prod AMIs', 'Deregister dev AMIs', 'Announce rollback'];

async function release(faults: readonly Fault[]) {
  let before: Worlds = {};
  const report = await rehearseFactory(factory, {
    faults,
    prepare: (sandbox) => {
      before = releasedBefore(sandbox, 'base');
    },
  });
  return { report, wrong: violations(report, before) };
}

test('without a fault every account gets the release, and nothing else changes', async () => {
  const { report, wrong } = await release([]);
  expect(wrong).toEqual([]);
  expect(report.outcome).toBe('released');
});

describe.each(FORWARD)('%s', (state) => {
  test.each(KINDS)('%s for ever: every account or none', async (kind) => {
    const { report, wrong } = await release([{ state, kind }]);
    expect(wrong).toEqual([]);
    expect(report.unmetFaults).toEqual([]);
    expect(report.outcome).not.toBe('rollback incomplete');
  });

  test.each(['refused', 'lost'] as const)('%s in one account only: every account or none', async (kind) => {
    const [account] = state.includes('dev') ? factory.stages.dev : factory.stages.prod;
    const { report, wrong } = await release([{ state, kind, accountId: account?.accountId ?? '' }]);
    expect(wrong).toEqual([]);
    expect(report.outcome).not.toBe('rollback incomplete');
  });

  test('a reply lost once is made good by a retry, or by the undo', async () => {
    const { wrong } = await release([{ state, kind: 'lost', times: 1 }]);
    expect(wrong).toEqual([]);
  });
});

describe('throttling never fails a release', () => {
  test.each(FORWARD)('%s', async (state) => {
    expect((await release([{ state, kind: 'throttled' }])).report.outcome).toBe('released');
  });
});

describe.each(UNDO)('%s, while undoing a release that failed at its very end', (state) => {
  const failure: Fault = { state: 'Publish release', kind: 'refused', accountId: '100001000002' };

  test.each(KINDS)('%s for ever: nothing is left, or everything that is left is named', async (kind) => {
    const { report, wrong } = await release([failure, { state, kind }]);
    expect(wrong).toEqual([]);
    expect(report.outcome).not.toBe('released');
  });

  test.each(['refused', 'lost', 'timeout'] as const)('%s once: nothing is left', async (kind) => {
    const { report, wrong } = await release([failure, { state, kind, times: 1 }]);
    expect(wrong).toEqual([]);
    expect(report.outcome).toBe('rolled back');
  });
});
