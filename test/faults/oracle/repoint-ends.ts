/** How going back can end, in its own words. */
import { STATE_NAMES } from '../../../core/contract/state-names.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import type { Outcome } from '../../../sandbox/engine/outcome.ts';

export type RepointEnd =
  | 'repointed'
  | 'repointed without record'
  | 'not repointed'
  | 'put back'
  | 'not put back'
  | 'not verified'
  | 'stopped';

const ENDS: Readonly<Record<string, RepointEnd>> = {
  [STATE_NAMES.repointed]: 'repointed',
  [STATE_NAMES.repointedWithoutRecord]: 'repointed without record',
  [STATE_NAMES.notRepointed]: 'not repointed',
  [STATE_NAMES.putBack]: 'put back',
  [STATE_NAMES.notEverythingPutBack]: 'not put back',
  [STATE_NAMES.putBackNotVerified]: 'not verified',
};

/** How an execution says that it ended; undefined when it ended anywhere else. */
export function repointEndOf({ history }: Execution, outcome: Outcome): RepointEnd | undefined {
  if (outcome.status === 'ABORTED' || outcome.status === 'TIMED_OUT') return 'stopped';
  const end = ENDS[history.path.at(-1) ?? ''];
  return (outcome.status === 'SUCCEEDED') === (end === 'repointed') ? end : undefined;
}
