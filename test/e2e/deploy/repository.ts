/** The team's repository that is deployed and released from: one image at first, and one for each scenario after that. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { type Stages, writeFactory, writeLayer } from '../factory-files.ts';
import { type MadeFactory, git, loaded } from '../factory.ts';
import type { Network } from '../moto.ts';
import { ROOT } from './accounts.ts';

/** The name of the secret that the webhook's requests are signed with. */
export const WEBHOOK_SECRET = 'packleader/webhook';
/** How statuses are set at commits, and the token in the secret that it names. */
export const COMMIT_STATUS = { provider: 'github', tokenSecret: 'packleader/status-token' } as const;
export const STATUS_TOKEN = 'e2e-status-token';
/** From then on an image that nobody releases is told of. */
export const STALE_AFTER_DAYS = 30;
/** What everything else is a copy of. */
export const FIRST_IMAGE = 'linux-base';
/** A branch that prereleases come from. */
export const FEATURE = 'feature/kernel';

/** The gates that are switched on where it is deployed. */
export const GATES = {
  testAmis: true,
  copyAmis: true,
  // Knows of nothing: what is deployed around a scanner is what runs here.
  scanAmis: {
    command: `grep --quiet '"CycloneDX"' "$SBOM" && echo '{"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[]}'`,
  },
} as const;
/** The stage that somebody must approve. */
const APPROVED = 'prod';

const TESTS = `test_image_is_a_debian() {
  grep --quiet '^ID=debian$' /etc/os-release
}
`;
const FAILING_TEST = `test_image_serves_the_web() {
  echo 'asking port 80'
  false
}
`;

export interface TeamRepository extends MadeFactory {
  /** With the first image alone. */
  readonly firstCommit: string;
  /** A checkout of a commit or a branch, to rehearse from. */
  readonly at: (ref: string) => string;
}

export interface RepositoryOptions {
  readonly stages: Stages;
  readonly networks: ReadonlyMap<string, Network>;
  /** The images of the second commit: copies of the first one. */
  readonly copies: readonly string[];
  /** Of these, those whose AMIs are tested and scanned, and whether the test fails. */
  readonly gated: Readonly<Record<string, 'sound' | 'unsound'>>;
  /** Of these, those that the stage somebody must approve copies from the one before. */
  readonly copied: readonly string[];
  /** By image, when it is rebuilt. */
  readonly schedules: Readonly<Record<string, unknown>>;
  /** What encrypts the volumes of a stage; AWS's key does elsewhere. */
  readonly volumeKey: { readonly stage: string; readonly arn: string };
  /** The checkout of packleader whose files it has; this one by default. */
  readonly program?: string;
}

/** A repository as somebody has it who deploys from there, with a webhook, schedules and a key for volumes, so that what depends on them gets
 *  deployed. */
export function makeRepository(repository: string, options: RepositoryOptions): TeamRepository {
  const { firstCommit } = writeRepository(repository, options);
  return { ...loaded(repository), firstCommit, at: (ref) => checkedOut(repository, ref) };
}

/** The same, which only the packleader that it is deployed by has to understand. */
export function writeRepository(
  repository: string,
  { stages, networks, copies, gated, copied, schedules, volumeKey, program = ROOT }: RepositoryOptions,
): { firstCommit: string } {
  // Who deployed before may not know of it.
  const canCopy = existsSync(join(program, 'core', 'configuration', 'copies.ts'));
  writeFactory(repository, stages, networks, program);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  const images = join(repository, 'packer', 'images');
  for (const image of readdirSync(images))
    if (image !== FIRST_IMAGE) rmSync(join(images, image), { recursive: true });
  changeFactory(repository, { pushBranches: ['main', 'feature/*'], stages: stated(stages) });
  appendFileSync(
    join(repository, 'packer', 'config', `${volumeKey.stage}.yaml`),
    stringify({ kmsKeyId: volumeKey.arn }),
  );
  schedule(images, FIRST_IMAGE, schedules);
  const firstCommit = commit(repository, 'Begin with one image');
  for (const image of copies) {
    cpSync(join(images, FIRST_IMAGE), join(images, image), { recursive: true });
    const file = join(images, image, 'image.yaml');
    const { schedule: _, ...rest } = z.looseObject({}).parse(parse(readFileSync(file, 'utf8')));
    writeFileSync(file, stringify(rest));
    schedule(images, image, schedules);
    const how = gated[image];
    if (how !== undefined) putGates(join(images, image), how);
    if (canCopy && copied.includes(image))
      appendFileSync(join(images, image, 'config', `${APPROVED}.yaml`), stringify({ strategy: 'copy' }));
  }
  commit(repository, 'Add an image for each scenario');
  git(repository, 'branch', FEATURE);
  const { copyAmis, ...gates } = GATES;
  writeFileSync(
    join(repository, 'packleader.config'),
    stringify({
      webhookSecret: WEBHOOK_SECRET,
      ...gates,
      ...(canCopy && { copyAmis }),
      notify: {},
      commitStatus: COMMIT_STATUS,
      staleAfterDays: STALE_AFTER_DAYS,
    }),
  );
  return { firstCommit };
}

/** Commits that a stage has these targets. */
export function setTargets(
  repository: string,
  stages: Stages,
  stage: string,
  networks: ReadonlyMap<string, Network>,
): string {
  changeFactory(repository, { stages: stated(stages) });
  writeLayer(repository, stage, stages[stage] ?? [], networks);
  return commit(repository, `Bake ${stage} in other accounts`);
}

const stated = (stages: Stages): unknown[] =>
  Object.entries(stages).map(([name, targets]) => ({
    name,
    targets,
    ...(name === APPROVED && { approval: { timeoutHours: 1 } }),
  }));

function putGates(image: string, how: 'sound' | 'unsound'): void {
  mkdirSync(join(image, 'tests'));
  writeFileSync(join(image, 'tests', 'boot.sh'), how === 'sound' ? TESTS : `${TESTS}\n${FAILING_TEST}`);
  appendFileSync(
    join(image, 'config', 'default.yaml'),
    stringify({ test: { timeoutMinutes: 30 }, vulnerabilities: { failOn: 'critical' } }),
  );
}

function changeFactory(repository: string, settings: Readonly<Record<string, unknown>>): void {
  const file = join(repository, 'packer', 'factory.yaml');
  const said = z.looseObject({}).parse(parse(readFileSync(file, 'utf8')));
  writeFileSync(file, stringify({ ...said, ...settings }));
}

/** When it is rebuilt by itself, if ever. */
function schedule(images: string, image: string, schedules: Readonly<Record<string, unknown>>): void {
  const when = schedules[image];
  if (when !== undefined) appendFileSync(join(images, image, 'image.yaml'), stringify({ schedule: when }));
}

function commit(repository: string, message: string): string {
  git(repository, 'add', '--all', 'packer');
  git(repository, 'commit', '--quiet', '--message', message);
  return git(repository, 'rev-parse', 'HEAD').trim();
}

function checkedOut(repository: string, ref: string): string {
  const directory = `${repository}-${ref.replaceAll('/', '-')}`;
  if (!existsSync(directory)) git(repository, 'worktree', 'add', '--quiet', '--detach', directory, ref);
  return directory;
}
