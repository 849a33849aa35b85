/** Makes scenarios of a category, with ids that say all that makes them what they are. */
import type { Past } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import { isOfService, passes } from './fault-model.ts';
import type { RollbackTrigger } from './rollback-triggers.ts';
import type { SeededSampler } from './seeded-sampler.ts';

export interface Category {
  readonly name: string;
  readonly scenarios: readonly SandboxScenario[];
  /** Fewer than so many are a fault of the suite. */
  readonly atLeast: number;
}

/** The first one is the usual one. */
export const PASTS: readonly Past[] = ['released before', 'first release', 'latest by hand'];

/** Categories in which several actors call at once. */
const AT_ONCE = /sweep|stopped|two releases/;

export type ScenarioParts = Partial<SandboxScenario> & {
  /** What the id says beside category and past. */
  readonly labels?: readonly string[];
};

export function scenarioOf(category: string, parts: ScenarioParts): SandboxScenario {
  const {
    labels = [],
    past = 'released before',
    size = 'four',
    actors = ['A'],
    faults = [],
    ...rest
  } = parts;
  const id = [category, ...(past === 'released before' ? [] : [past]), ...labels].join(' | ');
  // What AWS can have shown before, and who calls first of those that work at once, depends on a moment.
  const mayMiss = faults.some(({ kind }) => kind.startsWith('stale')) || AT_ONCE.test(category);
  return { ...rest, id, size, past, actors, faults, ...(mayMiss && { mayMiss }) };
}

/** One fault in a release that has none otherwise. */
export const withFault = (category: string, past: Past, fault: SandboxFault): SandboxScenario =>
  scenarioOf(category, {
    past,
    faults: [fault],
    labels: [nameOfFault(fault)],
    ...(passes(fault) && { ends: ['released'] }),
  });

/** A task that does not answer is called once more, and not twice. */
const areTooSlow = (faults: readonly SandboxFault[]): boolean =>
  faults.filter(({ kind }) => kind.startsWith('slow')).length > 1;

/** A release that is undone, and what else fails in it. */
export const rolledBack = (
  category: string,
  past: Past,
  { name, faults }: RollbackTrigger,
  more: readonly SandboxFault[],
): SandboxScenario =>
  scenarioOf(category, {
    past,
    faults: [...faults, ...more],
    labels: [name, ...more.map(nameOfFault)],
    ...(more.every(passes) && !areTooSlow(more) && { ends: ['rolled back'] }),
  });

export const idOf = ({ id }: SandboxScenario): string => id;

/** Faults of a whole task or build are few, and all of them are played; of the rest a sample. */
export function sampleOfCalls(
  all: readonly SandboxScenario[],
  count: number,
  sampler: SeededSampler,
): SandboxScenario[] {
  const isWhole = ({ faults }: SandboxScenario): boolean => isOfService(faults.at(-1)?.point.operation ?? '');
  const whole = all.filter(isWhole);
  const rest = all.filter((one) => !isWhole(one));
  return [...whole, ...sampler.sampleOrAll(rest, count - whole.length, idOf)];
}
