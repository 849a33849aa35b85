/**
 * Runs Packer: the one on the PATH when it is recent enough, else one that is built from source, once, as a Go tool.
 * The amazon plugin likewise, at the version that the templates pin.
 *
 *     npm run packer -- fmt -recursive packer
 *
 * Nothing is downloaded but Go modules, and those are verified against the committed go.sum.
 * `PACKLEADER_CACHE` moves the cache (default: .cache in this repository).
 */
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { constants, homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram, programAt } from './programs.ts';

const run = promisify(execFile);
const tools = import.meta.dirname;
/** Where what is built or installed stays. */
export const cacheDirectory = (): string => process.env['PACKLEADER_CACHE'] ?? join(tools, '..', '.cache');

/** What builds Packer and its plugin, as somebody would type it: a team's repository has no script of that name. */
export const packerCommand = (file = import.meta.filename): string =>
  file.endsWith('.ts') ? 'npm run packer -- version' : `node ${relative(process.cwd(), file)} version`;

/** What the templates ask for in `required_version`. */
const OLDEST = [1, 11] as const;

const PACKER = { module: 'github.com/hashicorp/packer', directory: join(tools, 'packer') };
const PLUGIN = {
  module: 'github.com/hashicorp/packer-plugin-amazon',
  directory: join(tools, 'packer-plugin-amazon'),
  source: 'github.com/hashicorp/amazon',
};

export type Packer = { command: string; environment: NodeJS.ProcessEnv };

/**
 * Returns a Packer that can run the templates, building what is missing first: about three minutes on two cores, then
 * nothing. Safe to call from several processes at once: one builds, the others wait.
 */
export async function ensurePacker(
  say = (line: string) => void process.stderr.write(`${line}\n`),
): Promise<Packer> {
  const onPath = (await isRecent('packer')) ? 'packer' : undefined;
  const command = onPath ?? (await ensureBuilt(PACKER, say));
  const version = await pinnedVersion(PLUGIN);

  // Somebody who installed the plugin, or chose where plugins are, keeps it.
  if (process.env['PACKER_PLUGIN_PATH'] !== undefined) return { command, environment: process.env };
  if (onPath !== undefined && (await hasPlugin(onPath, version, process.env))) {
    return { command, environment: process.env };
  }

  const environment = { ...process.env, PACKER_PLUGIN_PATH: join(cacheDirectory(), 'packer', 'plugins') };
  if (!(await hasPlugin(command, version, environment))) {
    const built = await ensureBuilt(PLUGIN, say);
    await exclusively(join(cacheDirectory(), 'packer', 'plugins.lock'), async () => {
      await mkdir(environment.PACKER_PLUGIN_PATH, { recursive: true });
      await run(command, ['plugins', 'install', '--path', built, PLUGIN.source], { env: environment });
    });
    if (!(await hasPlugin(command, version, environment))) {
      throw new Error(`The amazon plugin ${version} was installed, and ${command} does not see it.`);
    }
  }
  return { command, environment };
}

/**
 * Returns the Packer that is there already, if there is one; builds nothing. Its plugins may be missing all the same.
 * `identity` changes with Packer and with every plugin.
 */
export async function findPacker(): Promise<(Packer & { readonly identity: readonly string[] }) | undefined> {
  const onPath = findProgram('packer');
  const recent = onPath !== undefined && (await isRecent(onPath.command)) ? onPath : undefined;
  const program = recent ?? programAt(await builtPath(PACKER));
  if (program === undefined) return undefined;
  const plugins = await pluginDirectory(recent !== undefined);
  const identity = [program.identity, ...(await pluginsIn(plugins))];
  return { command: program.command, environment: { ...process.env, PACKER_PLUGIN_PATH: plugins }, identity };
}

/** Where the plugins of a Packer are: its own place if the amazon plugin is there, else the one of this repository. */
async function pluginDirectory(isOnPath: boolean): Promise<string> {
  const told = process.env['PACKER_PLUGIN_PATH'];
  if (told !== undefined) return told;
  const ours = join(cacheDirectory(), 'packer', 'plugins');
  const own = join(process.env['PACKER_CONFIG_DIR'] ?? join(homedir(), '.config', 'packer'), 'plugins');
  const pinned = `packer-plugin-amazon_${await pinnedVersion(PLUGIN)}_`;
  const isThere = async (directory: string) =>
    (await pluginsIn(directory)).some((name) => name.includes(pinned));
  return isOnPath && ((await isThere(own)) || !(await isThere(ours))) ? own : ours;
}

async function pluginsIn(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes('packer-plugin-')).toSorted();
}

async function isRecent(command: string): Promise<boolean> {
  try {
    // Another program is called packer too, and waits for its input: cracklib's.
    const child = run(command, ['version'], {
      timeout: 20_000,
      env: { ...process.env, CHECKPOINT_DISABLE: '1' },
    });
    child.child.stdin?.end();
    const [, major, minor] = /^Packer v(\d+)\.(\d+)\./.exec((await child).stdout) ?? [];
    if (major === undefined || minor === undefined) return false;
    return Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
  } catch {
    // Not there, or not Packer: then one is built.
    return false;
  }
}

async function hasPlugin(command: string, version: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { stdout } = await run(command, ['plugins', 'installed'], { env });
  return stdout.includes(`packer-plugin-amazon_${version}_`);
}

/** The version that a module's go.mod requires of the tool, such as v1.11.2. */
async function pinnedVersion({ module, directory }: typeof PACKER): Promise<string> {
  const goMod = await readFile(join(directory, 'go.mod'), 'utf8');
  const version = new RegExp(`^(?:require )?\\s*${module.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(
    goMod,
  )?.[1];
  if (version === undefined) throw new Error(`${join(directory, 'go.mod')} requires no ${module}.`);
  return version;
}

const nameOf = ({ module }: typeof PACKER): string => module.slice(module.lastIndexOf('/') + 1);

const builtPath = async (tool: typeof PACKER): Promise<string> =>
  join(
    cacheDirectory(),
    'packer',
    `${nameOf(tool)}_${await pinnedVersion(tool)}_${process.platform}_${process.arch}`,
  );

async function ensureBuilt(tool: typeof PACKER, say: (line: string) => void): Promise<string> {
  const version = await pinnedVersion(tool);
  const name = nameOf(tool);
  const built = await builtPath(tool);
  if (await exists(built)) return built;
  return exclusively(`${built}.lock`, async () => {
    // Another process may have built it while this one waited.
    if (await exists(built)) return built;
    say(`Building ${name} ${version} from source, once; it takes a minute or two.`);
    const unfinished = `${built}.${process.pid}`;
    const started = Date.now();
    try {
      await run('go', ['build', '-trimpath', '-o', unfinished, tool.module], {
        cwd: tool.directory,
        env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' },
        maxBuffer: 64 * 1024 * 1024,
      });
    } catch (error) {
      await rm(unfinished, { force: true });
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      throw new Error(
        missing
          ? `Packer ${OLDEST.join('.')} or newer is not on the PATH, and neither is Go, which could build it: install one of them.`
          : `${name} ${version} could not be built with Go.`,
        { cause: error },
      );
    }
    await chmod(unfinished, 0o755);
    await rename(unfinished, built);
    say(`Built ${name} ${version} in ${Math.round((Date.now() - started) / 1000)} s.`);
    return built;
  });
}

/** Runs `work` while no other process does, by a file that names the process at work. */
async function exclusively<Result>(lock: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(dirname(lock), { recursive: true });
  while (!(await take(lock))) await sleep(500);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  // A process that was killed leaves its lock behind.
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
  if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

if (import.meta.main) {
  try {
    const { command, environment } = await ensurePacker();
    const child = spawn(command, process.argv.slice(2), { stdio: 'inherit', env: environment });
    // The terminal's Ctrl-C reaches Packer by itself. Packer needs time to remove what it made, so this waits for it.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
    });
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    const detail = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.message}` : '';
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${detail}\n`);
    process.exitCode = 1;
  }
}
