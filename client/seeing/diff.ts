/** What is different between two releases. */
import pMap from 'p-map';
import type { ReleasedRecord } from '../../core/contract/releases.ts';
import type { SourceAmi } from '../../core/contract/source-amis.ts';
import { type PackageChange, packageChanges } from '../../core/amis/package-list.ts';
import { inGroups, targetName } from '../../core/contract/targets.ts';
import {
  type Difference,
  type SettingDifference,
  settingDifferences,
} from '../../core/releases/setting-differences.ts';
import { ReleaseNotFound } from '../errors.ts';
import type { HubOptions } from '../hub.ts';
import { PackageLists } from './package-lists.ts';
import { openRecords } from './record-store.ts';

export interface ComparedSource {
  /** The AMI itself; null when the record does not say. */
  readonly imageId: string | null;
  /** What it was found by; null when the record does not say. */
  readonly sourceAmi: SourceAmi | null;
  /** The release of this factory that it is of; null when it is of none. */
  readonly builtOn: string | null;
}

export interface ReleaseDifference {
  readonly before: string;
  readonly after: string;
  /** `range` is what git takes; null when both are of one commit. */
  readonly commits: { readonly before: string; readonly after: string; readonly range: string | null };
  /** Targets that only one of both has; what follows compares the others. */
  readonly targets: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /** Null when one of the records does not tell its configuration. */
  readonly configuration: readonly SettingDifference[] | null;
  readonly sourceAmis: readonly Difference<ComparedSource>[];
  readonly packages: readonly {
    readonly targets: readonly string[];
    readonly changes: readonly PackageChange[];
  }[];
  /** What could not be compared, and why. */
  readonly notCompared: readonly { readonly what: string; readonly why: string }[];
}

/** Lists of packages looked for at the same time. */
const LOOKS = 25;

/**
 * Compares two releases: commits, configuration, source AMIs and packages. What cannot be compared is said.
 *  @param before `<image>@<version>`, or an image, whose newest release is meant
 *  @param after the same, or the other version of the same image alone
 *  @throws ReleaseNotFound, RecordUnreadable, HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function diffReleases(
  before: string,
  after: string,
  options: HubOptions = {},
): Promise<ReleaseDifference> {
  const records = await openRecords(options);
  const first = await records.find(before);
  const found = await records.find(/^\d+\.\d+\.\d+/.test(after) ? `${first.image}@${after}` : after);
  if (found.releaseId === first.releaseId)
    throw new ReleaseNotFound(`${before} and ${after} are one release, ${first.releaseId}`);
  const [left, right] = await Promise.all([records.read(first), records.read(found)]);
  const leftTargets = new Map(left.images.map((image) => [targetName(image), image]));
  const rightTargets = new Map(right.images.map((image) => [targetName(image), image]));
  const both = [...rightTargets.keys()].filter((target) => leftTargets.has(target));
  const configuration = settingDifferences(left.configuration, right.configuration, both);
  const packages = await comparePackages();
  return {
    before: left.releaseId,
    after: right.releaseId,
    commits: {
      before: left.commit,
      after: right.commit,
      range: left.commit === right.commit ? null : `${left.commit}..${right.commit}`,
    },
    targets: {
      added: [...rightTargets.keys()].filter((target) => !leftTargets.has(target)),
      removed: [...leftTargets.keys()].filter((target) => !rightTargets.has(target)),
    },
    configuration,
    sourceAmis: inGroups(
      both.flatMap((target) => {
        const values = {
          before: sourceOf(leftTargets.get(target)),
          after: sourceOf(rightTargets.get(target)),
        };
        return same(values.before, values.after) ? [] : [[target, values] as const];
      }),
    ),
    packages: packages.differences,
    notCompared: [
      ...[left, right].flatMap((record) =>
        record.configuration === undefined
          ? [
              {
                what: 'configuration',
                why: `the record of ${record.releaseId} is of an older packleader and holds none`,
              },
            ]
          : [],
      ),
      ...packages.notCompared,
    ],
  };

  async function comparePackages() {
    const lists = new PackageLists(records);
    const compared = await pMap(
      both,
      async (target) => {
        const [one, other] = await Promise.all([lists.of(left, target), lists.of(right, target)]);
        if ('why' in one) return { target, why: `${left.releaseId}: ${one.why}` };
        if ('why' in other) return { target, why: `${right.releaseId}: ${other.why}` };
        return { target, changes: packageChanges(one.text, other.text) };
      },
      { concurrency: LOOKS },
    );
    const changed = compared.flatMap(({ target, changes = [] }) =>
      changes.length === 0 ? [] : [[target, { changes }] as const],
    );
    const unknown = compared.flatMap(({ target, why }) =>
      why === undefined ? [] : [[target, { why }] as const],
    );
    return {
      differences: inGroups(changed),
      notCompared: inGroups(unknown).map(({ targets, why }) => ({
        what: `packages in ${targets.join(', ')}`,
        why,
      })),
    };
  }
}

const sourceOf = (image: ReleasedRecord['images'][number] | undefined): ComparedSource => ({
  imageId: image?.sourceImageId ?? null,
  sourceAmi: image?.sourceAmi ?? null,
  builtOn: image?.builtOn ?? null,
});

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
