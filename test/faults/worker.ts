import { parentPort, workerData } from 'node:worker_threads';
import type { Ground, Size } from './ground.ts';
import { type Played, type Scenario, play } from './play.ts';

// The SDK and the interpreter make many errors that nobody reads; their stacks would cost a fifth of the time.
Error.stackTraceLimit = 0;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- workers.ts made it.
const { grounds, scenarios } = workerData as {
  grounds: Readonly<Partial<Record<Size, Ground>>>;
  scenarios: readonly Scenario[];
};

parentPort?.on('message', (message: unknown) => {
  const scenario = typeof message === 'number' ? scenarios[message] : undefined;
  if (scenario === undefined) parentPort?.close();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread is no window.
  else void played(scenario).then((answer) => parentPort?.postMessage({ index: message, ...answer }));
});

async function played(scenario: Scenario): Promise<Pick<Played, 'violations' | 'missed'>> {
  const ground = grounds[scenario.size];
  if (ground === undefined) return wrong(`there is no ground of the size ${scenario.size}`);
  try {
    const { violations, missed } = await play(ground, scenario);
    return { violations, missed };
  } catch (error) {
    return wrong(`it could not be played: ${String(error)}`);
  }
}

const wrong = (what: string) => ({ violations: [`suite: ${what}`], missed: false });
