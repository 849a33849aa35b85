/** One of the processes of main.ts: a moto, a proxy before it, and one scenario after the other. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { targetsOf } from '../../faults/ground.ts';
import { Moto } from '../moto.ts';
import type { Preparation } from './main.ts';
import { play } from './play.ts';
import { Proxy } from './proxy.ts';
import { scenarios } from './scenarios.ts';

// Every failed call makes errors that nobody reads.
Error.stackTraceLimit = 10;

const [number = '0'] = process.argv.slice(2);
const orderSchema = z.object({ play: z.string() });

const tell = async (message: object): Promise<void> =>
  new Promise((resolve) => void process.send?.(message, () => resolve()));

async function begin({ python, directory, roles, grounds }: Preparation): Promise<void> {
  const own = join(directory, number);
  mkdirSync(own);
  const { hub, bucket } = grounds.four;
  const moto = await Moto.start({
    python,
    directory: own,
    hub,
    accounts: [...new Set(targetsOf(grounds.four).map(({ accountId }) => accountId))],
    roles,
    bucket,
    launchSeconds: 0,
  });
  const proxy = await Proxy.start();
  process.env['AWS_ENDPOINT_URL'] = proxy.endpoint;
  process.on('message', (message) => {
    const { play: id } = orderSchema.parse(message);
    const scenario = scenarios.find((one) => one.id === id);
    if (scenario === undefined || scenario.size === 'many') throw new Error(`There is no scenario "${id}".`);
    play(moto, proxy, grounds[scenario.size], scenario).then(
      async (played) => tell({ id, ...played }),
      async (error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        await tell({ id, violations: [`suite: it could not be played: ${text}`], calls: [] });
      },
    );
  });
  await tell({ ready: true });
}

process.once('message', (message) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- main.ts made it.
  begin(message as Preparation).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
