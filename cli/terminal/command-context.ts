/** Where a command that talks to AWS is run: with whose clients, on what time, and until when. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Clock } from '../../client/client.ts';

export interface CommandContext {
  readonly client?: SFNClient;
  readonly clock?: Clock;
  /** Aborted when the user has had enough; Ctrl-C by default. */
  readonly signal?: AbortSignal;
}

/** Runs something until it ends or the user presses Ctrl-C; a second Ctrl-C ends the program at once. */
export async function untilInterrupted<T>(
  { signal }: CommandContext,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T | 'interrupted'> {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
  try {
    return await run(either);
  } catch (error) {
    if (either.aborted && error === either.reason) return 'interrupted';
    throw error;
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}
