/** What is taken away, one thing at a time: the suite must notice every one of them. */
import { readFileSync } from 'node:fs';
import { type StateGraph, statesOf } from '../../sandbox/engine/asl.ts';
import { PASSAGES } from './passages.ts';
import type { Ground } from './ground.ts';

export interface Mutation {
  readonly name: string;
  /** Scenarios that are likely to notice it are played first: what their ids hold, the likeliest first. */
  readonly likely: readonly RegExp[];
  /** Either the state machines differ, or a passage of a file. */
  readonly change:
    | { readonly machine: string; readonly edit: (definition: StateGraph) => void }
    | { readonly file: string; readonly passage: string; readonly by: string };
}

/** States whose effect is to undo; `Let publishing end` keeps the sweep from being undone by what it sweeps. */
const UNDO = /^(Withdraw publication|Deregister \S+ AMIs|Verify rollback|Let publishing end|Sweep release)$/;

/** Every Retry, every Catch and every undo step of the machines as they were synthesised. */
export function mutationsOfMachines(machines: Ground['machines']): Mutation[] {
  return machines.flatMap(({ name: machine, definition }) =>
    statesOf(definition).flatMap(({ name, top, state }): Mutation[] => {
      const likely = likelyFor(machine, name, top);
      const of = (what: string, edit: (placed: typeof state) => void): Mutation => ({
        name: `${machine}, ${name}: ${what}`,
        likely,
        change: {
          machine,
          edit: (graph) => {
            const found = statesOf(graph).find((placed) => placed.name === name);
            if (found) edit(found.state);
          },
        },
      });
      return [
        ...(state.Retry ?? []).map(({ ErrorEquals }, index) =>
          of(`no Retry of ${ErrorEquals[0]}`, (placed) => placed.Retry?.splice(index, 1)),
        ),
        ...(state.Catch ?? []).map(({ ErrorEquals }, index) =>
          of(`no Catch of ${ErrorEquals[0]}`, (placed) => placed.Catch?.splice(index, 1)),
        ),
        ...(UNDO.test(name) ? [of('skipped', skip)] : []),
      ];
    }),
  );
}

/** A state that does nothing and hands its input on. */
function skip(state: StateGraph['States'][string]): void {
  const { Next, End } = state;
  for (const key of Object.keys(state)) Reflect.deleteProperty(state, key);
  Object.assign(state, { Type: 'Pass', ...(Next === undefined ? { End } : { Next }) });
}

function likelyFor(machine: string, name: string, top: string): RegExp[] {
  if (machine === 'packleader-bake-batch')
    return [/^one fault \| Bake .*(StartBuild|AssumeRole|\.sync)/, /Bake/];
  const state = RegExp.escape(top);
  const service = '(lambda:Invoke|states:StartExecution|codebuild:[sS]tartBuild\\S*)';
  return [
    new RegExp(`^a (Map|batch) fails.*${state}`),
    new RegExp(`(\\| |, )${state}: ${service}.*(3 times|too much|unreachable|denied|slow)$`),
    new RegExp(`(\\| |, )${state}: ${service}`),
    new RegExp(name === 'Let publishing end' ? 'Publish release' : state),
  ];
}

/** Passages of the tasks, each of which must be there exactly once. */
export function mutationsOfTasks(root: URL): Mutation[] {
  return PASSAGES.map(({ file, passage, by = '', means, likely }) => {
    const found = readFileSync(new URL(file, root), 'utf8').split(passage).length - 1;
    if (found !== 1)
      throw new Error(`passages.ts: ${file} holds this ${found} times, expected once: ${passage}`);
    return { name: `${file}: ${means}`, likely: [likely], change: { file, passage, by } };
  });
}
