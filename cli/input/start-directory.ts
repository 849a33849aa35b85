import { dirname, relative, resolve } from 'node:path';

/**
 * Where whoever started the program is. `npm run` and `npm --prefix` go to the directory of package.json first, and say in `INIT_CWD`
 * where they were started: without it, another project's example would be taken for one's own factory.
 *  @see https://docs.npmjs.com/cli/v11/using-npm/scripts#environment
 */
export function startDirectory(
  cwd: string = process.cwd(),
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const { INIT_CWD: startedIn, npm_package_json: manifest } = environment;
  // A program that a script of npm starts elsewhere inherits both, and means where it is.
  const movedByNpm = startedIn !== undefined && manifest !== undefined && dirname(manifest) === cwd;
  return movedByNpm ? startedIn : cwd;
}

/** A path as somebody wrote it, seen from where they are. */
export const fromStart = (path: string): string => resolve(startDirectory(), path);

/** A path as somebody would write it there. */
export function asSeenFromStart(path: string): string {
  const seen = relative(startDirectory(), path);
  return seen === '' ? '.' : seen.startsWith('..') ? path : seen;
}
