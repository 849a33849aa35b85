/** The team's repository that is deployed and released from: one image at first, and one for each scenario after that. */
import {
  appendFileSync,
  cpSync,
  existsSync,
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
/** What everything else is a copy of. */
export const FIRST_IMAGE = 'linux-base';
/** A branch that prereleases come from. */
export const FEATURE = 'feature/kernel';

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
  { stages, networks, copies, schedules, volumeKey, program = ROOT }: RepositoryOptions,
): { firstCommit: string } {
  writeFactory(repository, stages, networks, program);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  const images = join(repository, 'packer', 'images');
  for (const image of readdirSync(images))
    if (image !== FIRST_IMAGE) rmSync(join(images, image), { recursive: true });
  changeFactory(repository, { pushBranches: ['main', 'feature/*'] });
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
  }
  commit(repository, 'Add an image for each scenario');
  git(repository, 'branch', FEATURE);
  writeFileSync(join(repository, 'packleader.config'), stringify({ webhookSecret: WEBHOOK_SECRET }));
  return { firstCommit };
}

/** Commits that a stage has these targets. */
export function setTargets(
  repository: string,
  stages: Stages,
  stage: string,
  networks: ReadonlyMap<string, Network>,
): string {
  changeFactory(repository, {
    stages: Object.entries(stages).map(([name, targets]) => ({ name, targets })),
  });
  writeLayer(repository, stage, stages[stage] ?? [], networks);
  return commit(repository, `Bake ${stage} in other accounts`);
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
