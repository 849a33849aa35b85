/** Merges sections of layers, and tells for every value where it came from. */
import { plain, walk, type ConfigNode, type MapNode } from './documents/nodes.ts';
import type { Path } from './documents/problems.ts';
import type { Located } from './documents/validation.ts';

/** A piece of a layer that applies to a target: the layer itself, or one of its `regions` or `accounts`. */
export interface Section {
  readonly file: string;
  /** Where in the file the section stands: [] or ['regions', 'eu-west-1'], for example. */
  readonly path: Path;
  readonly node: MapNode;
}

/** A value as one section states it. */
export interface Stated extends Located {
  readonly value: unknown;
}

/** Later wins: maps merge deeply, scalars and lists are replaced whole, `null` removes a key. */
export const mergeSections = (sections: readonly Section[]): MapNode =>
  sections.reduce<MapNode>((merged, { node }) => mergeMaps(merged, node), EMPTY);

const EMPTY: MapNode = { kind: 'map', file: '', line: 0, entries: new Map() };

function mergeMaps(below: MapNode, above: MapNode): MapNode {
  const entries = new Map(below.entries);
  for (const [key, value] of above.entries) {
    if (value.kind === 'scalar' && value.value === null) entries.delete(key);
    else if (value.kind === 'map') entries.set(key, mergeMaps(asMap(entries.get(key)), value));
    else entries.set(key, value);
  }
  return { ...above, entries };
}

const asMap = (node: ConfigNode | undefined): MapNode => (node?.kind === 'map' ? node : EMPTY);

/**
 * What every section states about a path, lowest first: its value there, or the scalar, list or null that takes the
 * place of a map around it. The last one is where the effective value comes from.
 */
export const statements = (sections: readonly Section[], path: readonly string[]): Stated[] =>
  sections.flatMap((section) => {
    const { node, steps } = walk(section.node, path);
    if (steps < path.length && node.kind === 'map') return [];
    return [{ ...located(section, path.slice(0, steps), node), value: plain(node) }];
  });

/** Where a path of the merged settings, which may lead into a list, was written. */
export function locate(sections: readonly Section[], path: Path): Located | undefined {
  for (const section of sections.toReversed()) {
    const { node, steps } = walk(section.node, path);
    if (steps === path.length || node.kind !== 'map') return located(section, path.slice(0, steps), node);
  }
  return undefined;
}

/** Where the path, or else the closest thing around it, was written. */
export function locateNearest(sections: readonly Section[], path: Path, otherwise: string): Located {
  for (let length = path.length; length > 0; length -= 1) {
    const found = locate(sections, path.slice(0, length));
    if (found !== undefined) return { ...found, path: [...found.path, ...path.slice(length)] };
  }
  return { file: otherwise, line: 0, path };
}

const located = (section: Section, path: Path, node: ConfigNode): Located => ({
  file: section.file,
  line: node.line,
  path: [...section.path, ...path],
});
