/** The files of the factory of the end-to-end runs, as a checkout of packleader has them; only configuration differs. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { NAMES } from '../../core/contract/names.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { HUB } from '../fixtures/accounts.ts';
import { REPOSITORY } from '../fixtures/releases.ts';
import type { Network } from './moto.ts';

export type Stages = Readonly<Record<string, readonly Target[]>>;

/** The login of the source AMI, which is Debian's. */
export const LOGIN = 'admin';

const ROOT = join(import.meta.dirname, '..', '..');
const ALICES_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJVvtdnEqNhqVeBsUDzkX4WzeVRoQmnMx0m7Y9mY7cQe alice';

/** Writes what nobody has committed yet. `program` is the checkout of packleader whose `packer/` it begins with. */
export function writeFactory(
  repository: string,
  stages: Stages,
  networks: ReadonlyMap<string, Network>,
  program = ROOT,
): void {
  rmSync(repository, { recursive: true, force: true });
  mkdirSync(repository, { recursive: true });
  const packer = join(repository, 'packer');
  const layers = filesOf(program).filter((file) => !isLayerOfOther(file, stages));
  for (const file of layers) cpSync(join(program, file), join(repository, file));
  const write = (file: string, content: unknown) => writeFileSync(join(packer, file), stringify(content));
  write('factory.yaml', {
    repository: REPOSITORY,
    hub: HUB,
    stages: Object.entries(stages).map(([name, targets]) => ({ name, targets })),
  });
  write('config/default.yaml', {
    instanceType: 'm7i.large',
    timeoutMinutes: 60,
    // The machines are in this host's own networks.
    sshInterface: 'private_ip',
    kmsKeyId: 'alias/aws/ebs',
    instanceProfile: NAMES.builder,
    tags: { ManagedBy: 'packleader' },
  });
  for (const [stage, targets] of Object.entries(stages)) writeLayer(repository, stage, targets, networks);
  write('images/linux-base/config/default.yaml', {
    source: { ssmParameter: '/aws/service/debian/release/13/latest/amd64', maxAgeDays: 60 },
    rootVolumeSizeGiB: 16,
    variables: {
      ssh_username: LOGIN,
      // Debian has no package of the CloudWatch agent.
      monitoring_agent: 'prometheus-node-exporter',
      timezone: 'Europe/Berlin',
      users: [{ name: 'alice', comment: 'Alice', authorized_keys: [ALICES_KEY], sudo: true }],
    },
  });
  write('images/linux-web/config/default.yaml', {
    source: { image: 'linux-base' },
    rootVolumeSizeGiB: 20,
    variables: { ssh_username: LOGIN, application_name: 'application', application_version: '1.0.0' },
  });
}

/** The layer of a stage, which says where the builders of its targets live. */
export function writeLayer(
  repository: string,
  stage: string,
  targets: readonly Target[],
  networks: ReadonlyMap<string, Network>,
): void {
  const network = (of: Target) => ({ network: { ...networks.get(targetName(of)), securityGroupIds: [] } });
  const accounts = Map.groupBy(targets, ({ accountId }) => accountId);
  const layer = {
    accounts: Object.fromEntries(
      [...accounts].map(([accountId, of]) => [
        accountId,
        { regions: Object.fromEntries(of.map((one) => [one.region, network(one)])) },
      ]),
    ),
  };
  writeFileSync(join(repository, 'packer', 'config', `${stage}.yaml`), stringify(layer));
}

/** What a checkout has in `packer/`: of one that git knows, what it tracks. */
function filesOf(program: string): string[] {
  if (!existsSync(join(program, '.git')))
    return readdirSync(join(program, 'packer'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(program, join(entry.parentPath, entry.name)));
  const tracked = execFileSync('git', ['ls-files', '-z', 'packer'], { cwd: program, encoding: 'utf8' });
  return tracked.split('\0').filter((file) => file !== '');
}

/** A layer for a stage that the factory does not have would be refused. */
function isLayerOfOther(file: string, stages: Stages): boolean {
  const stage = /\/config\/([^/]+)\.yaml$/.exec(file)?.[1] ?? 'default';
  return stage !== 'default' && !(stage in stages);
}
