/** How the configuration of two releases differs, by what their plans and records state. */
import type { StatedSetting } from '../contract/releases.ts';
import { inGroups } from '../contract/targets.ts';

/** A value that differs, and the targets, `<account>/<region>`, in which it does so. */
export interface Difference<T> {
  readonly targets: readonly string[];
  /** Null where there is none. */
  readonly before: T | null;
  readonly after: T | null;
}

export interface SettingDifference extends Difference<Pick<StatedSetting, 'value' | 'file' | 'line'>> {
  readonly setting: string;
}

/** By setting; null when one of both does not tell its configuration. */
export function settingDifferences(
  left: readonly StatedSetting[] | undefined,
  right: readonly StatedSetting[] | undefined,
  targets: readonly string[],
): SettingDifference[] | null {
  if (left === undefined || right === undefined) return null;
  const one = settingsByTarget(left, targets);
  const other = settingsByTarget(right, targets);
  const different = targets.flatMap((target) => {
    const before = one.get(target) ?? new Map<string, StatedSetting>();
    const after = other.get(target) ?? new Map<string, StatedSetting>();
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((setting) => {
      const values = { before: stated(before.get(setting)), after: stated(after.get(setting)) };
      // A line that moved in its file changes nothing.
      return JSON.stringify(values.before?.value) === JSON.stringify(values.after?.value)
        ? []
        : [[target, { setting, ...values }] as const];
    });
  });
  return inGroups(different).toSorted((a, b) => (a.setting < b.setting ? -1 : a.setting > b.setting ? 1 : 0));
}

function settingsByTarget(
  rows: readonly StatedSetting[],
  targets: readonly string[],
): Map<string, Map<string, StatedSetting>> {
  const byTarget = new Map(targets.map((target) => [target, new Map<string, StatedSetting>()]));
  for (const row of rows)
    for (const target of row.targets ?? targets) byTarget.get(target)?.set(row.setting, row);
  return byTarget;
}

const stated = (row: StatedSetting | undefined) =>
  row ? { value: row.value, file: row.file, line: row.line } : null;
