/** What a rehearsal on the command line says, read as a program reads it. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { run } from './output.ts';

/** The factory of this repository. */
export const shipped = fileURLToPath(new URL('../../packer', import.meta.url));

const releaseSchema = z.object({
  releaseId: z.string(),
  image: z.string(),
  version: z.string(),
  commit: z.string(),
  outcome: z.string(),
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
  path: z.array(z.string()),
  targets: z.array(
    z.object({
      stage: z.string(),
      accountId: z.string(),
      region: z.string(),
      imageId: z.string().nullable(),
      snapshotIds: z.array(z.string()),
      sourceImageId: z.string().nullable(),
      tags: z.record(z.string(), z.string()),
      parameters: z.record(z.string(), z.string()),
    }),
  ),
  leftovers: z.array(
    z.object({ accountId: z.string(), region: z.string(), resourceId: z.string(), why: z.string() }),
  ),
});

const documentSchema = z.object({
  outcome: z.string(),
  factory: z.string().optional(),
  changed: z
    .strictObject({
      since: z.string(),
      until: z.string(),
      branch: z.string(),
      files: z.array(z.string()),
      images: z.array(z.string()),
    })
    .optional(),
  schedule: z
    .strictObject({
      at: z.string(),
      images: z.array(z.looseObject({ image: z.string(), outcome: z.string(), why: z.string() })),
    })
    .optional(),
  error: z.object({ name: z.string(), cause: z.string() }).optional(),
  assumed: z.array(z.string()).default([]),
  unmetFaults: z.array(z.looseObject({ state: z.string() })).default([]),
  releases: z.array(releaseSchema).default([]),
  retried: z.array(releaseSchema).optional(),
  world: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  errors: z
    .array(z.object({ file: z.string(), line: z.number(), path: z.string(), message: z.string() }))
    .default([]),
});

/** Rehearses, and returns the exit code with the one document that `--json` prints. */
export async function rehearseJson(...args: string[]) {
  const { exit, out } = await run('rehearse', ...args, '--json');
  return { exit, ...documentSchema.parse(JSON.parse(out)) };
}

/** Runs git as somebody who has a name, whatever this machine's configuration says. */
export function git(directory: string, ...args: readonly string[]): string {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
  return execFileSync('git', ['-C', directory, ...who, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
