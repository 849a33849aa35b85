import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../../../sandbox/aws/clock.ts';
import type { Origin } from './origin.ts';

/**
 * Virtual time, which stands still while anybody does something for real: a request, or the SDK's own wait before it tries
 * again. Only who sleeps here, or waits for others, lets it go on.
 */
export class RealWork {
  readonly #clock: Clock;
  readonly #inside = new AsyncLocalStorage<Worker>();
  #busy = 0;
  #release: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async around<T>(work: (at: Work) => Promise<T>): Promise<T> {
    const worker = { works: false };
    const end = (): void => this.#end(worker);
    const idle = async (wait: () => Promise<void>): Promise<void> => {
      end();
      try {
        await wait();
      } finally {
        this.#begin(worker);
      }
    };
    this.#begin(worker);
    try {
      return await this.#inside.run(worker, async () => work({ forget: end, idle }));
    } finally {
      end();
    }
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const worker = this.#inside.getStore();
    if (worker) this.#end(worker);
    try {
      await this.#clock.sleep(ms, signal);
    } finally {
      if (worker) this.#begin(worker);
    }
  }

  #begin(worker: Worker): void {
    if (worker.works) return;
    worker.works = true;
    if (this.#busy++ > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#release = resolve;
    void this.#clock.hold(() => promise);
  }

  #end(worker: Worker): void {
    if (!worker.works) return;
    worker.works = false;
    if (--this.#busy === 0) this.#release();
  }
}

interface Worker {
  works: boolean;
}

export interface Work extends Pick<Origin, 'idle'> {
  /** Makes time forget this work, which may never end. */
  readonly forget: () => void;
}
