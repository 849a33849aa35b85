import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TASKS, taskNames } from '../../core/contract/tasks.ts';
import { allStates, functionOf, samples } from '../fixtures/machines.ts';

const VERBS = [
  'Announce',
  'Answer',
  'Apply',
  'Approve',
  'Await',
  'Bake',
  'Check',
  'Clear',
  'Compare',
  'Copy',
  'Deregister',
  'Disable',
  'Enable',
  'Fetch',
  'Find',
  'Let',
  'Mark',
  'Plan',
  'Point',
  'Publish',
  'Put',
  'Record',
  'Release',
  'Report',
  'Resolve',
  'Restore',
  'Retire',
  'Run',
  'Scan',
  'Summarise',
  'Sweep',
  'Take',
  'Test',
  'Unshare',
  'Validate',
  'Verify',
  'Withdraw',
];

/** How an execution, or an iteration of a Map, may end. */
const FACTS = [
  /^AMI not baked$/,
  /^Handed over$/,
  /^Answered$/,
  /^Answer refused$/,
  /^No approval of [a-z0-9-]+$/,
  /^Image not released$/,
  /^Inventory (taken|not taken|incomplete)$/,
  /^No inventory$/,
  /^No batch of [a-z0-9-]+ AMIs$/,
  /^Looked at$/,
  /^Not (answered|everything put back|released|repointed|restored|retired|swept)$/,
  /^(Everything put back|Putting back not verified)$/,
  /^Release not swept$/,
  /^Released( without announcement)?$/,
  /^Repointed( without record)?$/,
  /^Restored$/,
  /^Retired$/,
  /^Retirement incomplete$/,
  /^Rolled back$/,
  /^Rollback (incomplete|not verified)$/,
  /^Some images failed$/,
  /^Swept$/,
  /^Sweep incomplete$/,
];

const repository = new URL('../..', import.meta.url).pathname;
const taskFiles = readdirSync(`${repository}/tasks`).map((file) => file.replace(/\.ts$/, ''));

describe('tasks/', () => {
  it('holds nothing but states: each file exports a handler, and has its row in TASKS', () => {
    for (const file of taskFiles) {
      const text = readFileSync(`${repository}/tasks/${file}.ts`, 'utf8');
      expect(text, file).toMatch(/^export async function handler\(/m);
    }
    expect(taskFiles.toSorted()).toEqual(taskNames().toSorted());
  });
});

describe.each(samples)('every state of $title', (sample) => {
  const states = allStates(sample);

  it('has a name of at most 40 characters', () => {
    expect(states.map(({ name }) => name).filter((name) => name.length > 40)).toEqual([]);
  });

  it('is named by what it does, what it asks, or how things ended', () => {
    for (const { name, state } of states) {
      if (state.Type === 'Choice') expect(name).toMatch(/^[A-Z][a-zA-Z ]+\?$/);
      else if (VERBS.includes(name.split(' ')[0] ?? '')) expect(name).toMatch(/^[A-Z][a-zA-Z0-9 -]+$/);
      else
        expect(
          FACTS.filter((fact) => fact.test(name)),
          name,
        ).toHaveLength(1);
    }
  });

  it('is written in sentence case: after the first word only AMI has capitals', () => {
    for (const { name } of states) {
      const [first = '', ...rest] = name.replaceAll(/\bAMIs?\b/g, '').split(' ');
      expect(first).toMatch(/^([A-Z][a-z]*)?$/);
      expect(rest.join(' '), name).not.toMatch(/[A-Z]/);
    }
  });

  it('is a fact only where something ends, and something ends only in a fact', () => {
    for (const { name, state, inMap } of states) {
      const ends = state.Type === 'Succeed' || state.Type === 'Fail' || state.Type === 'Pass';
      expect(
        FACTS.some((fact) => fact.test(name)),
        name,
      ).toBe(ends);
      // A silence has no words of its own: there it gets them, and is undone.
      if (state.Type === 'Pass' && !name.startsWith('No approval of '))
        expect(inMap && state.End, name).toBe(true);
    }
  });

  it('says in one line why it is there', () => {
    for (const { name, state } of states) expect(state.Comment, name).toMatch(/^[A-Z][^\n]{10,120}[.]$/);
  });

  it('that calls a task is named like the file of the task, less the stage, and the task has tests', () => {
    for (const { name, state } of states) {
      const file = functionOf(state);
      if (file === undefined) continue;
      const words = name.split(' ').filter((word) => !sample.stages.includes(word));
      expect(words.join('-').toLowerCase()).toBe(file);
      expect(taskFiles, name).toContain(file);
      expect(existsSync(`${repository}/test/tasks/${file}.test.ts`), `tests of ${file}`).toBe(true);
    }
  });
});

describe.each(samples)('the tasks in $title', (sample) => {
  it('are each used by a state', () => {
    const used = new Set(allStates(sample).flatMap(({ state }) => functionOf(state) ?? []));
    const needed = taskNames().filter(
      (task) =>
        (TASKS[task].partOf !== 'approval' || sample.asking.length > 0) &&
        (TASKS[task].partOf !== 'copies' || sample.stages.length > 1) &&
        (TASKS[task].partOf !== 'retry' || sample.waits),
    );
    expect([...used].toSorted()).toEqual(needed.toSorted());
  });
});
