import { placeText, sortedProblems, type Problem } from '../../../core/configuration/documents/problems.ts';
import type { Output } from '../../terminal/output.ts';
import type { CheckName } from '../../checks/check.ts';
import type { Checked, Validation } from '../../checks/validate.ts';

/** One line for all checks of a name, with what they found below it. */
export function tell({ print, paint }: Output, name: CheckName, all: readonly Checked[]): void {
  const checked = all.filter(({ check }) => check.check === name);
  if (checked.length === 0) return;
  const failed = checked.filter(({ result }) => result.outcome === 'failed');
  const whys = checked.flatMap(({ result }) => (result.outcome === 'not checked' ? [result.why] : []));
  const made = checked.length - whys.length;
  if (made > 0) {
    const mark = failed.length > 0 ? paint('red', 'FAIL') : paint('green', 'ok  ');
    const where = failed.length > 0 ? failed.map(({ check }) => placeOf(check).trim()) : extent(checked);
    print(
      `  ${mark}  ${name.padEnd(16)} ${paint('dim', where.filter((text) => text !== '').join(', '))}`.trimEnd() +
        '\n',
    );
  }
  const problems = failed.flatMap(({ result }) => (result.outcome === 'failed' ? result.problems : []));
  for (const one of sortedProblems(problems)) {
    const path = one.path === '' ? '' : ` ${one.path}`;
    print(`        ${placeText(one)}${path}: ${one.message}\n`);
  }
  for (const why of new Set(whys)) {
    print(`  ${paint('yellow', '--  ')}  ${name.padEnd(16)} not checked: ${why}\n`);
  }
}

export function placeOf({ image, stage }: Checked['check']): string {
  const of = image === null ? '' : ` ${image}`;
  return stage === null ? of : `${of} in ${stage}`;
}

/** What was looked at, where it is more than one thing. */
function extent(checked: readonly Checked[]): string[] {
  const images = new Set(checked.flatMap(({ check }) => check.image ?? []));
  const stages = new Set(checked.flatMap(({ check }) => check.stage ?? []));
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
  if (images.size === 0) return [];
  return [count(images.size, 'image') + (stages.size === 0 ? '' : ` in ${count(stages.size, 'stage')}`)];
}

export function verdict(
  { paint }: Output,
  { checked }: Validation,
  problems: readonly Problem[],
  strict: boolean,
): string {
  if (problems.length > 0) {
    return paint('red', `refused: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}`);
  }
  const missed = new Set(
    checked.flatMap(({ check, result }) => (result.outcome === 'not checked' ? check.check : [])),
  );
  if (strict || missed.size === 0) return paint('green', 'valid');
  return paint('green', `valid, without ${[...missed].join(', ')}`);
}
