/** Whether what a layer states has at least the shape of a setting: a map, a list or a single value. */
import type { Section } from './merge.ts';
import { plain, walk, type ConfigNode } from './documents/nodes.ts';
import type { Problem } from './documents/problems.ts';
import { schemaProblems } from './documents/validation.ts';
import { settingsSchema } from './settings.ts';

/** What zod expects, as the documents have it; everything else is a single value. */
const KINDS: Readonly<Record<string, ConfigNode['kind']>> = { object: 'map', record: 'map', array: 'list' };

/**
 * The values of one section that could be no setting whatever stands in the other layers. A later layer would replace such a value
 * whole, and nobody would ever learn that it was there.
 */
export function shapeProblems({ file, path: place, node }: Section): Problem[] {
  const value = plain(node);
  const { error } = settingsSchema.safeParse(value);
  const issues = (error?.issues ?? []).filter((issue) => {
    if (issue.code !== 'invalid_type') return false;
    const { node: found, steps } = walk(node, issue.path.map(String));
    if (steps < issue.path.length || (found.kind === 'scalar' && found.value === null)) return false;
    return found.kind !== (KINDS[issue.expected] ?? 'scalar');
  });
  return schemaProblems(issues, {
    value,
    locate: (path) => ({ file, line: walk(node, path).node.line, path: [...place, ...path] }),
    missing: (must) => must,
  });
}
