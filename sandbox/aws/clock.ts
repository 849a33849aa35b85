/**
 * Virtual time. Nothing waits for real: when the event loop has nothing left to do, the clock jumps to the earliest
 * sleeper. Sleepers of one instant wake in the order they went to sleep.
 */
interface Timer {
  readonly at: number;
  readonly order: number;
  /** A background timer fires when time passes it, but time does not move for its sake. */
  readonly background: boolean;
  readonly fire: () => void;
}

/** Turns of the event loop that must be quiet before the clock jumps; chains of setImmediate need more than one. */
const QUIET_TURNS = 2;

export class Clock {
  #now: number;
  #order = 0;
  #holds = 0;
  #ended = false;
  #released = 0;
  #quiet = 0;
  #watching = false;
  #foreground = 0;
  readonly #timers: Timer[] = [];

  constructor(startAt: Date) {
    this.#now = startAt.getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  /** Virtual milliseconds since 1970. */
  milliseconds(): number {
    return this.#now;
  }

  /** Resolves `ms` virtual milliseconds from now; rejects with the signal's reason when it is aborted before. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = this.#add(ms, false, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      const abort = (): void => {
        this.#remove(timer);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('The sleep was aborted.'));
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Runs `effect` when time passes `ms` from now. Time does not move for its sake. */
  after(ms: number, effect: () => void): void {
    this.#add(ms, true, effect);
  }

  /** Stops the clock while `work` does real input or output, which the event loop cannot tell from being idle. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await work();
    } finally {
      this.#holds--;
      this.activity();
    }
  }

  /** Lets time go on, whoever holds it, while `work` waits for this world and not for the real one. */
  async release<T>(work: () => Promise<T>): Promise<T> {
    this.#released++;
    this.activity();
    try {
      return await work();
    } finally {
      this.#released--;
    }
  }

  /** The end of the world: nobody who sleeps wakes any more. */
  end(): void {
    this.#timers.length = 0;
    this.#foreground = 0;
    this.#ended = true;
  }

  /** Tells the clock that something just happened, so that it looks again before it jumps. */
  activity(): void {
    this.#quiet = 0;
    this.#watch();
  }

  get #isHeld(): boolean {
    return this.#holds > 0 && this.#released === 0;
  }

  #add(ms: number, background: boolean, fire: () => void): Timer {
    const at = this.#now + Math.max(0, ms);
    const timer: Timer = { at, order: this.#order++, background, fire };
    this.#timers.splice(this.#position(at), 0, timer);
    if (!background) this.#foreground++;
    this.activity();
    return timer;
  }

  /** The index behind every timer that fires at `at` or before. */
  #position(at: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const timer = this.#timers[middle];
      if (timer !== undefined && timer.at <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(timer: Timer): void {
    const index = this.#timers.indexOf(timer);
    if (index < 0) return;
    this.#timers.splice(index, 1);
    if (!timer.background) this.#foreground--;
  }

  #watch(): void {
    if (this.#ended || this.#watching || this.#isHeld || this.#foreground === 0) return;
    this.#watching = true;
    setImmediate(() => {
      this.#watching = false;
      if (this.#ended || this.#isHeld) return;
      if (++this.#quiet >= QUIET_TURNS) this.#jump();
      this.#watch();
    });
  }

  /** Wakes one sleeper, and fires every background timer before it. */
  #jump(): void {
    while (this.#foreground > 0) {
      const timer = this.#timers.shift();
      if (timer === undefined) return;
      this.#now = timer.at;
      timer.fire();
      if (timer.background) continue;
      this.#foreground--;
      this.#quiet = 0;
      return;
    }
  }
}
