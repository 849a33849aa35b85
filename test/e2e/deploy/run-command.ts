/** What Systems Manager's agent does with a command: it runs in a Debian root, with namespaces of its own and no network. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { atEnd } from '../at-end.ts';
import { LOGIN } from '../factory-files.ts';

export const commandSchema = z.object({ instanceId: z.string(), commands: z.array(z.string()) });

export interface CommandEnded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const UNSHARED = 'unshare --mount --pid --net --fork --uts --kill-child bash'.split(' ');

export type RunCommand = (command: z.infer<typeof commandSchema>) => Promise<CommandEnded>;

/** @param options the Debian root, which is not written to, and where what a machine changes is put */
export const runCommandIn =
  ({ root, directory }: { readonly root: string; readonly directory: string }): RunCommand =>
  async ({ instanceId, commands }) => {
    const machine = join(directory, `under-test-${instanceId}`);
    // As the agent does it: a script of all lines, with an interpreter of its own.
    const script = join(machine, 'upper', 'var', 'lib', 'amazon', '_script.sh');
    mkdirSync(join(script, '..'), { recursive: true });
    writeFileSync(script, `${commands.join('\n')}\n`, { mode: 0o700 });
    writeFileSync(join(machine, 'authorized_keys'), '');
    const [program = '', ...args] = UNSHARED;
    const child = spawn(program, [...args, MACHINE, root, machine, LOGIN, '/var/lib/amazon/_script.sh'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const forget = atEnd(() => void child.kill('SIGKILL'));
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    forget();
    return { code: code ?? 137, stdout, stderr };
  };

const MACHINE = join(import.meta.dirname, '..', 'machine.sh');
