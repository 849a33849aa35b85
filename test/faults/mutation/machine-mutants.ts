/** Every mutant of the state machines: as they were synthesised, without one Retry, one Catch or one undo step. */
import { type StateGraph, statesOf } from '../../../sandbox/engine/asl.ts';
import type { Baseline } from '../player/baseline.ts';

type Machines = Baseline['machines'];

export interface MachineMutant {
  readonly name: string;
  readonly likely: readonly RegExp[];
  /** The machines with the mutation. */
  readonly mutate: (machines: Machines) => Machines;
}

/** States whose effect is to undo; `Let publishing end` keeps the sweep from being undone by what it sweeps. */
const UNDO = /^(Withdraw publication|Deregister \S+ AMIs|Verify rollback|Let publishing end|Sweep release)$/;

/**
 * Nothing is undone after an inventory, and no fault makes its results too large: without this Catch it ends red as well, only in no state
 * of its own. The snapshot of its machine holds the Catch.
 */
export const TOLD_BY_A_SNAPSHOT =
  'packleader-inventory, Take every inventory: no Catch of States.DataLimitExceeded';

export function machineMutants(machines: Machines): MachineMutant[] {
  return machines.flatMap(({ name: machine, definition }) =>
    statesOf(definition).flatMap(({ name, top, state }): MachineMutant[] => {
      const likely = likelyFor(machine, name, top);
      const without = (what: string, edit: (placed: typeof state) => void): MachineMutant => ({
        name: `${machine}, ${name}: ${what}`,
        likely,
        mutate: (all) => all.map((one) => (one.name === machine ? edited(one, name, edit) : one)),
      });
      return [
        ...(state.Retry ?? []).map(({ ErrorEquals }, index) =>
          without(`no Retry of ${ErrorEquals[0]}`, (placed) => placed.Retry?.splice(index, 1)),
        ),
        ...(state.Catch ?? []).map(({ ErrorEquals }, index) =>
          without(`no Catch of ${ErrorEquals[0]}`, (placed) => placed.Catch?.splice(index, 1)),
        ),
        ...(UNDO.test(name) ? [without('skipped', skip)] : []),
      ];
    }),
  );
}

/** @throws Error when the machine has no such state: another factory's machines may have other stages */
function edited(
  machine: Machines[number],
  name: string,
  edit: (state: StateGraph['States'][string]) => void,
): Machines[number] {
  const definition = structuredClone(machine.definition);
  const found = statesOf(definition).find((placed) => placed.name === name);
  if (found === undefined) throw new Error(`${machine.name} has no state ${name} to mutate.`);
  edit(found.state);
  return { ...machine, definition };
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
