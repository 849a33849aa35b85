/** Plays scenarios at several places at the same time. */
import type { Scenario } from './scenario.ts';

/** A thread or a process, which plays one scenario after the other. */
export interface Worker<Answer> {
  readonly play: (scenario: Scenario) => Promise<Answer>;
  readonly end: () => Promise<void>;
}

/** Every worker takes the next scenario when it has done with one. `onPlayed` says whether to go on. */
export async function playInPool<Answer>(
  scenarios: readonly Scenario[],
  workers: number,
  start: (number: number) => Worker<Answer>,
  onPlayed: (scenario: Scenario, answer: Answer) => boolean,
): Promise<void> {
  let next = 0;
  async function work(_: unknown, number: number): Promise<void> {
    const worker = start(number);
    try {
      for (let scenario = scenarios[next++]; scenario; scenario = scenarios[next++]) {
        if (!onPlayed(scenario, await worker.play(scenario))) next = scenarios.length;
      }
    } finally {
      await worker.end();
    }
  }
  await Promise.all(Array.from({ length: Math.min(workers, scenarios.length) }, work));
}
