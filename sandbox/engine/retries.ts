import type { Retrier, State } from './asl.ts';

/**
 * Counts a Task's attempts and waits between them on virtual time; the interpreter itself decides whether to retry, and
 * does so at once. Jitter is left out: a rehearsal is the same every time.
 */
export class Retries {
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #used = new Map<string, number[]>();

  constructor(sleep: (ms: number) => Promise<void>) {
    this.#sleep = sleep;
  }

  /** One attempt of one entry into a state; `retryCount` is how many went before it. */
  async around<T>(entry: string, state: State, attempt: (retryCount: number) => Promise<T>): Promise<T> {
    const used = this.#used.get(entry) ?? (state.Retry ?? []).map(() => 0);
    this.#used.set(entry, used);
    try {
      const result = await attempt(used.reduce((sum, count) => sum + count, 0));
      this.#used.delete(entry);
      return result;
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      const index = (state.Retry ?? []).findIndex(({ ErrorEquals }) => matches(ErrorEquals, name));
      const retrier = state.Retry?.[index];
      const before = used[index] ?? 0;
      if (!retrier || before >= (retrier.MaxAttempts ?? 3)) {
        this.#used.delete(entry);
        throw error;
      }
      used[index] = before + 1;
      await this.#sleep(waitSeconds(retrier, before) * 1000);
      throw error;
    }
  }
}

function matches(errorEquals: readonly string[], name: string): boolean {
  return errorEquals.some(
    (one) =>
      one === name || one === 'States.ALL' || (one === 'States.TaskFailed' && name !== 'States.Timeout'),
  );
}

/** How long Step Functions waits before the retry that follows `before` others.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export function waitSeconds(retrier: Retrier, before: number): number {
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Infinity } = retrier;
  return Math.min(IntervalSeconds * BackoffRate ** before, MaxDelaySeconds);
}
