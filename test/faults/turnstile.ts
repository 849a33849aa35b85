/** Lets two releases make their calls in an order that was chosen beforehand. */
import type { Actor } from './ground.ts';
import type { Point } from './points.ts';

/** `first` makes so many of the calls that count, then the other one, then `first` to its end. */
export interface Turns {
  readonly first: Actor;
  readonly calls: number;
  readonly callsOfOther: number;
}

/** What consumers see depends on these; where the two are while they bake does not matter. */
const COUNTED = /^(Publish release|Withdraw publication|Apply version tags|Deregister)/;

/** Not what Step Functions itself calls, and no assumed role: other calls of the same function wait for that. */
export const isCounted = ({ who, state, by, operation }: Point): boolean =>
  who !== 'sweep' && by === 'state' && COUNTED.test(state) && !/^(sts|lambda|states):/.test(operation);

export class Turnstile {
  readonly #turns: Turns;
  readonly #made: Record<Actor, number> = { A: 0, B: 0 };
  readonly #gone = new Set<Actor>();
  #waiting: { readonly who: Actor; readonly go: () => void }[] = [];

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Waits until it is this call's turn; calls that do not count never wait. */
  pass(point: Point): Promise<void> | undefined {
    return point.who !== 'sweep' && isCounted(point) ? this.#admitted(point.who) : undefined;
  }

  async #admitted(who: Actor): Promise<void> {
    while (this.#turn() !== who) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ who, go: resolve });
      await promise;
    }
    this.#made[who]++;
    this.#wake();
  }

  /** One of the two has ended: the other need not wait for it. */
  leave(who: Actor | undefined): void {
    if (who) this.#gone.add(who);
    this.#wake();
  }

  #turn(): Actor {
    const { first, calls, callsOfOther } = this.#turns;
    const other = first === 'A' ? 'B' : 'A';
    if (this.#gone.has(first)) return other;
    if (this.#gone.has(other) || this.#made[first] < calls) return first;
    return this.#made[other] < callsOfOther ? other : first;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { go } of waiting) go();
  }
}
