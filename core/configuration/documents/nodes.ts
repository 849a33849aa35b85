/** A configuration document as a tree in which every value knows the file and line it was written on. */
import { problem, shown, type Path, type Problem } from './problems.ts';

export type ScalarValue = string | number | boolean | null;

interface Place {
  readonly file: string;
  readonly line: number;
}
export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
}
export interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}
/** A `Map`, so that a key like `constructor` is a key and nothing else. */
export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, ConfigNode>;
}
export type ConfigNode = ScalarNode | ListNode | MapNode;

/** The tree as plain JSON. */
export function plain(node: ConfigNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
}

/** The one key that is refused wherever it stands: to JavaScript it is not data. */
export const FORBIDDEN_KEY = '__proto__';
export const forbiddenKey = 'found the key __proto__, must be another name';

/** The deepest node on the way to `path`, and how many steps lead to it. */
export function walk(node: ConfigNode, path: Path): { node: ConfigNode; steps: number } {
  let at = node;
  for (const [steps, step] of path.entries()) {
    let next: ConfigNode | undefined;
    if (at.kind === 'map') next = at.entries.get(String(step));
    if (at.kind === 'list') next = at.items[Number(step)];
    if (next === undefined) return { node: at, steps };
    at = next;
  }
  return { node: at, steps: path.length };
}

/** Turns a JavaScript object, like the overrides of a release request, into a tree without lines. */
export function nodeFromObject(
  file: string,
  value: Readonly<Record<string, unknown>>,
): { node: MapNode; problems: Problem[] } {
  const problems: Problem[] = [];
  const place = { file, line: 0 };
  const fromMap = (map: object, path: Path): MapNode => {
    const entries = new Map<string, ConfigNode>();
    for (const [key, item] of Object.entries(map)) {
      if (key === FORBIDDEN_KEY) problems.push(problem(file, 0, [...path, key], forbiddenKey));
      else if (item !== undefined) entries.set(key, from(item, [...path, key]));
    }
    return { kind: 'map', entries, ...place };
  };
  const from = (item: unknown, path: Path): ConfigNode => {
    if (Array.isArray(item)) {
      return { kind: 'list', items: item.map((one, at) => from(one, [...path, at])), ...place };
    }
    if (typeof item === 'object' && item !== null) return fromMap(item, path);
    const scalar = typeof item === 'string' || typeof item === 'boolean' || item === null;
    if (scalar || (typeof item === 'number' && Number.isFinite(item))) {
      return { kind: 'scalar', value: item, ...place };
    }
    problems.push(problem(file, 0, path, `found ${shown(item)}, must be a JSON value`));
    return { kind: 'scalar', value: null, ...place };
  };
  return { node: fromMap(value, []), problems };
}
