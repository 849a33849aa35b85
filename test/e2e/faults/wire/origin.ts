/** Where a request comes from: a header that no service reads tells the proxy which task, or which build, made it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';

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
