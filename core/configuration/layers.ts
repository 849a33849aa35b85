/** The layers of the configuration hierarchy, and which parts of them apply to a target. */
import type { Target } from '../contract/targets.ts';
import { isLayer, type Factory, type FactoryFiles } from './factory.ts';
import type { Section } from './merge.ts';
import { nodeFromObject, type ConfigNode, type MapNode } from './documents/nodes.ts';
import { nearest, problem, shown, type Path, type Problem } from './documents/problems.ts';
import { secretProblems } from './documents/secrets.ts';
import { readYaml } from './documents/yaml.ts';
import { shapeProblems } from './shapes.ts';

export const OVERRIDES = 'overrides';

/** One file of the hierarchy. */
export interface Layer {
  readonly file: string;
  /** False when the file could not be read at all, so that nothing can be said about what it sets. */
  readonly readable: boolean;
  /** The layer without `regions` and `accounts`. */
  readonly own: Section;
  readonly regions: ReadonlyMap<string, Section>;
  readonly accounts: ReadonlyMap<
    string,
    { readonly own: Section; readonly regions: ReadonlyMap<string, Section> }
  >;
  readonly problems: readonly Problem[];
}

/** The files of an image in a stage, lowest first; the overrides follow them. */
export const layerFiles = (image: string, stage: string): string[] => [
  'config/default.yaml',
  `config/${stage}.yaml`,
  `images/${image}/config/default.yaml`,
  `images/${image}/config/${stage}.yaml`,
];

/** Every layer file of the factory by its name; without a factory, targets are not checked. */
export const readLayers = (files: FactoryFiles, factory: Factory | undefined): Map<string, Layer> =>
  new Map(
    [...files]
      .filter(([file]) => isLayer(file))
      .map(([file, text]) => {
        const { node, problems } = readYaml(file, text);
        return [file, toLayer(file, node, problems, factory)];
      }),
  );

export function overridesLayer(overrides: Readonly<Record<string, unknown>>, factory: Factory): Layer {
  const { node, problems } = nodeFromObject(OVERRIDES, overrides);
  return toLayer(OVERRIDES, node, problems, factory);
}

/** What applies to a target, lowest first: a layer's own values, its region, its account, the region in the account. */
export const sectionsFor = (layers: readonly Layer[], { accountId, region }: Target): Section[] =>
  layers.flatMap((layer) => {
    const account = layer.accounts.get(accountId);
    const sections = [layer.own, layer.regions.get(region), account?.own, account?.regions.get(region)];
    return sections.filter((section) => section !== undefined);
  });

/** Two targets with the same key get the same settings from these layers. */
export function sectionsKey(layers: readonly Layer[], { accountId, region }: Target): string {
  const account = layers.some((layer) => layer.accounts.has(accountId));
  const narrowed =
    layers.some((layer) => layer.regions.has(region)) ||
    layers.some((layer) => layer.accounts.get(accountId)?.regions.has(region));
  return `${account ? accountId : ''}/${narrowed ? region : ''}`;
}

function toLayer(
  file: string,
  node: MapNode | undefined,
  found: readonly Problem[],
  factory: Factory | undefined,
): Layer {
  const root: MapNode = node ?? { kind: 'map', file, line: 0, entries: new Map() };
  const splitter = new Splitter(file, factory);
  const regions = splitter.regions(root, [], undefined);
  const accounts = splitter.accounts(root);
  const own = { file, path: [], node: without(root, ['regions', 'accounts']) };
  const narrowed = [...accounts.values()].flatMap((account) => [account.own, ...account.regions.values()]);
  const shapes = [own, ...regions.values(), ...narrowed].flatMap(shapeProblems);
  return {
    file,
    // What has another shape is as good as unread: nothing can be said about what it means to set.
    readable: node !== undefined && shapes.length === 0,
    own,
    regions,
    accounts,
    problems: [...found, ...secretProblems(root), ...shapes, ...splitter.problems],
  };
}

const without = (map: MapNode, keys: readonly string[]): MapNode => ({
  ...map,
  entries: new Map([...map.entries].filter(([key]) => !keys.includes(key))),
});

/** Takes `regions` and `accounts` out of a layer and checks that they name targets. */
class Splitter {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #targets: readonly Target[] | undefined;

  constructor(file: string, factory: Factory | undefined) {
    this.#file = file;
    this.#targets = factory?.stages.flatMap(({ targets }) => targets);
  }

  regions(map: MapNode, path: Path, accountId: string | undefined): Map<string, Section> {
    const sections = new Map<string, Section>();
    for (const [region, node] of this.#narrowed(map, 'regions', path)) {
      const at = [...path, 'regions', region];
      const there = this.#targets?.filter(
        (target) => accountId === undefined || target.accountId === accountId,
      );
      const of =
        accountId === undefined ? 'a region of a target' : `a region of a target in account ${accountId}`;
      this.#checkKnown(
        node,
        at,
        region,
        of,
        there?.map((target) => target.region),
      );
      for (const key of ['regions', 'accounts']) {
        const inner = node.entries.get(key);
        if (inner !== undefined) {
          const message = `found ${key} inside regions, must be accounts.<account>.regions.<region>`;
          this.#add(inner, [...at, key], message);
        }
      }
      sections.set(region, { file: this.#file, path: at, node: without(node, ['regions', 'accounts']) });
    }
    return sections;
  }

  accounts(map: MapNode): Map<string, { own: Section; regions: Map<string, Section> }> {
    const sections = new Map<string, { own: Section; regions: Map<string, Section> }>();
    for (const [accountId, node] of this.#narrowed(map, 'accounts', [])) {
      const at = ['accounts', accountId];
      const known = this.#targets?.map((target) => target.accountId);
      const isKnown = this.#checkKnown(node, at, accountId, 'the account of a target', known);
      const inner = node.entries.get('accounts');
      if (inner !== undefined)
        this.#add(inner, [...at, 'accounts'], 'found accounts inside accounts, must stand once');
      sections.set(accountId, {
        own: { file: this.#file, path: at, node: without(node, ['regions', 'accounts']) },
        regions: isKnown ? this.regions(node, at, accountId) : new Map(),
      });
    }
    return sections;
  }

  /** The maps under `regions` or `accounts`; a key without a value narrows nothing. */
  #narrowed(map: MapNode, key: 'regions' | 'accounts', path: Path): [string, MapNode][] {
    const node = map.entries.get(key);
    if (node === undefined || isNull(node)) return [];
    const example = key === 'regions' ? 'regions to settings' : 'account ids to settings';
    if (node.kind !== 'map') {
      this.#add(node, [...path, key], `found ${describe(node)}, must be a map of ${example}`);
      return [];
    }
    return [...node.entries].flatMap(([name, settings]): [string, MapNode][] => {
      if (settings.kind === 'map') return [[name, settings]];
      if (isNull(settings)) return [[name, { ...settings, kind: 'map', entries: new Map() }]];
      this.#add(settings, [...path, key, name], `found ${describe(settings)}, must be a map of settings`);
      return [];
    });
  }

  #checkKnown(
    node: MapNode,
    path: Path,
    name: string,
    what: string,
    known: readonly string[] | undefined,
  ): boolean {
    if (known === undefined || known.includes(name)) return true;
    this.#add(node, path, `found ${shown(name)}, must be ${what}, ${nearest(name, [...new Set(known)])}`);
    return false;
  }

  #add(node: ConfigNode, path: Path, message: string): void {
    this.problems.push(problem(this.#file, node.line, path, message));
  }
}

const isNull = (node: ConfigNode): boolean => node.kind === 'scalar' && node.value === null;

const describe = (node: ConfigNode): string =>
  node.kind === 'scalar' ? shown(node.value) : `a ${node.kind}`;
