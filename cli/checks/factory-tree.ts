/** A factory's files for tools that read directories: exactly what a bake would get, nothing that lies around it. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { layTemplate } from '../../buildspecs/lay-template.mjs';
import { type BakedImage, type BakedTemplate, bakedTemplate } from '../../core/templates/check.ts';
import type { Files } from '../../core/configuration/files.ts';
import { type LaidOver, layOver } from '../../core/templates/laid-over.ts';

export class FactoryTree {
  readonly files: Files;
  readonly #images: ReadonlyMap<string, BakedImage>;
  readonly #hashes = new Map<string, string>();
  readonly #laidOver = new Map<string, LaidOver>();
  readonly #read = new Map<string, Promise<BakedTemplate>>();
  readonly #baked = new Map<string, Promise<string>>();
  #directory: Promise<string> | undefined;
  #root: Promise<string> | undefined;
  #bakedRoot: Promise<string> | undefined;

  /** @param images with what each takes */
  constructor(files: Files, images: readonly BakedImage[]) {
    this.files = files;
    this.#images = new Map(images.map((image) => [image.name, image]));
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

  /** The files of an image, over those of its template. */
  laidOver(image: string): LaidOver {
    const known = this.#laidOver.get(image) ?? layOver(this.files, image, this.#image(image).template);
    this.#laidOver.set(image, known);
    return known;
  }

  /** The template of an image as it is baked. */
  async template(image: string): Promise<BakedTemplate> {
    const known = this.#read.get(image) ?? bakedTemplate(this.files, this.#image(image));
    this.#read.set(image, known);
    return known;
  }

  /** Of an image whose image.yaml is wrong nothing is known but that it has files of its own. */
  #image(name: string): BakedImage {
    return this.#images.get(name) ?? { name, platform: 'linux' };
  }

  /** The directory that holds the files, written when it is first needed. */
  async root(): Promise<string> {
    this.#root ??= this.#write('factory');
    return this.#root;
  }

  /** The directory of an image, laid over its template as a bake does it: beside {@link root}, where nothing stands twice. */
  async bakedDirectory(image: string): Promise<string> {
    const known = this.#baked.get(image) ?? this.#lay(image);
    this.#baked.set(image, known);
    return known;
  }

  async #lay(image: string): Promise<string> {
    const { adopted } = await this.template(image);
    if (adopted) {
      // A copy of its own: several images may take one directory, each rewritten in its way.
      const copy = await this.#write(`adopted/${image}`);
      const directory = join(copy, adopted.overlay.directory);
      for (const [name, text] of Object.entries(adopted.overlay.files))
        await writeFile(join(directory, name), text);
      return directory;
    }
    this.#bakedRoot ??= this.#write('baked');
    const root = await this.#bakedRoot;
    const { template } = this.#image(image);
    if (template !== undefined) layTemplate(root, image, template);
    return join(root, 'images', image);
  }

  /** Writes a file outside of the factory and returns its path. */
  async beside(name: string, text: string): Promise<string> {
    const place = await mkdtemp(join(await this.#place(), 'beside-'));
    await writeFile(join(place, name), text);
    return join(place, name);
  }

  async #place(): Promise<string> {
    // Tools print real paths.
    this.#directory ??= mkdtemp(join(tmpdir(), 'packleader-validate-')).then((made) => realpath(made));
    return this.#directory;
  }

  async #write(name: string): Promise<string> {
    const root = join(await this.#place(), name);
    const parents = new Set([...this.files.keys()].map((file) => dirname(join(root, file))));
    await Promise.all([...parents].map((parent) => mkdir(parent, { recursive: true })));
    await Promise.all([...this.files].map(([file, bytes]) => writeFile(join(root, file), bytes)));
    return root;
  }

  /** What a tool said of the directories, as a person knows the files. */
  async named(text: string): Promise<string> {
    const place = await this.#place();
    return text
      .replaceAll(`${place}/factory/`, '')
      .replaceAll(`${place}/baked/`, '')
      .replaceAll(new RegExp(`${place}/adopted/[^/]+/`, 'g'), '');
  }

  async remove(): Promise<void> {
    if (this.#directory === undefined) return;
    await rm(await this.#directory, { recursive: true, force: true });
  }
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
