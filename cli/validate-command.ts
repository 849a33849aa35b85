import { laidOverText } from '../buildspecs/lay-template.mjs';
import { placeText, problem, sortedProblems, type Problem } from '../tasks/configuration/problems.ts';
import { checkOutFactory, configurationFiles } from './checkout.ts';
import type { Output } from './output.ts';
import { CHECKS, type CheckName, whyOf } from './validate/check.ts';
import { type Checked, validate, type Validation } from './validate/validate.ts';

export interface ValidateOptions {
  /** Every image of the factory when there is none. */
  readonly images: readonly string[];
  readonly factory: string;
  readonly ref?: string;
  readonly stage?: string;
  /** What cannot be checked is a problem. */
  readonly strict: boolean;
  readonly json: boolean;
}

/** `packleader validate`: tells every check, or prints one document at the end. Returns whether all is in order. */
export async function validateCommand(options: ValidateOptions, output: Output): Promise<boolean> {
  const startedAt = performance.now();
  const { commit, note, files } = checkOutFactory(options.factory, options.ref);
  const validation = await validate(files, {
    configurationFiles: configurationFiles(files),
    ...(options.images.length > 0 && { images: [...new Set(options.images)] }),
    ...(options.stage !== undefined && { stage: options.stage }),
    onChecked: (done, all, { check }) =>
      output.status(`  … ${done} of ${all}: ${check.check}${placeOf(check)}`),
  });
  output.status('');
  const problems = [...validation.problems, ...(options.strict ? unchecked(validation) : [])];
  if (options.json) {
    output.print(`${JSON.stringify(documentOf(validation, problems), null, 2)}\n`);
    return problems.length === 0;
  }
  const heading = `${commit.slice(0, 7)}${note === undefined ? '' : ` (${note})`}`;
  output.print(`the factory at ${heading}\n`);
  for (const name of CHECKS) tell(output, name, validation.checked);
  for (const { image, template, files: own } of validation.replaced)
    output.print(`  ${output.paint('dim', 'note')}  ${laidOverText(image, template, own)}\n`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  output.print(`\n${verdict(output, validation, problems, options.strict)}\n`);
  const { ran, remembered } = validation;
  output.print(
    `${output.paint('dim', `${validation.checked.length} checks in ${seconds} s: tools ran ${ran} times, ${remembered} results were remembered`)}\n`,
  );
  return problems.length === 0;
}

/** The document that `--json` promises. */
function documentOf({ checked, replaced }: Validation, problems: readonly Problem[]) {
  return {
    outcome: problems.length === 0 ? 'valid' : 'refused',
    checks: checked.map(({ check: { check, image, stage }, result }) => {
      const why = whyOf(result);
      return { check, image, stage, outcome: result.outcome, ...(why !== undefined && { why }) };
    }),
    replaced,
    errors: problems.map(({ file, line, path, message }) => ({ file, line, path, message })),
  };
}

/** With --strict, what could not be checked. */
const unchecked = ({ checked }: Validation): Problem[] =>
  sortedProblems(
    checked.flatMap(({ check: { check }, result }) =>
      result.outcome === 'not checked'
        ? [problem('--strict', 0, [], `${check} was not checked: ${result.why}`)]
        : [],
    ),
  );

/** One line for all checks of a name, with what they found below it. */
function tell({ print, paint }: Output, name: CheckName, all: readonly Checked[]): void {
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

const placeOf = ({ image, stage }: Checked['check']): string => {
  const of = image === null ? '' : ` ${image}`;
  return stage === null ? of : `${of} in ${stage}`;
};

/** What was looked at, where it is more than one thing. */
function extent(checked: readonly Checked[]): string[] {
  const images = new Set(checked.flatMap(({ check }) => check.image ?? []));
  const stages = new Set(checked.flatMap(({ check }) => check.stage ?? []));
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
  if (images.size === 0) return [];
  return [count(images.size, 'image') + (stages.size === 0 ? '' : ` in ${count(stages.size, 'stage')}`)];
}

function verdict(
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
