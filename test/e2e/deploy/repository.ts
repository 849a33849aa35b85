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
import { type MadeFactory, type Stages, git, loaded, makeFactory } from '../factory.ts';
import type { Network } from '../moto.ts';
import { ROOT } from './accounts.ts';
import { useProgram } from './deployment.ts';

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

/**
 * A repository as somebody has it who deploys from there, with a webhook, schedules and a key for
 * volumes, so that what depends on them gets deployed.
 *  @param copies the images of the second commit
 *  @param schedules by image, when it is rebuilt
 *  @param volumeKey what encrypts the volumes of a stage; AWS's key does elsewhere
 */
export function makeRepository(
  directory: string,
  stages: Stages,
  networks: ReadonlyMap<string, Network>,
  copies: readonly string[],
  schedules: Readonly<Record<string, unknown>>,
  volumeKey: { readonly stage: string; readonly arn: string },
): TeamRepository {
  const { repository } = makeFactory(directory, stages, networks);
  const images = join(repository, 'packer', 'images');
  for (const image of readdirSync(images))
    if (image !== FIRST_IMAGE) rmSync(join(images, image), { recursive: true });
  const factory = join(repository, 'packer', 'factory.yaml');
  const said = z.looseObject({}).parse(parse(readFileSync(factory, 'utf8')));
  writeFileSync(factory, stringify({ ...said, pushBranches: ['main', 'feature/*'] }));
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
  useProgram(repository, ROOT);
  const made = loaded(repository);
  return { ...made, firstCommit, at: (ref) => checkedOut(repository, ref) };
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
