import { parentPort, workerData } from 'node:worker_threads';
import type { Ground, Size } from './ground.ts';
import { type Scenario, play } from './play.ts';

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
  else void played(scenario).then((violations) => parentPort?.postMessage({ index: message, violations }));
});

async function played(scenario: Scenario): Promise<readonly string[]> {
  const ground = grounds[scenario.size];
  if (ground === undefined) return [`suite: there is no ground of the size ${scenario.size}`];
  try {
    return (await play(ground, scenario)).violations;
  } catch (error) {
    return [`suite: it could not be played: ${String(error)}`];
  }
}
