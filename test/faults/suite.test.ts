/** A small fixed part of `npm run faults`, and whether its oracle sees anything at all. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import { type SandboxScenario, playInSandbox } from './sandbox/play-in-sandbox.ts';
import { SeededSampler } from './scenarios/seeded-sampler.ts';
import { type Suite, suite } from './suite.ts';

const OF_EACH_CATEGORY = 8;
/** The recordings that scenarios are made of take a minute of a processor, which others may want too. */
const RECORDED_WITHIN_MS = 600_000;

let made: Suite;
beforeAll(async () => {
  made = await suite(1);
}, RECORDED_WITHIN_MS);

describe('the fault suite', () => {
  it('has more than 10,000 scenarios, each with an id of its own, and enough of every category', () => {
    const ids = made.categories.flatMap(({ scenarios }) => scenarios.map(({ id }) => id));
    expect(ids.length).toBeGreaterThan(10_000);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, scenarios, atLeast } of made.categories)
      expect([name, scenarios.length >= atLeast]).toEqual([name, true]);
  });

  it(
    'has the same scenarios in every run',
    async () => {
      const args = ['test/faults/main.ts', '--list'];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
      const ids = made.categories.flatMap(({ scenarios }) => scenarios.map(({ id }) => id));
      expect(stdout.trim().split('\n')).toEqual(ids);
    },
    RECORDED_WITHIN_MS,
  );

  it('finds nothing wrong in a few of every category', async () => {
    const chosen = made.categories.flatMap(({ scenarios }) =>
      new SeededSampler(7).sample(scenarios, OF_EACH_CATEGORY, ({ id }) => id),
    );
    const wrong = [];
    for (const scenario of chosen) {
      const { violations } = await playInSandbox(made.baselines[scenario.size], scenario);
      if (violations.length > 0) wrong.push({ id: scenario.id, violations });
    }
    expect(wrong).toEqual([]);
    expect(chosen.length).toBeGreaterThan(100);
  });
});

describe('the oracle', () => {
  function nothing(): SandboxScenario {
    const [scenario] = made.categories.find(({ name }) => name === 'nothing')?.scenarios ?? [];
    if (scenario === undefined) throw new Error('There is no scenario without a fault.');
    return scenario;
  }

  it('fails a release that should have been rolled back', async () => {
    const { violations } = await playInSandbox(made.baselines.four, { ...nothing(), ends: ['rolled back'] });
    expect(violations).toEqual([expect.stringContaining('ended in Released (released)')]);
  });

  it('fails a fault that nothing meets', async () => {
    const point = {
      who: 'A',
      state: 'Publish release',
      by: 'state',
      operation: 'ssm:PutParameter',
      place: 'nowhere',
      nth: 1,
    } as const;
    const { violations } = await playInSandbox(made.baselines.four, {
      ...nothing(),
      faults: [{ point, kind: 'denied' }],
    });
    expect(violations).toEqual(['suite: no call met Publish release: ssm:PutParameter in nowhere #1 denied']);
  });

  it('fails when the tags of a released AMI are not those of its release', async () => {
    const baseline = structuredClone(made.baselines.four);
    const machine = baseline.machines.find(({ name }) => name === 'packleader-release-image');
    const apply = machine?.definition.States['Apply version tags'];
    if (!apply) throw new Error('There is no state "Apply version tags".');
    // As if the tags were never applied.
    for (const key of ['Resource', 'Parameters', 'Retry', 'Catch', 'TimeoutSeconds', 'ResultPath'])
      Reflect.deleteProperty(apply, key);
    Object.assign(apply, { Type: 'Pass' });
    const { violations } = await playInSandbox(baseline, { ...nothing(), ends: ['released'] });
    expect(violations).toContainEqual(
      expect.stringContaining(`has the tag ${TAGS.state}=${STATES.candidate}, not ${STATES.released}`),
    );
  });
});
