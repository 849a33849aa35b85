/** What the suite needs on the machine; it installs what is missing, into `.cache/e2e` where that is possible. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Packer, ensurePacker } from '../../tools/packer.ts';
import { CACHE, pythonEnvironment } from '../../tools/python.ts';

const cache = join(CACHE, 'e2e');

export interface Installation {
  readonly cache: string;
  /** The virtual environment's programs: python with moto, and the AWS CLI. */
  readonly bin: string;
  readonly packer: Packer;
  /** A minimal Debian, as a cloud image would have it before anything is done to it. */
  readonly root: string;
}

type Say = (line: string) => undefined;

/** Programs and the Debian packages that have them. */
const PROGRAMS = {
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  unshare: 'util-linux',
  git: 'git',
  unzip: 'unzip',
  python3: 'python3-venv',
} as const;

/** @throws Error that says what is missing and how to get it */
export async function install(say: Say): Promise<Installation> {
  if (process.getuid?.() !== 0)
    throw new Error(
      'The end-to-end suite makes namespaces and a Debian root, so it must run as root (in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN).',
    );
  installPrograms(say, PROGRAMS);
  mkdirSync(cache, { recursive: true });
  const bin = installPython(say);
  const root = installRoot(say);
  const packer = await ensurePacker(say);
  return { cache, bin, packer, root };
}

/** All that a run without machines needs. Needs no root where Python is there. */
export function installMoto(say: Say): Pick<Installation, 'cache' | 'bin'> {
  installPrograms(say, { python3: PROGRAMS.python3 });
  mkdirSync(cache, { recursive: true });
  return { cache, bin: installPython(say) };
}

export function installPrograms(say: Say, programs: Readonly<Record<string, string>>): void {
  const missing = Object.entries(programs).filter(([program]) => spawnSync('which', [program]).status !== 0);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  say(`Installing ${packages.join(', ')} with apt-get.`);
  const options = {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  } as const;
  const installed =
    spawnSync('apt-get', ['update'], options).status === 0 &&
    spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], options).status === 0;
  if (!installed)
    throw new Error(
      `Missing: ${packages.join(', ')}, and apt-get could not install them. Please install them.`,
    );
}

/** A virtual environment with exactly requirements.txt. */
function installPython(say: Say): string {
  return pythonEnvironment(join(cache, 'venv'), join(import.meta.dirname, 'requirements.txt'), () =>
    say('Installing moto and the AWS CLI, once.'),
  );
}

/** What Debian's cloud images have, of all that a bake relies on. */
const PACKAGES =
  'openssh-server sudo python3 ca-certificates systemd-sysv dbus iproute2 procps netbase'.split(' ');
const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';

function installRoot(say: Say): string {
  const name = createHash('sha256')
    .update([SUITE, ...PACKAGES].join())
    .digest('hex')
    .slice(0, 12);
  const root = join(cache, `root-${name}`);
  if (existsSync(root)) return root;
  say(`Installing Debian ${SUITE} for the machines, once; it takes a minute.`);
  const unfinished = `${root}.${process.pid}`;
  try {
    execFileSync(
      'debootstrap',
      ['--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, unfinished, MIRROR],
      { stdio: 'pipe', maxBuffer: 64 * 1024 * 1024 },
    );
    renameSync(unfinished, root);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return root;
}
