/** Reads one YAML file into a tree that knows its lines. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Alias,
  type Document,
  type ErrorCode,
  type YAMLMap,
} from 'yaml';
import { FORBIDDEN_KEY, forbiddenKey, type ConfigNode, type MapNode } from './nodes.ts';
import { problem, type Path, type Problem } from './problems.ts';

/** How often aliases may repeat what they stand for: more than any file needs, far less than a bomb does. */
const MAX_ALIAS_COUNT = 1_000;

/** No configuration is as deep as this; what follows recurses. */
const MAX_DEPTH = 50;
const TOO_DEEP = `is nested too deeply, must have at most ${MAX_DEPTH} levels`;

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'found a tab in the indentation, must be spaces',
  RESOURCE_EXHAUSTION: TOO_DEEP,
};

export interface YamlFile {
  /** Absent when the file cannot be read as one map. */
  readonly node: MapNode | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Anchors, aliases and merge keys (`<<`) are resolved; a value keeps the line it was written on.
 *  @see https://eemeli.org/yaml/#documents
 */
export function readYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const options = { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: false };
  const documents = parseAllDocuments(text, options);
  const lineAt = (offset: number | undefined) => (offset === undefined ? 1 : lines.linePos(offset).line);
  const syntax = [...documents].flatMap((document) => [
    ...document.errors.map(({ code, message, pos }) =>
      problem(file, lineAt(pos[0]), [], SENTENCES[code] ?? `is not valid YAML: ${firstSentence(message)}`),
    ),
    ...document.warnings.map(({ message, pos }) =>
      problem(file, lineAt(pos[0]), [], `must be plain YAML without tags: ${firstSentence(message)}`),
    ),
  ]);
  // One mistake makes the parser stumble over what follows: only the first is worth reading.
  if (syntax.length > 0) return { node: undefined, problems: syntax.slice(0, 1) };

  const [document, second] = documents;
  if (second !== undefined) {
    const count = `found ${documents.length} documents, must be one`;
    return failed(file, lineAt(second.range[0]), `${count}: remove the "---" between them`);
  }
  if (document === undefined || (isScalar(document.contents) && document.contents.value === null)) {
    return failed(file, 1, emptiness(file));
  }
  if (document.contents === null) return failed(file, 1, emptiness(file));

  const builder = new TreeBuilder(file, document, lineAt);
  const node = builder.build(document.contents, lineAt(rangeStart(document.contents)), []);
  if (builder.problems.length > 0) return { node: undefined, problems: builder.problems };
  if (!expandsModestly(document)) return failed(file, 1, 'repeats its aliases far too often to be expanded');
  if (node?.kind === 'map') return { node, problems: [] };
  return failed(
    file,
    node?.line ?? 1,
    `found ${node?.kind === 'list' ? 'a list' : 'a single value'}, must be a map of keys to values`,
  );
}

const failed = (file: string, line: number, message: string): YamlFile => ({
  node: undefined,
  problems: [problem(file, line, [], message)],
});

const firstSentence = (message: string) => (message.split('\n')[0] ?? message).replace(/[.:]$/, '');

const rangeStart = (node: unknown): number | undefined =>
  isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;

function expandsModestly(document: Document): boolean {
  try {
    document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
    return true;
  } catch (error) {
    if (error instanceof ReferenceError) return false;
    throw error;
  }
}

class TreeBuilder {
  readonly problems: Problem[] = [];
  /** By node of the document: an alias shares the tree of its anchor instead of copying it. */
  readonly #built = new Map<unknown, ConfigNode>();
  readonly #file: string;
  readonly #document: Document;
  readonly #lineAt: (offset: number | undefined) => number;

  constructor(file: string, document: Document, lineAt: (offset: number | undefined) => number) {
    this.#file = file;
    this.#document = document;
    this.#lineAt = lineAt;
  }

  build(node: unknown, line: number, path: Path): ConfigNode | undefined {
    if (isAlias(node)) return this.#resolve(node, path);
    const built = this.#unaliased(node, line, path);
    if (built !== undefined) this.#built.set(node, built);
    return built;
  }

  #unaliased(node: unknown, line: number, path: Path): ConfigNode | undefined {
    if (path.length > MAX_DEPTH) return this.#refuse(line, path.slice(0, 1), TOO_DEEP);
    const place = { file: this.#file, line };
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node, path), ...place };
    if (isSeq(node)) {
      const items = node.items.map((item, at) =>
        this.build(item, this.#lineAt(rangeStart(item)), [...path, at]),
      );
      return { kind: 'list', items: items.filter((item) => item !== undefined), ...place };
    }
    if (node === null) return { kind: 'scalar', value: null, ...place };
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return this.#refuse(line, path, `found ${String(value)}, must be a finite number`);
    }
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return this.#refuse(
        line,
        path,
        'found a number too large to be kept exactly, must be smaller, or in quotes where it is no number',
      );
    }
    if (
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'boolean' ||
      value === null
    ) {
      return { kind: 'scalar', value, ...place };
    }
    return this.#refuse(line, path, 'found a value that is no string, number, boolean, list or map');
  }

  #refuse(line: number, path: Path, message: string): undefined {
    this.problems.push(problem(this.#file, line, path, message));
  }

  #resolve(alias: Alias, path: Path): ConfigNode | undefined {
    const line = this.#lineAt(rangeStart(alias));
    const anchored = alias.resolve(this.#document);
    if (anchored === undefined) {
      return this.#refuse(
        line,
        path,
        `found the alias *${alias.source}, must follow its anchor &${alias.source}`,
      );
    }
    const built = this.#built.get(anchored);
    if (built !== undefined || this.problems.length > 0) return built;
    return this.#refuse(
      line,
      path,
      `found the alias *${alias.source} inside its own anchor, must stand outside`,
    );
  }

  #entries(map: YAMLMap, path: Path): Map<string, ConfigNode> {
    const own = new Map<string, ConfigNode>();
    const merged = new Map<string, ConfigNode>();
    for (const { key, value } of map.items) {
      const line = this.#lineAt(rangeStart(key));
      const name: unknown = isAlias(key) ? key.resolve(this.#document) : key;
      const text: unknown = isScalar(name) ? name.value : undefined;
      if (isScalar(name) && name.source === '<<' && name.type === 'PLAIN') {
        this.#mergeKey(value, line, path, merged);
      } else if (typeof text !== 'string') {
        this.#refuse(line, path, nonStringKey(name));
      } else if (text === FORBIDDEN_KEY) {
        this.#refuse(line, [...path, text], forbiddenKey);
      } else if (own.has(text)) {
        const first = own.get(text)?.line ?? line;
        this.#refuse(
          line,
          [...path, text],
          `found the key twice (first on line ${first}), must be there once`,
        );
      } else {
        const node = this.build(value, line, [...path, text]);
        if (node !== undefined) own.set(text, node);
      }
    }
    return new Map([...merged, ...own]);
  }

  /** `<<: *one` or `<<: [*one, *two]`: of two sources the earlier wins. */
  #mergeKey(value: unknown, line: number, path: Path, merged: Map<string, ConfigNode>): void {
    const source = this.build(value, line, [...path, '<<']);
    const maps = source?.kind === 'list' ? source.items : [source];
    for (const one of maps) {
      if (one?.kind === 'map') {
        for (const [key, node] of one.entries) if (!merged.has(key)) merged.set(key, node);
      } else if (one !== undefined) {
        this.#refuse(line, [...path, '<<'], `found a ${one.kind}, must be an alias of a map`);
      }
    }
  }
}

const nonStringKey = (key: unknown): string =>
  isScalar(key)
    ? `found the key ${key.source ?? String(key.value)}, which YAML reads as a ${key.value === null ? 'null' : typeof key.value}, must be a string: write it in quotes`
    : 'found a list or a map as a key, must be a string';

/** A layer may be missing; factory.yaml and image.yaml may not. */
const emptiness = (file: string): string =>
  /(^|\/)(factory|image)\.yaml$/.test(file)
    ? 'is empty, must hold what docs/settings.md says is required'
    : 'is empty: delete it or write at least one setting';
