/** A thread of threads.ts: plays the scenario whose number it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Baseline, Size } from '../player/baseline.ts';
import type { Played } from '../player/scenario.ts';
import { type SandboxScenario, playInSandbox } from './play-in-sandbox.ts';

// The SDK and the interpreter make many errors that nobody reads; their stacks would cost a fifth of the time.
Error.stackTraceLimit = 0;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- threads.ts made it.
const { baselines, scenarios } = workerData as {
  baselines: Readonly<Partial<Record<Size, Baseline>>>;
  scenarios: readonly SandboxScenario[];
};

parentPort?.on('message', (message: unknown) => {
  const scenario = typeof message === 'number' ? scenarios[message] : undefined;
  if (scenario === undefined) parentPort?.close();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread is no window.
  else void played(scenario).then((answer) => parentPort?.postMessage(answer));
});

async function played(scenario: SandboxScenario): Promise<Played> {
  const baseline = baselines[scenario.size];
  if (baseline === undefined) return wrong(`there is no baseline of the size ${scenario.size}`);
  try {
    return await playInSandbox(baseline, scenario);
  } catch (error) {
    return wrong(`it could not be played: ${String(error)}`);
  }
}

const wrong = (what: string): Played => ({ violations: [`suite: ${what}`], missed: false });
