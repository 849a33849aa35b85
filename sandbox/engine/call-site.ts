import { AsyncLocalStorage } from 'node:async_hooks';

/** Where in the workflow an AWS call is made from; faults are aimed with it. */
export interface CallSite {
  readonly machine: string;
  /** The state at the top of the graph, as a person names it. */
  readonly state: string;
  /** Whose role the call is made with, unless it assumes another: the name of the function, or of the machine itself. */
  readonly by: string;
  /** The name of the execution; of the one that started it, when the state belongs to that. */
  readonly execution: string;
  /** Set by a fault: a call of this Task never answered. */
  hangs?: boolean;
  /** Called by a fault: this attempt never answers (`hangs`), or its Lambda function ends without a word (`dies`). */
  readonly lose: (how: 'hangs' | 'dies') => void;
  /** Set once the attempt was given up: what it still does reaches AWS no more. */
  over?: boolean;
}

const sites = new AsyncLocalStorage<CallSite>();

/** The state on whose behalf the current code runs; undefined outside the workflow. */
export const currentState = (): CallSite | undefined => sites.getStore();

/** Runs something, and whatever it starts, on behalf of a state. */
export async function runAt<T>(site: CallSite, what: () => Promise<T>): Promise<T> {
  return sites.run(site, what);
}

/** Runs something that a person does while states run, on behalf of none of them. */
export const runOutside = <T>(what: () => T): T => sites.exit(what);
