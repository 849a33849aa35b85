/** A factory's files for tools that read directories: exactly what a bake would get, nothing that lies around it. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type Files = ReadonlyMap<string, Uint8Array>;

export class FactoryTree {
  readonly files: Files;
  readonly #hashes = new Map<string, string>();
  #written: Promise<string> | undefined;

  constructor(files: Files) {
    this.files = files;
  }

  text(name: string): string {
    return new TextDecoder().decode(this.files.get(name));
  }

  /** One digest of some files, names included, for {@link Work.dependsOn}. */
  content(names: readonly string[]): string {
    return sha256(
      names
        .toSorted()
        .map((name) => `${name} ${this.#hash(name)}\n`)
        .join(''),
    );
  }

  #hash(name: string): string {
    const known = this.#hashes.get(name) ?? sha256(this.files.get(name) ?? '');
    this.#hashes.set(name, known);
    return known;
  }

  /** The directory that holds the files, written when it is first needed. */
  async root(): Promise<string> {
    return join(await this.#directory(), 'factory');
  }

  /** Writes a file outside of the factory and returns its path. */
  async beside(name: string, text: string): Promise<string> {
    const place = await mkdtemp(join(await this.#directory(), 'beside-'));
    await writeFile(join(place, name), text);
    return join(place, name);
  }

  async #directory(): Promise<string> {
    this.#written ??= this.#write();
    return this.#written;
  }

  async #write(): Promise<string> {
    // Tools print real paths.
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'packleader-validate-')));
    const names = [...this.files.keys()];
    const parents = new Set(names.map((name) => dirname(join(directory, 'factory', name))));
    await Promise.all([...parents].map((parent) => mkdir(parent, { recursive: true })));
    await Promise.all(
      [...this.files].map(([name, bytes]) => writeFile(join(directory, 'factory', name), bytes)),
    );
    return directory;
  }

  /** What a tool said of the directory, as a person knows the files. */
  async named(text: string): Promise<string> {
    return text.replaceAll(`${await this.root()}/`, '');
  }

  async remove(): Promise<void> {
    if (this.#written === undefined) return;
    await rm(await this.#written, { recursive: true, force: true });
  }
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
