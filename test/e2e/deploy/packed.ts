/** The package as a team has it: packed as `npm pack` does, and installed by npm into the team's repository. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { ROOT, typed } from './accounts.ts';

const packedSchema = z.tuple([z.object({ filename: z.string() })]);

/** @param directory where the tarball is put; returns its path */
export async function pack(directory: string): Promise<string> {
  mkdirSync(directory);
  await typed('npm', ['run', '--silent', 'build'], { cwd: ROOT });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const [{ filename }] = packedSchema.parse(JSON.parse(await typed('npm', args, { cwd: ROOT })));
  return join(directory, filename);
}

/** Installs it in a repository, and returns where it is. */
export async function installPacked(tarball: string, repository: string): Promise<string> {
  writeFileSync(join(repository, 'package.json'), '{ "name": "images", "private": true }\n');
  const args = ['install', '--save-dev', '--prefer-offline', '--no-audit', '--no-fund', tarball];
  const ours = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|AWS_)/.test(name));
  await typed('npm', args, { cwd: repository, env: Object.fromEntries(ours) });
  return join(repository, 'node_modules', 'packleader');
}
