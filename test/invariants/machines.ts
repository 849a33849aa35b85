/** The state machines of factories of several sizes, which the laws are held against. */
import { readFactoryDirectory } from '../../core/configuration/factory-directory.ts';
import { type Factory, loadFactory } from '../../core/configuration/factory.ts';
import { type PlacedState, type State, type StateGraph, statesOf } from '../../sandbox/engine/asl.ts';
import { definitionsOf } from '../../workflow/definitions.ts';

export interface Machine {
  readonly name: string;
  readonly graph: StateGraph;
}

export interface Sample {
  readonly title: string;
  /** In the order in which they are baked. */
  readonly stages: readonly string[];
  readonly machines: readonly Machine[];
}

/** The factory in `packer/`. */
export const shippedFactory = (): Factory =>
  loadFactory(readFactoryDirectory(new URL('../../packer', import.meta.url).pathname));

/** The longest name that a stage may have. */
export const LONGEST_STAGE = 'a-stage-of-20-letter';

export const samples: readonly Sample[] = [
  sample('the shipped factory', shippedFactory()),
  ...[1, 2, 40, 250].map((targets) => sampleOf(['dev'], targets)),
  sampleOf(['dev', 'prod'], 250),
  sampleOf(['dev', 'test', 'pre-prod', 'prod'], 250),
  sampleOf([LONGEST_STAGE], 1),
];

function sampleOf(stages: readonly string[], targets: number): Sample {
  const title = `${stages.join(', ')} with ${targets} ${targets === 1 ? 'target' : 'targets'} each`;
  return sample(title, factoryOf(stages, targets));
}

function account(stage: number, target: number): string {
  return String(100_000_000_000 + stage * 1_000 + target);
}

function factoryOf(stages: readonly string[], targetsEach: number): Factory {
  return {
    repository: 'https://github.com/example/images',
    defaultBranch: 'main',
    hub: { accountId: '999999999999', region: 'eu-west-1' },
    stages: stages.map((name, stage) => ({
      name,
      targets: Array.from({ length: targetsEach }, (_, target) => ({
        accountId: account(stage, target),
        region: 'eu-west-1',
      })),
    })),
    images: [{ name: 'base', description: 'The base', version: '1.4', platform: 'linux' }],
  };
}

function sample(title: string, factory: Factory): Sample {
  return { title, stages: factory.stages.map(({ name }) => name), machines: machinesOf(factory) };
}

export function machinesOf(factory: Factory): Machine[] {
  return definitionsOf(factory).map(({ name, definition }) => {
    if (!isGraph(definition)) throw new Error(`${name} is no state machine`);
    return { name, graph: definition };
  });
}

function isGraph(value: object): value is StateGraph {
  return 'StartAt' in value && 'States' in value;
}

export function machineOf({ machines, title }: Sample, name: string): Machine {
  const found = machines.find((machine) => machine.name === name);
  if (!found) throw new Error(`${title} has no machine ${name}`);
  return found;
}

export function stateOf({ name: machine, graph }: Machine, name: string): State {
  const found = statesOf(graph).find((placed) => placed.name === name);
  if (!found) throw new Error(`${machine} has no state ${name}`);
  return found.state;
}

/** Every state of every machine of a sample, with the machine. */
export function allStates({ machines }: Sample): (PlacedState & { readonly machine: Machine })[] {
  return machines.flatMap((machine) => statesOf(machine.graph).map((placed) => ({ ...placed, machine })));
}

/** Every graph of a machine: its own, and those inside its Maps. */
export function graphsOf(graph: StateGraph): StateGraph[] {
  const inner = Object.values(graph.States).flatMap(({ ItemProcessor }) =>
    ItemProcessor ? graphsOf(ItemProcessor) : [],
  );
  return [graph, ...inner];
}

/** The states that may follow, however the state ends. */
export function followers({ Next, Default, Choices = [], Catch = [] }: State): string[] {
  const single = [Next, Default].filter((name) => name !== undefined);
  return [...single, ...[...Choices, ...Catch].map((one) => one.Next)];
}

/** The task's file behind a state, undefined when it calls no Lambda function. */
export function functionOf({ Resource = '' }: State): string | undefined {
  return /^arn:aws:lambda:[^:]+:\d+:function:packleader-(.+)$/.exec(Resource)?.[1];
}
