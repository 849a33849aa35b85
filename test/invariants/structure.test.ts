import { describe, expect, it } from 'vitest';
import { statesOf } from '../../sandbox/engine/asl.ts';
import { definitionsOf } from '../../workflow/definitions.ts';
import { ownFactory } from '../fixtures/factories.ts';
import { allStates, followers, graphsOf, samples } from '../fixtures/machines.ts';

const ENDINGS = ['Succeed', 'Fail'];

describe.each(samples)('every state machine of $title', (sample) => {
  it('can reach each of its states, and leads to none that does not exist', () => {
    for (const { name, graph } of sample.machines) {
      for (const { StartAt, States } of graphsOf(graph)) {
        const reached = new Set([StartAt]);
        for (const state of reached)
          for (const next of followers(States[state] ?? { Type: '' })) reached.add(next);
        expect([...reached].toSorted(), name).toEqual(Object.keys(States).toSorted());
      }
    }
  });

  it('goes round in no circle', () => {
    for (const { graph } of sample.machines) {
      for (const { StartAt, States } of graphsOf(graph)) {
        // There are more ways through than can be walked: what was left behind without a circle is not entered again.
        const left = new Set<string>();
        const walk = (state: string, path: readonly string[]): void => {
          expect(path, `${path.join(' > ')} > ${state}`).not.toContain(state);
          if (left.has(state)) return;
          for (const next of followers(States[state] ?? { Type: '' })) walk(next, [...path, state]);
          left.add(state);
        };
        walk(StartAt, []);
      }
    }
  });

  it('gives each state one way on, or one end', () => {
    for (const { name, state } of allStates(sample)) {
      const { Type, Next, End, Default } = state;
      const ways = [Next !== undefined, End === true, ENDINGS.includes(Type), Type === 'Choice'];
      expect(ways.filter(Boolean), name).toHaveLength(1);
      if (Type === 'Choice') expect(Default, `${name} has a default`).toBeDefined();
    }
  });

  it('has each state once', () => {
    for (const { graph } of sample.machines) {
      const names = statesOf(graph).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('limits the time of each task and of itself', () => {
    for (const { name, state } of allStates(sample)) {
      if (state.Type === 'Task') expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
    }
    for (const { name, graph } of sample.machines) expect(graph.TimeoutSeconds, name).toBeGreaterThan(0);
  });

  it('writes what a state returns into a field of its own', () => {
    for (const { graph } of sample.machines) {
      // Only one approval can be the one that did not come.
      const placed = statesOf(graph).filter(
        ({ name, inMap, state }) =>
          !inMap && state.ResultPath !== undefined && !name.startsWith('No approval of '),
      );
      const paths = placed.map(({ state }) => state.ResultPath);
      expect(new Set(paths).size + repeatedAnnouncement(paths)).toBe(paths.length);
      expect(paths).not.toContain('$');
      expect(paths).not.toContain(null);
    }
  });
});

/** A release is announced, or its rollback is: never both. */
const repeatedAnnouncement = (paths: readonly unknown[]) =>
  Math.max(0, paths.filter((path) => path === '$.announced').length - 1);

describe('the definitions', () => {
  it('are the same each time', () => {
    expect(definitionsOf(ownFactory())).toEqual(definitionsOf(ownFactory()));
  });
});
