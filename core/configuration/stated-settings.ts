import type { StatedSetting } from '../contract/releases.ts';
import type { Origin } from './effective.ts';

/**
 * The settings of all targets as one list: a row for each setting and each value that it has from one place, with the targets
 * that have it so. Most are the same in all of them, so that it stays short for hundreds of targets.
 */
export function statedSettings(stated: ReadonlyMap<string, readonly Origin[]>): StatedSetting[] {
  const rows = new Map<string, { row: StatedSetting; targets: string[] }>();
  for (const [target, origins] of stated) {
    for (const { setting, from } of origins) {
      const row = { setting, value: from.value, file: from.file, line: from.line };
      const key = JSON.stringify(row);
      const found = rows.get(key) ?? { row, targets: new Array<string>() };
      rows.set(key, found);
      found.targets.push(target);
    }
  }
  return [...rows.values()]
    .map(({ row, targets }) => (targets.length === stated.size ? row : { ...row, targets }))
    .toSorted((a, b) => (a.setting < b.setting ? -1 : a.setting > b.setting ? 1 : 0));
}
