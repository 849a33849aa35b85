/** `packleader cancel`: stops a release, and waits until nothing is left of it. */
import { userInfo } from 'node:os';
import { targetName } from '../tasks/contract.ts';
import { REAL_TIME } from './client.ts';
import { type Cancellation, cancelRelease } from './client/cancel.ts';
import { WaitTimedOut } from './client/errors.ts';
import { SweepFailed } from './client/sweep.ts';
import { EXIT } from './exit-codes.ts';
import { type HubFlags, hubFrom } from './hub-option.ts';
import type { Output } from './output.ts';
import { type Seat, untilInterrupted } from './seat.ts';

export interface CancelCommandOptions extends HubFlags {
  readonly json: boolean;
  readonly reason?: string;
}

export async function cancelCommand(
  release: string,
  options: CancelCommandOptions,
  output: Output,
  seat: Seat = {},
): Promise<number> {
  const { json, reason } = options;
  const hub = hubFrom(options);
  const cause = `Cancelled by ${userInfo().username}${reason === undefined ? '' : `: ${reason}`}`;
  try {
    const cancelled = await untilInterrupted(seat, async (signal) =>
      cancelRelease(release, {
        clock: REAL_TIME,
        ...seat,
        ...(hub && { hub }),
        signal,
        cause,
        onSweeping: (releaseId) => !json && output.status(`stopped; sweeping ${releaseId}…`),
      }),
    );
    output.status('');
    if (cancelled === 'interrupted') return unknown('stopped waiting', release, output);
    if (json) output.print(`${JSON.stringify(cancelled, null, 2)}\n`);
    else for (const line of lines(cancelled, output)) output.print(`${line}\n`);
    return CODES[cancelled.outcome];
  } catch (error) {
    if (!(error instanceof SweepFailed || error instanceof WaitTimedOut)) throw error;
    return unknown(error.message, release, output);
  }
}

const CODES = {
  released: EXIT.released,
  'rolled back': EXIT.rolledBack,
  'rollback incomplete': EXIT.rollbackIncomplete,
} as const;

/** The release is stopped, and its end has started a sweep of its own. */
function unknown(why: string, release: string, output: Output): number {
  output.status('');
  output.complain(`${why}; it is swept all the same. To wait for it again: packleader cancel ${release}\n`);
  return EXIT.unknown;
}

function lines({ releases }: Cancellation, { paint }: Output): string[] {
  if (releases.length === 0) return ['stopped before any image was begun: nothing is left'];
  return releases.flatMap(({ releaseId, outcome, leftovers }) => [
    outcome === 'released'
      ? `${paint('bold', releaseId)}  ${paint('green', 'released')}: it was too late to cancel it`
      : `${paint('bold', releaseId)}  ${paint('red', outcome)}`,
    ...leftovers.map((one) => `  ${paint('red', 'left')}  ${targetName(one)}  ${one.resourceId}: ${one.why}`),
  ]);
}
