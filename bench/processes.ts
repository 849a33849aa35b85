/** Runs a command as a person would, and measures what it takes. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export interface Run {
  readonly seconds: number;
  /**
   * The peaks of resident memory of the command and of every process it started, added up: at least what they held at any
   * one time. Undefined where there is no /proc.
   */
  readonly peakMiB: number | undefined;
}

const SAMPLE_MS = 20;

/** @throws Error when the command fails */
export async function run(command: string, args: readonly string[]): Promise<Run> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const peaks = new Map<number, number>();
  const sampling = setInterval(() => sample(child.pid ?? 0, peaks), SAMPLE_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  }).finally(() => clearInterval(sampling));
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}`);
  const kiB = [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
  return { seconds, peakMiB: kiB === 0 ? undefined : kiB / 1024 };
}

/** The kernel keeps each process's peak, so a sample misses only what a process does in its last milliseconds. */
function sample(root: number, peaks: Map<number, number>): void {
  for (const pid of withDescendants(root)) {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readProcess(pid, 'status') ?? '')?.[1];
    if (peak !== undefined) peaks.set(pid, Number(peak));
  }
}

function withDescendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of listProcesses()) {
    // The name of the program, in parentheses, may hold anything; the state and the parent's id follow.
    const parent = Number(/^.*\) \S (\d+) /s.exec(readProcess(name, 'stat') ?? '')?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), name]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Undefined for a process that has ended meanwhile. */
function readProcess(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
