/** Processes that play scenarios: each has a moto, a proxy and clients of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import * as z from 'zod';
import type { Baseline } from '../../faults/player/baseline.ts';
import { secondsSince } from '../../faults/player/command-line.ts';
import type { Worker } from '../../faults/player/pool.ts';
import { atEnd } from '../at-end.ts';
import type { DeployedRole } from '../moto.ts';
import type { PlayedOnWire } from './play-on-moto.ts';

/** What a process needs to begin. */
export interface Preparation {
  readonly python: string;
  readonly directory: string;
  readonly roles: readonly DeployedRole[];
  readonly baselines: Readonly<Record<'two' | 'four', Baseline>>;
}

const readySchema = z.object({ ready: z.literal(true) });
const playedSchema = z.object({
  violations: z.array(z.string()),
  missed: z.boolean(),
  calls: z.array(z.string()),
});

/** A process that ends in a scenario is a violation of it; the next scenario gets a new one. */
export function startProcess(
  preparation: Preparation,
  number: number,
): Worker<PlayedOnWire & { readonly seconds: number }> {
  let running: Promise<ChildProcess> | undefined;
  return {
    play: async ({ id }) => {
      const startedAt = performance.now();
      try {
        running ??= prepared(preparation, number);
        const child = await running;
        const answer = nextMessage(child);
        child.send({ play: id });
        return { ...playedSchema.parse(await answer), seconds: secondsSince(startedAt) };
      } catch (error) {
        running = undefined;
        const violations = [`suite: ${String(error)}`];
        return { violations, missed: false, calls: [], seconds: secondsSince(startedAt) };
      }
    },
    end: async () => {
      const child = await running;
      if (child === undefined) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await ended;
    },
  };
}

async function prepared(preparation: Preparation, number: number): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'process.ts'), [String(number)], {
    serialization: 'advanced',
  });
  const forget = atEnd(() => void child.kill('SIGTERM'));
  child.once('exit', forget);
  const answer = nextMessage(child);
  child.send(preparation);
  readySchema.parse(await answer);
  return child;
}

/** @throws Error when the process ends before it says anything */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onExit = (status: number | null): void =>
    reject(new Error(`its process ended with the status ${status}`));
  child.once('exit', onExit);
  child.once('message', (message) => {
    child.off('exit', onExit);
    resolve(message);
  });
  return promise;
}
