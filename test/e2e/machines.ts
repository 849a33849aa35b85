/**
 * Machines behind the builders' addresses. moto gives a builder an address and a key pair, and nothing answers there; here a
 * Debian root does, with an sshd that knows the key. Some machines run the provisioners for real; others play their part,
 * which takes a second, so that every case can run the shipped templates as they are.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, rmSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeInstancesCommand, DescribeKeyPairsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { TAGS } from '../../core/contract/tags.ts';
import { atEnd } from './at-end.ts';

/** The host's end of every machine's link. */
export const GATEWAY = '198.18.255.254';
const PREFIX = 'pl-e2e-';

/** What a machine does: provision itself for real, or play a part. */
export type Part = 'real' | 'bake' | 'fail' | 'hang' | { readonly seconds: number };

export interface MachineOptions {
  /** The Debian root that machines start from; never written to. */
  readonly root: string;
  readonly directory: string;
  readonly login: string;
  /** Where machines that install packages find a proxy for them. */
  readonly packageProxy?: number;
}

export interface Machine {
  readonly instanceId: string;
  readonly address: string;
  /** Where its root is, as a layer over the one it started from. */
  readonly directory: string;
  readonly network: string;
  /** The process whose namespaces are the machine's. */
  readonly pid: number;
  readonly stop: () => void;
}

/** Removes what an earlier run left when it was killed: its processes died with it, its networks did not. */
export function removeStaleMachines(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const name of stdout.split('\n').map((line) => line.split(' ')[0] ?? '')) {
    const owner = /^pl-e2e-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && spawnSync('kill', ['-0', owner]).status !== 0) removeNetwork(name);
  }
}

function removeNetwork(name: string): void {
  spawnSync('ip', ['netns', 'delete', name]);
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

/** A machine's namespaces besides its network: mounts, processes, host name. */
const INSIDE = [
  ...'unshare --mount --pid --fork --uts --kill-child bash'.split(' '),
  join(import.meta.dirname, 'machine.sh'),
];

let count = 0;

/** A network namespace with one link to this host, and no way anywhere else. */
function addNetwork(address: string): { readonly network: string; readonly removeIt: () => void } {
  const network = `${PREFIX}${process.pid}-${++count}`;
  const link = `ple${process.pid % 100_000}x${count}`;
  const removeIt = atEnd(() => removeNetwork(network));
  ip('netns', 'add', network);
  ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', network);
  ip('address', 'add', GATEWAY, 'peer', `${address}/32`, 'dev', link);
  ip('link', 'set', link, 'up');
  for (const command of [
    ['link', 'set', 'lo', 'up'],
    ['address', 'add', address, 'peer', `${GATEWAY}/32`, 'dev', 'eth0'],
    ['link', 'set', 'eth0', 'up'],
  ]) {
    ip('-netns', network, ...command);
  }
  return { network, removeIt };
}

/**
 * Boots an image for one purpose: starts a machine from the layers of an image, with user data in the metadata service, runs
 * what systemd would run at boot, and tells how it ended.
 */
export async function boot(
  { layers, directory, userData }: { layers: readonly string[]; directory: string; userData: string },
  command: readonly string[],
): Promise<{ readonly status: number | null; readonly output: string }> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'user-data'), userData);
  await writeFile(join(directory, 'authorized_keys'), '');
  const { network, removeIt } = addNetwork('198.18.254.1');
  ip('-netns', network, 'address', 'add', '169.254.169.254/32', 'dev', 'lo');
  const inNetwork = ['netns', 'exec', network];
  const metadata = [join(import.meta.dirname, 'metadata.py'), join(directory, 'user-data')];
  const service = spawn('ip', [...inNetwork, 'python3', ...metadata], { stdio: 'ignore' });
  const stopService = atEnd(() => void service.kill('SIGKILL'));
  const { status, stdout } = spawnSync(
    'ip',
    [...inNetwork, ...INSIDE, layers.join(':'), directory, 'admin', ...command],
    { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  stopService();
  removeIt();
  return { status, output: stdout };
}

/**
 * Answers for every builder that appears in one account and region, of one image where it is named, until the returned function is
 * called. `partOf` says what the machine is to do; it is asked once per builder.
 */
export function answerBuilders(
  ec2: EC2Client,
  options: MachineOptions,
  partOf: () => Part,
  onMachine: (machine: Machine) => void = () => {},
  image?: string,
): () => Promise<void> {
  const machines = new Map<string, Machine>();
  const stopping = new AbortController();
  const look = async (): Promise<void> => {
    const { Reservations = [] } = await ec2.send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
          ...(image === undefined ? [] : [{ Name: `tag:${TAGS.image}`, Values: [image] }]),
        ],
      }),
    );
    const builders = Reservations.flatMap(({ Instances = [] }) => Instances);
    for (const { InstanceId = '', PrivateIpAddress = '', KeyName = '' } of builders) {
      if (machines.has(InstanceId)) continue;
      const { KeyPairs: [pair] = [] } = await ec2.send(
        new DescribeKeyPairsCommand({ KeyNames: [KeyName], IncludePublicKey: true }),
      );
      const builder = { instanceId: InstanceId, address: PrivateIpAddress, key: pair?.PublicKey ?? '' };
      const machine = await startMachine(builder, options, partOf());
      machines.set(InstanceId, machine);
      onMachine(machine);
    }
    for (const [instanceId, machine] of machines) {
      if (!builders.some(({ InstanceId }) => InstanceId === instanceId)) machine.stop();
    }
  };
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await look();
      } catch (error) {
        // A builder and its key pair may be gone between two calls.
        if (!stopping.signal.aborted) process.stderr.write(`${String(error)}\n`);
      }
      await sleep(100);
    }
  };
  const watched = watch();
  return async () => {
    stopping.abort();
    await watched;
    for (const machine of machines.values()) machine.stop();
  };
}

export async function startMachine(
  builder: { readonly instanceId: string; readonly address: string; readonly key: string },
  { root, directory: parent, login, packageProxy }: MachineOptions,
  part: Part,
): Promise<Machine> {
  const { instanceId, address, key } = builder;
  const directory = join(parent, `machine-${instanceId}`);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'authorized_keys'), `${key}\n`);
  if (part !== 'real') {
    await copyFile(join(import.meta.dirname, 'actor.sh'), join(directory, 'sudo'));
    const etc = join(directory, 'upper', 'etc');
    await mkdir(join(etc, 'packleader'), { recursive: true });
    await writeFile(join(etc, 'actor-part'), typeof part === 'object' ? String(part.seconds) : part);
    const manifest = 'actor\t1.0\tall\tactor 1.0\ndebian\t13\toperating-system\tdeb\n';
    await writeFile(join(etc, 'packleader', 'package-manifest.tsv'), manifest);
    const digest = spawnSync('sha256sum', { input: manifest, encoding: 'utf8' }).stdout.slice(0, 64);
    await writeFile(
      join(etc, 'packleader', 'package-manifest.tsv.sha256'),
      `${digest}  package-manifest.tsv\n`,
    );
  }
  if (packageProxy !== undefined) {
    const apt = join(directory, 'upper', 'etc', 'apt', 'apt.conf.d');
    await mkdir(apt, { recursive: true });
    await writeFile(join(apt, '00proxy'), `Acquire::http::Proxy "http://${GATEWAY}:${packageProxy}";\n`);
  }
  const { network, removeIt } = addNetwork(address);
  const child = spawn('ip', ['netns', 'exec', network, ...INSIDE, root, directory, login], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = atEnd(() => void child.kill('SIGKILL'));
  logTo(child, join(directory, 'sshd.log'));
  return {
    instanceId,
    address,
    directory,
    network,
    pid: child.pid ?? 0,
    stop: () => {
      kill();
      removeIt();
      rmSync(join(directory, 'work'), { recursive: true, force: true });
    },
  };
}

function logTo(child: ChildProcess, file: string): void {
  const log = createWriteStream(file);
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
}
