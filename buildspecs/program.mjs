// What the programs of the builds share. Plain JavaScript for Node 20 and newer, which every CodeBuild image has, with
// nothing to install: the files run as they stand here, but for their comments. No shell is between a value and the program
// it is given to.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { plainText } from './plain-text.mjs';

const EXPORTS = 'exports';
const LARGEST_OUTPUT = 256 * 1024 * 1024;
/** A line that is longer is handed on in pieces. */
const LONGEST_LINE = 64 * 1024;

/**
 * Runs a program to its end; an error becomes one line and a failed command.
 * @param {() => Promise<void>} program
 */
export async function main(program) {
  try {
    await program();
  } catch (error) {
    const why = plainText(error instanceof Error ? error.message : String(error));
    process.stderr.write(`${why}\n`);
    // Packer's own reason says more than that Packer failed.
    if (!isExported('LAST_ERROR')) exportVariable('LAST_ERROR', why);
    process.exitCode = 1;
  }
}

/** @param {string} line */
export function say(line) {
  process.stdout.write(plainText(`${line}\n`));
}

/**
 * A variable of the environment, or undefined when it is absent or empty.
 * @param {string} name
 * @returns {string | undefined}
 */
export function environment(name) {
  return process.env[name] || undefined;
}

/**
 * A variable of the environment that must be there and look as it should.
 * @param {string} name
 * @param {RegExp} pattern
 * @returns {string}
 */
export function required(name, pattern) {
  const value = environment(name);
  if (value === undefined) throw new Error(`The environment has no ${name}.`);
  if (!pattern.test(value))
    throw new Error(`${name} is ${JSON.stringify(value)}, which does not match ${pattern}.`);
  return value;
}

/**
 * Runs a command and returns what it prints; what it says on stderr goes to the log.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, input?: string }} [options]
 * @returns {string}
 */
export function run(command, args, { env = {}, input } = {}) {
  const { stdout, stderr, error, status, signal } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    input: input ?? '',
    maxBuffer: LARGEST_OUTPUT,
  });
  process.stderr.write(plainText(stderr ?? ''));
  if (error) throw failed(command, args, error);
  if (status !== 0) throw failed(command, args, Object.assign(new Error(`${signal}`), { status }));
  return stdout;
}

/**
 * Hands on what a program prints, line by line: a chunk may end within a sequence, or within a character.
 * @param {import('node:stream').Readable} from
 * @param {(text: string) => void} write
 */
export function eachLine(from, write) {
  let rest = '';
  from.setEncoding('utf8');
  from.on('data', (/** @type {string} */ printed) => {
    const text = rest + printed;
    const end = text.length > LONGEST_LINE ? text.length : text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (end > 0) write(plainText(text.slice(0, end)));
  });
  from.on('end', () => {
    if (rest !== '') write(plainText(rest));
  });
}

/**
 * The exit status of a command; throws when it could not be run at all.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {number}
 */
export function statusOf(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return 0;
  } catch (error) {
    if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status;
    throw error;
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {unknown} error
 */
function failed(command, args, error) {
  return new Error(`${command} ${args.slice(0, 2).join(' ')} failed: ${whyOf(error)}`, { cause: error });
}

/** @param {unknown} error */
function whyOf(error) {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return 'there is no such program on PATH';
  // A synchronous call tells it as `status`, an asynchronous one as `code`.
  const status = ('status' in error ? error.status : undefined) ?? ('code' in error ? error.code : undefined);
  return typeof status === 'number' ? `exit status ${status}` : error.message;
}

/**
 * Like {@link run}, beside what else the program does.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<string>}
 */
export async function started(command, args, env) {
  const running = promisify(execFile)(command, args, {
    env: { ...process.env, ...env },
    maxBuffer: LARGEST_OUTPUT,
  });
  running.child.stdin?.end();
  if (running.child.stderr) eachLine(running.child.stderr, (text) => process.stderr.write(text));
  try {
    return (await running).stdout;
  } catch (error) {
    throw failed(command, args, error);
  }
}

/**
 * Does `work` with each, so many at once; the results are in the order of what was given.
 * @template T, R
 * @param {number} limit
 * @param {readonly T[]} given
 * @param {(one: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function atOnce(limit, given, work) {
  /** @type {R[]} */
  const results = [];
  const next = given.entries();
  const worker = async () => {
    for (const [index, one] of next) results[index] = await work(one);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}

/** @param {Uint8Array | string} content */
export const sha256 = (content) => createHash('sha256').update(content).digest('hex');

/** @param {string} file */
export const sha256Of = (file) => sha256(readFileSync(file));

/**
 * Hands a value to the buildspec, which exports it. A file, so that no shell ever reads the value as a command.
 * @param {string} name
 * @param {string} value
 */
export function exportVariable(name, value) {
  mkdirSync(EXPORTS, { recursive: true });
  writeFileSync(join(EXPORTS, name), value);
  say(`${name}=${JSON.stringify(value)}`);
}

/**
 * Whether a value of that name has been handed over, by this program or by one before it.
 * @param {string} name
 */
export const isExported = (name) => existsSync(join(EXPORTS, name));
