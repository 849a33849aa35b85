/** moto as the accounts that are deployed into, and what a person types there. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { HUB } from '../../fixtures/accounts.ts';
import { type Moto, OBSERVER } from '../moto.ts';

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What moto lacks to deploy into it, and to run what was deployed. */
export const ADDITIONS = ['cloudformation.py', 'events.py', 'run_command.py', 'step_functions.py'].map(
  (name) => join(import.meta.dirname, name),
);

/** The environment of somebody who may do anything in an account, in the hub's region. */
export async function administratorOf(moto: Moto, accountId: string): Promise<NodeJS.ProcessEnv> {
  const { accessKeyId, secretAccessKey, sessionToken } = await moto.assume(accountId, OBSERVER);
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return {
    ...Object.fromEntries(ours),
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_REGION: HUB.region,
    AWS_DEFAULT_REGION: HUB.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
}

const saidSchema = z.object({ stdout: z.string().default(''), stderr: z.string().default('') });
/** Of what a program said before it failed. */
const LINES_SHOWN = 12;

/**
 * Runs a program and returns what it printed.
 *  @throws Error with the end of what it printed
 */
export async function typed(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  try {
    const { stdout } = await run(program, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = saidSchema.parse(error);
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-LINES_SHOWN).join('\n');
    throw new Error(`${[program.split('/').at(-1), ...args.slice(0, 3)].join(' ')} failed: ${said}`, {
      cause: error,
    });
  }
}
