/** Plays scenarios in several threads; each has its own copy of every module, and so its own bound SDK clients. */
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import type { Ground, Size } from './ground.ts';
import type { Scenario } from './play.ts';

export interface Broken {
  readonly id: string;
  readonly violations: readonly string[];
}

export interface Work {
  readonly grounds: Readonly<Partial<Record<Size, Ground>>>;
  readonly scenarios: readonly Scenario[];
  readonly workers: number;
  /** Stops at the first scenario that is broken, and not merely meaningless because calls are made in another order. */
  readonly untilBroken?: boolean;
  /** What Node is started with, for instance a hook that changes a module. */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Watching {
  /** Called now and then with how many were played, and how many of them were broken. */
  readonly onProgress?: (done: number, bad: number) => void;
  readonly onBroken?: (broken: Broken) => void;
}

/** What a scenario says when it could not do what it is about. */
const isMeaningless = (violation: string): boolean =>
  /^suite: (no call met|.* was never reached)/.test(violation);

const playedSchema = z.object({ index: z.number(), violations: z.array(z.string()), missed: z.boolean() });
/** The part of the scenarios in which a second fault may find nothing to strike. */
const MAY_MISS = 0.03;
const PROGRESS_MS = 15_000;

export async function playInWorkers(
  { grounds, scenarios, workers, untilBroken = false, execArgv = [], env = process.env }: Work,
  { onProgress, onBroken }: Watching = {},
): Promise<Broken[]> {
  const broken: Broken[] = [];
  let next = 0;
  let done = 0;
  let missing = 0;
  const progress = setInterval(() => onProgress?.(done, broken.length), PROGRESS_MS);
  const one = async (): Promise<void> => {
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: { grounds, scenarios },
      execArgv: [...process.execArgv, ...execArgv],
      env,
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    const ended = Promise.withResolvers<void>();
    const give = (): void => {
      if (next >= scenarios.length || (untilBroken && broken.length > 0)) void worker.terminate();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread is no window.
      else worker.postMessage(next++);
    };
    worker.on('message', (message: unknown) => {
      const { index, violations, missed } = playedSchema.parse(message);
      done++;
      if (missed) missing++;
      if (violations.length > 0 && !(untilBroken && violations.every(isMeaningless))) {
        const found = { id: scenarios[index]?.id ?? '?', violations };
        broken.push(found);
        onBroken?.(found);
      }
      give();
    });
    worker.on('error', ended.reject);
    worker.on('exit', () => ended.resolve());
    give();
    await ended.promise;
  };
  try {
    await Promise.all(Array.from({ length: workers }, one));
  } finally {
    clearInterval(progress);
  }
  if (!untilBroken && done < scenarios.length)
    broken.push({ id: 'suite', violations: [`suite: ${scenarios.length - done} scenarios were not played`] });
  if (!untilBroken && missing > done * MAY_MISS)
    broken.push({
      id: 'suite',
      violations: [`suite: in ${missing} scenarios a fault found nothing to strike`],
    });
  return broken;
}
