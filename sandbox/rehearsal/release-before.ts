import { NAMES } from '../../core/contract/names.ts';
import { plannedReleaseSchema } from '../../core/contract/releases.ts';
import { stepFunctionsOf } from '../aws/step-functions.ts';
import type { Sandbox } from '../sandbox.ts';
import { publishNewer } from './public-images.ts';
import { createEngine, machineArn, type ReleaseEngineOptions } from './rehearsal.ts';

export interface ReleaseBefore extends Pick<ReleaseEngineOptions, 'factory' | 'machines'> {
  readonly images: readonly string[];
  /** When the world goes on. */
  readonly until: Date;
}

/**
 * Releases images by the same machines, and lets time pass, in which publishers publish newer AMIs: what a schedule
 * compares with must be there, just as a release leaves it. Returns the images that were released.
 */
export async function releaseBefore(sandbox: Sandbox, options: ReleaseBefore): Promise<string[]> {
  const { factory, machines, images, until } = options;
  const { clock, world } = sandbox;
  const engine = await createEngine({
    factory,
    machines,
    now: () => clock.now(),
    sleep: async (ms, signal) => clock.sleep(ms, signal),
    answers: { rejects: [] },
  });
  sandbox.stepFunctions = stepFunctionsOf(engine);
  await engine.start(machineArn(factory.hub, NAMES.releaseMachine), 'before', { images }).outcome;
  await clock.sleep(until.getTime() - clock.milliseconds());
  const regions = factory.stages.flatMap(({ targets }) => targets.map(({ region }) => region));
  for (const region of new Set(regions)) publishNewer(world, region);
  const released: string[] = [];
  for (const { machine, input, outcome } of engine.executions) {
    if (machine.name !== NAMES.releaseImageMachine || (await outcome).status !== 'SUCCEEDED') continue;
    released.push(plannedReleaseSchema.parse(input).release.image);
  }
  return released;
}
