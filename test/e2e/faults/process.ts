/** One of the processes of processes.ts: a moto, a proxy before it, and one scenario after the other. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { targetsOf } from '../../faults/player/baseline.ts';
import { Moto } from '../moto.ts';
import { playOnMoto } from './play-on-moto.ts';
import type { Preparation } from './processes.ts';
import { Proxy } from './wire/proxy.ts';
import { scenarios } from './scenarios.ts';

// Every failed call makes errors that nobody reads.
Error.stackTraceLimit = 10;

const [number = '0'] = process.argv.slice(2);
const orderSchema = z.object({ play: z.string() });

const send = async (message: object): Promise<void> =>
  new Promise((resolve) => void process.send?.(message, () => resolve()));

async function begin({ python, directory, roles, baselines }: Preparation): Promise<void> {
  const own = join(directory, number);
  mkdirSync(own, { recursive: true });
  const { hub, bucket } = baselines.four;
  const moto = await Moto.start({
    python,
    directory: own,
    hub,
    accounts: [...new Set(targetsOf(baselines.four).map(({ accountId }) => accountId))],
    roles,
    bucket,
    launchSeconds: 0,
  });
  const proxy = await Proxy.start();
  process.env['AWS_ENDPOINT_URL'] = proxy.endpoint;
  process.on('message', (message) => {
    const { play: id } = orderSchema.parse(message);
    const scenario = scenarios.find((one) => one.id === id);
    if (scenario?.size !== 'two' && scenario?.size !== 'four')
      throw new Error(`There is no scenario "${id}".`);
    playOnMoto(moto, proxy, baselines[scenario.size], scenario).then(send, async (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      await send({ violations: [`suite: it could not be played: ${text}`], missed: false, calls: [] });
    });
  });
  await send({ ready: true });
}

process.once('message', (message) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- processes.ts made it.
  begin(message as Preparation).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
