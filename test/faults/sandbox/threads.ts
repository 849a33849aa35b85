/** Plays scenarios in several threads; each has its own copy of every module, and so its own bound SDK clients. */
import { Worker as Thread } from 'node:worker_threads';
import * as z from 'zod';
import type { Baseline, Size } from '../player/baseline.ts';
import { type Worker, playInPool } from '../player/pool.ts';
import type { Played } from '../player/scenario.ts';
import type { SandboxScenario } from './play-in-sandbox.ts';

export interface Violated {
  readonly id: string;
  readonly violations: readonly string[];
}

export interface Work {
  readonly baselines: Readonly<Partial<Record<Size, Baseline>>>;
  readonly scenarios: readonly SandboxScenario[];
  readonly workers: number;
  /** Stops at the first scenario that is violated, and not merely meaningless because calls are made in another order. */
  readonly untilViolated?: boolean;
  /** What Node is started with, for instance a hook that changes a module. */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface ProgressListener {
  /** Called now and then with how many were played, and how many of them were violated. */
  readonly onProgress?: (done: number, violated: number) => void;
  readonly onViolated?: (violated: Violated) => void;
}

/** What a scenario says when it could not do what it is about. */
const isMeaningless = (violation: string): boolean =>
  /^suite: (no call met|.* was never reached)/.test(violation);

const playedSchema = z.object({ violations: z.array(z.string()), missed: z.boolean() });
/** The part of the scenarios in which a second fault may find nothing to break. */
const MAY_MISS = 0.03;
const PROGRESS_MS = 15_000;

export async function playInThreads(
  work: Work,
  { onProgress, onViolated }: ProgressListener = {},
): Promise<Violated[]> {
  const { scenarios, workers, untilViolated = false } = work;
  const found: Violated[] = [];
  let done = 0;
  let missing = 0;
  const progress = setInterval(() => onProgress?.(done, found.length), PROGRESS_MS);
  function onPlayed({ id }: { readonly id: string }, { violations, missed }: Played): boolean {
    done++;
    if (missed) missing++;
    if (violations.length > 0 && !(untilViolated && violations.every(isMeaningless))) {
      found.push({ id, violations });
      onViolated?.({ id, violations });
    }
    return !untilViolated || found.length === 0;
  }
  try {
    await playInPool(scenarios, workers, () => startThread(work), onPlayed);
  } finally {
    clearInterval(progress);
  }
  function judgeSuite(what: string): void {
    const violated = { id: 'suite', violations: [`suite: ${what}`] };
    found.push(violated);
    onViolated?.(violated);
  }
  if (!untilViolated && done < scenarios.length)
    judgeSuite(`${scenarios.length - done} scenarios were not played`);
  if (!untilViolated && missing > done * MAY_MISS)
    judgeSuite(`in ${missing} scenarios a fault found nothing to break`);
  return found;
}

function startThread({ baselines, scenarios, execArgv = [], env = process.env }: Work): Worker<Played> {
  const thread = new Thread(new URL('thread.ts', import.meta.url), {
    workerData: { baselines, scenarios },
    execArgv: [...process.execArgv, ...execArgv],
    env,
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  const numbers = new Map(scenarios.map(({ id }, number) => [id, number]));
  let awaited: PromiseWithResolvers<Played> | undefined;
  let end: Error | undefined;
  function ended(error: Error): void {
    end ??= error;
    awaited?.reject(end);
  }
  thread.on('message', (message: unknown) => awaited?.resolve(playedSchema.parse(message)));
  thread.on('error', (error) => ended(error instanceof Error ? error : new Error(String(error))));
  thread.on('exit', (code) => ended(new Error(`A thread ended with the code ${code}.`)));
  return {
    play: async ({ id }) => {
      if (end !== undefined) throw end;
      awaited = Promise.withResolvers<Played>();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread is no window.
      thread.postMessage(numbers.get(id));
      return awaited.promise;
    },
    end: async () => void (await thread.terminate()),
  };
}
