/** Runs a tool to its end, whatever its exit status. */
import { execFile } from 'node:child_process';

/** More than any check needs; a tool that hangs must not hang everything. */
const TIMEOUT_MS = 5 * 60_000;

export interface Ended {
  /** Undefined when it was killed or never ran. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export const runTool = (
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
        const why = status === undefined ? `${stderr}\n${error?.message ?? ''}` : stderr;
        resolve({ status, stdout, stderr: why });
      },
    );
    child.stdin?.end();
  });

/** Why a tool that broke says nothing about the files. */
export function broke(name: string, { status, stderr, stdout }: Ended): string {
  const said = [...stderr.split('\n'), ...stdout.split('\n')]
    .map((line) => line.trim())
    .find((line) => line !== '');
  const how = status === undefined ? 'did not end by itself' : `ended with exit status ${status}`;
  return `${name} ${how}${said === undefined ? '' : `: ${said}`}`;
}
