/** Makes the calls of two releases interleave as a schedule says, so that every interleaving can be played again. */
import type { Actor } from './baseline.ts';
import type { InjectionPoint } from './injection-points.ts';

/** `first` makes so many of the scheduled calls, then the other one, then `first` to its end. */
export interface Schedule {
  readonly first: Actor;
  readonly calls: number;
  readonly callsOfOther: number;
}

/** What consumers see depends on these, and what others may copy; where the two are while they bake does not matter. */
const SCHEDULED = /^(Copy|Unshare|Publish release|Withdraw publication|Apply version tags|Deregister)/;

/** Not what Step Functions itself calls, and no assumed role: other calls of the same function wait for that. */
export const isScheduled = ({ who, state, by, operation }: InjectionPoint): boolean =>
  (who === 'A' || who === 'B') &&
  by === 'state' &&
  SCHEDULED.test(state) &&
  !/^(sts|lambda|states):/.test(operation);

export class StepScheduler {
  readonly #schedule: Schedule;
  readonly #made: Record<Actor, number> = { A: 0, B: 0 };
  readonly #ended = new Set<Actor>();
  #waiting: { readonly who: Actor; readonly proceed: () => void }[] = [];

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Waits until it is this call's turn; calls that are not scheduled never wait. */
  admit(point: InjectionPoint): Promise<void> | undefined {
    const { who } = point;
    return (who === 'A' || who === 'B') && isScheduled(point) ? this.#turnOf(who) : undefined;
  }

  async #turnOf(who: Actor): Promise<void> {
    while (this.#next() !== who) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ who, proceed: resolve });
      await promise;
    }
    this.#made[who]++;
    this.#wake();
  }

  /** One of the two has ended: the other need not wait for it. */
  end(who: Actor | undefined): void {
    if (who) this.#ended.add(who);
    this.#wake();
  }

  #next(): Actor {
    const { first, calls, callsOfOther } = this.#schedule;
    const other = first === 'A' ? 'B' : 'A';
    if (this.#ended.has(first)) return other;
    if (this.#ended.has(other) || this.#made[first] < calls) return first;
    return this.#made[other] < callsOfOther ? other : first;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { proceed } of waiting) proceed();
  }
}
