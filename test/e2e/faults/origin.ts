/** Where a request comes from: a header that no service reads tells the proxy which task, or which build, made it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import type { Clock } from '../../../sandbox/aws/clock.ts';

/** One attempt of a task, or a build. */
export interface Origin {
  readonly execution: string;
  /** The state at the top of the graph. */
  readonly state: string;
  readonly by: 'state' | 'packer';
  /** Whether it was given up: its requests reach AWS no more. */
  readonly isOver: () => boolean;
  /** A request of it will never be answered. */
  readonly hang: () => void;
  /** Lets virtual time go on while a request of it waits for somebody else. */
  readonly idle: (wait: () => Promise<void>) => Promise<void>;
  /** Its process ends at once. */
  readonly kill: () => void;
}

export const ORIGIN_HEADER = 'x-packleader-origin';

const origins = new AsyncLocalStorage<Origin>();
const ids = new Map<string, Origin>();
const idsOf = new WeakMap<Origin, string>();

diagnostics.subscribe('http.client.request.created', (message) => {
  const origin = origins.getStore();
  const request: unknown = Reflect.get(Object(message), 'request');
  if (origin !== undefined && request instanceof ClientRequest)
    request.setHeader(ORIGIN_HEADER, idOf(origin));
});

function idOf(origin: Origin): string {
  const id = idsOf.get(origin) ?? String(ids.size + 1);
  idsOf.set(origin, id);
  ids.set(id, origin);
  return id;
}

export const originOf = (id: string | undefined): Origin | undefined => ids.get(id ?? '');

export const asOrigin = async <T>(origin: Origin, run: () => Promise<T>): Promise<T> =>
  origins.run(origin, run);

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
