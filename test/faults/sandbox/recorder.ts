/** Every call that a play made, and what decides which faults make sense for it: the next scenarios are made of that. */
import type { InjectionPoint } from '../player/injection-points.ts';

export interface RecordedCall {
  readonly point: InjectionPoint;
  readonly mutating: boolean;
  /** Of its answer, when that is a list; of its request, when that names several things. */
  readonly items: number;
  /** How many different older answers there are. */
  readonly olderAnswers: number;
}

export class Recorder {
  readonly #calls: RecordedCall[] = [];
  #beforeInjection = 0;

  get calls(): readonly RecordedCall[] {
    return this.#calls;
  }

  /** The calls after the latest fault was met for the first time; a further fault there does not keep it from being met. */
  get callsSinceInjection(): readonly RecordedCall[] {
    return this.#calls.slice(this.#beforeInjection);
  }

  /** A fault is met for the first time. */
  injected(): void {
    this.#beforeInjection = this.#calls.length;
  }

  /** Returns what completes the entry, once the answer is there. */
  begin(call: RecordedCall): (items: number) => void {
    const index = this.#calls.push(call) - 1;
    return (items) => void (this.#calls[index] = { ...call, items });
  }
}
