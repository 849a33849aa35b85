import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locate, mergeSections, statements, type Section } from '../../../core/configuration/merge.ts';
import { nodeFromObject, plain } from '../../../core/configuration/documents/nodes.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonMap = Record<string, Json>;

const key = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString');
const scalar = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.boolean(),
  fc.constantFrom('x', 'y'),
  fc.constant(null),
);
const { map } = fc.letrec<{ map: JsonMap; value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'layer' },
    scalar,
    fc.array(fc.oneof(fc.constantFrom('x', 'y'), fc.integer({ min: 0, max: 9 })), { maxLength: 2 }),
    tie('map'),
  ),
  map: fc.dictionary(key, tie('value'), { maxKeys: 4, depthIdentifier: 'layer' }),
}));
const layers = fc.array(map, { maxLength: 5 });

function section(value: JsonMap, at: number): Section {
  const file = `layer-${at}`;
  return { file, path: [], node: nodeFromObject(file, value).node };
}
const sections = (values: readonly JsonMap[]) => values.map(section);
const merged = (...values: JsonMap[]) => plain(mergeSections(sections(values)));

const isMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const leaves = (value: unknown, path: string[] = []): [string[], unknown][] =>
  isMap(value)
    ? Object.entries(value).flatMap(([name, item]) => leaves(item, [...path, name]))
    : [[path, value]];

/** What stands at a path, undefined when nothing does; written without the code under test. */
function dig(value: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  return isMap(value) && Object.hasOwn(value, first) ? dig(value[first], rest) : undefined;
}

function reversedKeys(value: Json): Json {
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, item]) => [name, reversedKeys(item)]),
  );
}

describe('the merge', () => {
  it('merges maps, replaces scalars and lists, and removes what is null', () => {
    expect(
      merged(
        { a: { x: 1, y: [1, 2], z: 1 }, b: 1, c: 1 },
        { a: { y: [3], z: null }, b: { d: 2 } },
        { c: [null] },
      ),
    ).toEqual({ a: { x: 1, y: [3] }, b: { d: 2 }, c: [null] });
  });

  it('lets the last layer that states a leaf win', () => {
    fc.assert(
      fc.property(layers, map, (below, last) => {
        for (const [path, value] of leaves(last)) {
          expect(dig(merged(...below, last), path)).toEqual(value === null ? undefined : value);
        }
      }),
    );
  });

  it('leaves alone what the last layer does not mention', () => {
    fc.assert(
      fc.property(layers, map, (below, last) => {
        const before = merged(...below);
        const after = merged(...below, last);
        for (const [path, value] of leaves(before)) {
          const isTouched = path.some((_, at) => {
            const stated = dig(last, path.slice(0, at + 1));
            return stated !== undefined && (!isMap(stated) || at === path.length - 1);
          });
          if (!isTouched) expect(dig(after, path)).toEqual(value);
        }
      }),
    );
  });

  it('changes nothing when a layer comes twice in a row', () => {
    fc.assert(
      fc.property(layers, map, (below, last) => {
        expect(merged(...below, last, last)).toEqual(merged(...below, last));
      }),
    );
  });

  it('takes an empty layer for an absent one, wherever it stands', () => {
    fc.assert(
      fc.property(layers, fc.nat(5), (values, at) => {
        expect(merged(...values.slice(0, at), {}, ...values.slice(at))).toEqual(merged(...values));
      }),
    );
  });

  it('gives the same whatever the order of the keys', () => {
    fc.assert(
      fc.property(layers, (values) => {
        const turned = values.map(reversedKeys).filter(isMap);
        expect(merged(...turned)).toEqual(merged(...values));
      }),
    );
  });

  it('removes a key with null, and a layer above can set it again', () => {
    fc.assert(
      fc.property(layers, key, fc.constantFrom('x', 'y'), (values, name, value) => {
        expect(dig(merged(...values, { [name]: null }), [name])).toBe(undefined);
        expect(dig(merged(...values, { [name]: null }, { [name]: value }), [name])).toBe(value);
      }),
    );
  });

  it('never leaves a null outside a list', () => {
    fc.assert(
      fc.property(layers, (values) => {
        expect(leaves(merged(...values)).filter(([, value]) => value === null)).toEqual([]);
      }),
    );
  });
});

describe('provenance', () => {
  it('names for every leaf the last layer that states it, with the value it states', () => {
    fc.assert(
      fc.property(layers, (values) => {
        for (const [path, value] of leaves(merged(...values))) {
          if (isMap(value)) continue;
          const stated = statements(sections(values), path);
          const origin = values.findLastIndex((layer) => dig(layer, path) !== undefined);
          expect(stated.at(-1)).toEqual({ file: `layer-${origin}`, line: 0, path, value });
          expect(locate(sections(values), path)).toEqual({ file: `layer-${origin}`, line: 0, path });
        }
      }),
    );
  });

  it('lists what was overridden in the order of the layers, also a null and a value that stood for a map', () => {
    const stated = statements(sections([{ a: { b: 1 } }, {}, { a: null }, { a: 'all' }, { a: { b: 2 } }]), [
      'a',
      'b',
    ]);
    expect(stated.map(({ file, value }) => [file, value])).toEqual([
      ['layer-0', 1],
      ['layer-2', null],
      ['layer-3', 'all'],
      ['layer-4', 2],
    ]);
  });
});
