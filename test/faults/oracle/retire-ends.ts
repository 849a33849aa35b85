/** How an inventory, a run that retires, and one that takes back can end, in their own words. */
import { STATE_NAMES } from '../../../core/contract/state-names.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import type { Outcome } from '../../../sandbox/engine/outcome.ts';

export type RetireEnd =
  | 'taken'
  | 'inventory incomplete'
  | 'no inventory'
  | 'retired'
  | 'retirement incomplete'
  | 'not retired'
  | 'restored'
  | 'not restored'
  | 'stopped';

const ENDS: Readonly<Record<string, RetireEnd>> = {
  [STATE_NAMES.inventoryTaken]: 'taken',
  [STATE_NAMES.inventoryIncomplete]: 'inventory incomplete',
  [STATE_NAMES.noInventory]: 'no inventory',
  [STATE_NAMES.retired]: 'retired',
  [STATE_NAMES.retirementIncomplete]: 'retirement incomplete',
  [STATE_NAMES.notRetired]: 'not retired',
  [STATE_NAMES.restored]: 'restored',
  [STATE_NAMES.notRestored]: 'not restored',
};

const GOOD: readonly (RetireEnd | undefined)[] = ['taken', 'retired', 'restored'];

/** How an execution says that it ended; undefined when it ended anywhere else. */
export function retireEndOf({ history }: Execution, outcome: Outcome): RetireEnd | undefined {
  if (outcome.status === 'ABORTED' || outcome.status === 'TIMED_OUT') return 'stopped';
  const end = ENDS[history.path.at(-1) ?? ''];
  return (outcome.status === 'SUCCEEDED') === GOOD.includes(end) ? end : undefined;
}
