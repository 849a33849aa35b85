/** Whether the AMIs of one release hold the same: packages, source AMI, and the settings that make an AMI what it is. */
import { packageChanges } from '../amis/package-list.ts';
import { COMPARED_SETTINGS, type Change, type Comparison } from '../contract/comparison.ts';
import type { StatedSetting } from '../contract/releases.ts';
import { inGroups } from '../contract/targets.ts';

/** What is known of the AMI of one target. */
export interface ComparedAmi {
  /** `<account>/<region>` */
  readonly target: string;
  /** The same wherever the same was built on: the release of this factory that the source AMI is of, or its name. */
  readonly source: string;
  /** The list of its packages, or why there is none. */
  readonly packages: { readonly text: string } | { readonly why: string };
}

/** So many changes are kept one by one; the others are counted. */
const KEPT = 200;

/** Compares every AMI with the first one. */
export function compare(
  first: ComparedAmi,
  others: readonly ComparedAmi[],
  configuration: readonly StatedSetting[] = [],
): Comparison {
  const packages = new ComparedPackages(first);
  const changes = others.map((other): [string, Change[]] => [
    other.target,
    [
      ...settingChanges(configuration, first.target, other.target),
      ...(first.source === other.source
        ? []
        : [{ what: 'source AMI' as const, name: '', expected: first.source, found: other.source }]),
      ...packages.changes(other),
    ],
  ]);
  return {
    reference: first.target,
    compared: others.length,
    count: changes.reduce((sum, [, { length }]) => sum + length, 0),
    differences: keptOf(
      inGroups(
        changes.flatMap(([target, found]) => (found.length === 0 ? [] : [[target, { changes: found }]])),
      ),
    ),
    notCompared: inGroups(
      [first, ...others].flatMap((ami) => {
        const why = packages.notCompared(ami);
        return why === undefined ? [] : [[ami.target, { what: 'packages', why }]];
      }),
    ),
  };
}

/** A thousand AMIs have a handful of lists among them, so each is read into packages once. */
class ComparedPackages {
  readonly #first: ComparedAmi;
  readonly #known = new Map<string, Change[]>();

  constructor(first: ComparedAmi) {
    this.#first = first;
  }

  changes({ packages: found }: ComparedAmi): Change[] {
    const { packages: expected } = this.#first;
    if (!('text' in expected) || !('text' in found) || expected.text === found.text) return [];
    const known =
      this.#known.get(found.text) ??
      packageChanges(expected.text, found.text).map(({ name, architecture, before, after }) => ({
        what: 'package' as const,
        name: architecture === '' ? name : `${name} ${architecture}`,
        expected: before,
        found: after,
      }));
    this.#known.set(found.text, known);
    return known;
  }

  /** Why the packages of a target were not compared; undefined when they were. */
  notCompared({ packages }: ComparedAmi): string | undefined {
    if ('why' in packages) return packages.why;
    const { target, packages: expected } = this.#first;
    return 'why' in expected ? `there is nothing to compare with: ${target}: ${expected.why}` : undefined;
  }
}

function settingChanges(configuration: readonly StatedSetting[], first: string, other: string): Change[] {
  return COMPARED_SETTINGS.flatMap((name) => {
    const [expected = null, found = null] = [first, other].map((target) =>
      valueIn(configuration, name, target),
    );
    return expected === found ? [] : [{ what: 'setting' as const, name, expected, found }];
  });
}

function valueIn(configuration: readonly StatedSetting[], name: string, target: string): string | undefined {
  const row = configuration.find(
    ({ setting, targets }) => setting === name && (targets === undefined || targets.includes(target)),
  );
  return row === undefined ? undefined : String(row.value);
}

/** The first changes of all groups together. */
function keptOf(groups: Comparison['differences']): Comparison['differences'] {
  let room = KEPT;
  return groups.flatMap(({ targets, changes: all }) => {
    const changes = all.slice(0, room);
    room -= changes.length;
    return changes.length === 0 ? [] : [{ targets, changes }];
  });
}

/** Of a release whose AMIs could not be compared at all. */
export const nothingCompared = (why: string): Comparison => ({
  reference: '',
  compared: 0,
  count: 0,
  differences: [],
  notCompared: [{ what: 'anything', targets: [], why }],
});

/** The first differences, a sentence each. */
export function differenceLines({ reference, differences }: Comparison, most: number): string[] {
  return differences
    .flatMap(({ targets, changes }) => changes.map((change) => sentence(targets, change, reference)))
    .slice(0, most);
}

function sentence(
  targets: readonly string[],
  { what, name, expected, found }: Change,
  reference: string,
): string {
  const [target = '', ...more] = targets;
  const where = more.length === 0 ? target : `${target} and ${more.length} more`;
  const thing = what === 'package' ? name : what === 'setting' ? `the setting ${name}` : 'the source AMI';
  return `${where}: ${thing} is ${found ?? 'missing'}, in ${reference} ${expected ?? 'missing'}`;
}
