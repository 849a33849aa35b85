/** `packleader cancel`: stops a release, and waits until nothing is left of it. */
import { userInfo } from 'node:os';
import { cancelRelease } from '../../../client/client.ts';
import { WaitTimedOut, SweepFailed } from '../../../client/errors.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { lines } from './tell.ts';

export interface CancelCommandOptions extends HubFlags {
  readonly json: boolean;
  readonly reason?: string;
}

export async function cancelCommand(
  release: string,
  options: CancelCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { json, reason } = options;
  const hub = hubFrom(options);
  const cause = `Cancelled by ${userInfo().username}${reason === undefined ? '' : `: ${reason}`}`;
  try {
    const cancelled = await untilInterrupted(context, async (signal) =>
      cancelRelease(release, {
        ...context,
        ...(hub && { hub }),
        signal,
        cause,
        onSweeping: (releaseId) => !json && output.status(`stopped; sweeping ${releaseId}…`),
      }),
    );
    output.status('');
    if (cancelled === 'interrupted') return unknown('stopped waiting', release, output);
    if (json) output.print(jsonText(cancelled));
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
