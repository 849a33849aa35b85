/** Everything that is taken away, one thing at a time: the suite must notice every one of them. */
import type { Baseline, Size } from '../player/baseline.ts';
import { machineMutants } from './machine-mutants.ts';
import { MUTATED_SOURCE, type MutatedSource } from './mutated-source.ts';
import { sourceMutants } from './source-mutants.ts';

export interface Mutant {
  readonly name: string;
  /** Scenarios that are likely to kill it are played first: what their ids hold, the likeliest first. */
  readonly likely: readonly RegExp[];
  /** With the state machines mutated, or as they are. */
  readonly baselines: Readonly<Partial<Record<Size, Baseline>>>;
  /** How Node is started so that it loads the mutated file. */
  readonly node?: NodeOptions;
}

interface NodeOptions {
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const ROOT = new URL('../../../', import.meta.url);
const PRELOAD = new URL('preload.ts', import.meta.url);

export async function mutantsOf(baselines: Readonly<Record<Size, Baseline>>): Promise<Mutant[]> {
  const ofMachines = machineMutants(baselines.four.machines).map(({ mutate, ...rest }): Mutant => {
    const mutated = Object.entries(baselines).map(([size, baseline]) => {
      return [size, { ...baseline, machines: mutate(baseline.machines) }];
    });
    return { ...rest, baselines: Object.fromEntries(mutated) };
  });
  const ofSources = (await sourceMutants(ROOT)).map(({ name, likely, file, text }): Mutant => ({
    name,
    likely: [likely],
    baselines,
    node: startedWith({ file, text }),
  }));
  return [...ofMachines, ...ofSources];
}

const startedWith = (mutated: MutatedSource): NodeOptions => ({
  execArgv: ['--import', PRELOAD.href],
  env: { ...process.env, [MUTATED_SOURCE]: JSON.stringify(mutated) },
});
