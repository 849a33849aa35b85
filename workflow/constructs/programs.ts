/**
 * The programs of the builds as a template holds them: each with all that it imports. Without comments, white space and long names,
 * because CodeBuild takes no buildspec above 25,600 characters, and a StackSet no template above 51,200 bytes. They are text all the
 * same, and the same on every machine, so that what a template runs can be compared.
 */
import type * as Esbuild from 'esbuild';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of a program's lines: a review of a change set shows which of them changed. */
const LINE = 360;
/** In the published package: made when it was built, so that nobody who deploys needs esbuild. */
const MADE = fileURLToPath(new URL('../../programs/', import.meta.url));

const known = new Map<string, ReadonlyMap<string, string>>();

/**
 * Programs of `buildspecs/`, by the name of the file: what several of them import is in one of its own.
 *  @throws Error when a file cannot be bundled
 */
export function programsOf(files: readonly string[]): ReadonlyMap<string, string> {
  const key = files.join(' ');
  const found = known.get(key) ?? (existsSync(MADE) ? made(directoryOf(files)) : bundlePrograms(files));
  known.set(key, found);
  return found;
}

/** Where the programs that belong together lie in the package, by the first of them. */
export const directoryOf = ([first = '']: readonly string[]): string => basename(first, '.mjs');

function made(name: string): ReadonlyMap<string, string> {
  const directory = join(MADE, name);
  return new Map(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
}

/** Bundles them anew. */
export function bundlePrograms(files: readonly string[]): ReadonlyMap<string, string> {
  const esbuild: typeof Esbuild = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = esbuild.buildSync({
    entryPoints: files.map(buildspecFile),
    bundle: true,
    splitting: files.length > 1,
    chunkNames: 'shared',
    write: false,
    outdir: '.',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node20',
    format: 'esm',
    charset: 'utf8',
    legalComments: 'none',
    minify: true,
    lineLimit: LINE,
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}

/** A file of `buildspecs/`. */
export const buildspecFile = (name: string): string =>
  fileURLToPath(new URL(`../../buildspecs/${name}`, import.meta.url));
