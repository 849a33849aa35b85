/** The plugins that templates require of Packer, and whether those that are pinned are among them. */
import type { Image } from '../configuration/factory.ts';
import type { Files } from '../configuration/files.ts';
import { bakedTemplate } from './check.ts';
import { type Literal, openLiterals } from './hcl.ts';
import type { Template } from './template.ts';

export interface RequiredPlugin {
  /** `github.com/hashicorp/amazon` */
  readonly source: string;
  /** As it is written: `= 1.3.2`, or `>= 1.2.8, < 2.0`; empty for any. */
  readonly version: string;
  readonly file: string;
  readonly line: number;
}

/** What the templates of these images require, each requirement once. What cannot be read requires nothing, which `validate` says. */
export async function requiredPlugins(files: Files, images: readonly Image[]): Promise<RequiredPlugin[]> {
  const literal = await openLiterals();
  const baked = await Promise.all(images.map(async (image) => bakedTemplate(files, image)));
  const all = baked.flatMap(({ template }) => requiredBy(template, literal));
  return [...new Map(all.map((one) => [`${one.source} ${one.version}`, one])).values()];
}

function requiredBy(
  { blocks }: Template,
  literal: Awaited<ReturnType<typeof openLiterals>>,
): RequiredPlugin[] {
  return blocks
    .filter(({ type }) => type === 'packer')
    .flatMap((block) => block.blocks.filter(({ type }) => type === 'required_plugins'))
    .flatMap(({ attributes }) => [...attributes.values()])
    .flatMap(({ text, file, line }) => {
      const stated = literal(text, () => undefined);
      const source = member(stated, 'source');
      return source === undefined ? [] : [{ source, version: member(stated, 'version') ?? '', file, line }];
    });
}

function member(of: Literal | undefined, name: string): string | undefined {
  if (typeof of !== 'object' || of === null || Array.isArray(of)) return undefined;
  const found: unknown = Object.entries(of).find(([key]) => key === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}

/** The version that a requirement names, when it names exactly one. */
export const exactVersion = ({ version }: RequiredPlugin): string | undefined =>
  /^=? *v?(\d+\.\d+\.\d+)$/.exec(version.trim())?.[1];

/** A requirement that none of these plugins meets. */
export const unmet = (
  required: readonly RequiredPlugin[],
  pinned: readonly { readonly source: string; readonly version: string }[],
): RequiredPlugin | undefined =>
  required.find(
    (one) => !pinned.some(({ source, version }) => source === one.source && meets(version, one.version)),
  );

/**
 * Whether a version meets constraints as Packer writes them.
 *  @see https://developer.hashicorp.com/packer/docs/templates/hcl_templates/blocks/packer#version-constraints
 */
export function meets(version: string, constraints: string): boolean {
  return constraints.split(',').every((constraint) => {
    const [, operator = '', wanted] =
      /^\s*(=|!=|>=|<=|>|<|~>)?\s*v?(\d+(?:\.\d+)*)\s*$/.exec(constraint) ?? [];
    if (wanted === undefined) return constraint.trim() === '';
    const order = compared(version, wanted);
    switch (operator) {
      case '!=':
        return order !== 0;
      case '>':
        return order > 0;
      case '>=':
        return order >= 0;
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '~>':
        // All but its last part stay as they are.
        return (
          order >= 0 &&
          partsOf(wanted)
            .slice(0, -1)
            .every((part, at) => partsOf(version)[at] === part)
        );
      default:
        return order === 0;
    }
  });
}

const partsOf = (version: string): number[] => version.split('.').map(Number);

function compared(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)];
  const at = [0, 1, 2].find((part) => (left[part] ?? 0) !== (right[part] ?? 0));
  return at === undefined ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
