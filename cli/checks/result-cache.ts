/**
 * Remembers what was found to be in order, by a hash of everything that it depends on. A failure is never remembered: its
 * reason may lie outside of the files, and somebody is about to remove it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Changes when the meaning of a check does. */
const FORMAT = 1;

const KEPT_MS = 30 * 24 * 60 * 60_000;

export class ResultCache {
  readonly #directory: string;
  #wrote = false;

  constructor(directory = cacheDirectory()) {
    this.#directory = directory;
  }

  key(dependsOn: readonly unknown[]): string {
    return createHash('sha256')
      .update(JSON.stringify([FORMAT, ...dependsOn]))
      .digest('hex');
  }

  async has(key: string): Promise<boolean> {
    const now = new Date();
    return utimes(join(this.#directory, key), now, now).then(
      () => true,
      () => false,
    );
  }

  /** A cache that cannot be written only costs time. */
  async add(key: string): Promise<void> {
    this.#wrote = true;
    await mkdir(this.#directory, { recursive: true })
      .then(() => writeFile(join(this.#directory, key), ''))
      .catch(() => undefined);
  }

  /** Forgets what nobody asked for in a month. */
  async prune(): Promise<void> {
    if (!this.#wrote) return;
    const names = await readdir(this.#directory).catch(() => []);
    const before = Date.now() - KEPT_MS;
    await Promise.all(
      names.map(async (name) => {
        const path = join(this.#directory, name);
        const used = await stat(path).catch(() => undefined);
        if (used !== undefined && used.mtimeMs < before) await rm(path, { force: true });
      }),
    );
  }
}

/** `.cache/validate` where there is a `.cache`, else the user's own cache. `PACKLEADER_CACHE` takes the place of `.cache`. */
function cacheDirectory(): string {
  const told = process.env['PACKLEADER_CACHE'];
  if (told) return join(told, 'validate');
  if (existsSync('.cache')) return resolve('.cache', 'validate');
  const user = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(user, 'packleader', 'validate');
}
