/** Releases that are stopped, and the sweep after them, on the sandbox. */
import * as z from 'zod';
import { NAMES } from '../../../core/contract/names.ts';
import type { SweepRequest } from '../../../core/contract/requests.ts';
import { type SweepReport, sweepReportSchema } from '../../../core/contract/sweeps.ts';
import { currentState } from '../../../sandbox/engine/call-site.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import { type WorldSnapshot, snapshotOf } from '../../../sandbox/aws/world.ts';
import { type OperatedHub, RELEASE_MACHINE, machineArn, operatedHub } from '../../cli/hub.ts';
import type { MadeUpFactory } from './rehearsing.ts';

export const HOUR_MS = 3_600_000;

/** Where an execution is stopped: at the first call of a state that the test chooses. */
export type StopPoint = (call: Call, state: string) => boolean;

/** Starts a release of everything and stops the transaction of its first image when the point comes. */
export async function stoppedRelease(
  hub: OperatedHub,
  { at, after = false }: { readonly at: StopPoint; readonly after?: boolean },
): Promise<Execution> {
  const { engine, sandbox } = hub;
  const stopped = { it: false };
  const newest = () =>
    engine.executions.findLast(({ machine }) => machine.name === NAMES.releaseImageMachine);
  const stop = () => {
    newest()?.stop();
    stopped.it = true;
  };
  const remove = sandbox.intercept(async (call, next) => {
    const here = !stopped.it && at(call, currentState()?.state ?? '');
    if (here && !after) stop();
    const answer = await next();
    if (here && after) stop();
    return answer;
  });
  const parent = engine.start(RELEASE_MACHINE, `stopped-${engine.executions.length}`, {});
  await parent.outcome;
  remove();
  const release = newest();
  if (!release || !stopped.it)
    throw new Error(`the release was never stopped: ${JSON.stringify(await parent.outcome)}`);
  return release;
}

/** Runs one sweep to its end, and returns what it reports. */
export async function sweep(hub: OperatedHub, request: SweepRequest = {}): Promise<SweepReport> {
  const name = `sweep-${hub.engine.executions.length}`;
  const execution = hub.engine.start(machineArn(NAMES.sweepMachine), name, request);
  const outcome = await execution.outcome;
  const reported = z
    .object({ report: sweepReportSchema })
    .safeParse(execution.history.outputs.get('Report sweep'));
  if (!reported.success) throw new Error(`the sweep reported nothing: ${JSON.stringify(outcome)}`);
  return reported.data.report;
}

/** What everybody owns now, once what was set in motion has come to rest. */
export async function settledWorld({ sandbox }: OperatedHub): Promise<Record<string, WorldSnapshot>> {
  await sandbox.clock.sleep(600_000);
  return snapshotOf(sandbox.world);
}

export async function withHub(
  made: MadeUpFactory,
  use: (hub: OperatedHub) => Promise<void>,
  ...options: Parameters<typeof operatedHub> extends [unknown, ...infer R] ? R : never
): Promise<void> {
  const hub = await operatedHub(made, ...options);
  try {
    await use(hub);
  } finally {
    await hub.close();
  }
}
