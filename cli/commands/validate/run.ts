import { laidOverText } from '../../../buildspecs/lay-template.mjs';
import { problem, sortedProblems, type Problem } from '../../../core/configuration/documents/problems.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { type FactoryCheckout, checkOutFactory, whichFactory } from '../../input/checkout.ts';
import { deploymentOfProject } from '../../input/project.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { nameInRepository } from '../../../core/configuration/packer-directory.ts';
import { changesText } from '../adopt/run.ts';
import { CHECKS, whyOf } from '../../checks/check.ts';
import { validate, type Validation } from '../../checks/validate.ts';
import { tell, placeOf, verdict } from './tell.ts';

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
  const checkout = checkOutFactory(options.factory, options.ref);
  const { files } = checkout;
  const validation = await validate(files, {
    configurationFiles: configurationFiles(files),
    switches: deploymentOfProject(checkout.directory),
    ...(options.images.length > 0 && { images: [...new Set(options.images)] }),
    ...(options.stage !== undefined && { stage: options.stage }),
    onChecked: (done, all, { check }) =>
      output.status(`  … ${done} of ${all}: ${check.check}${placeOf(check)}`),
  });
  output.status('');
  const problems = [...validation.problems, ...(options.strict ? unchecked(validation) : [])];
  if (options.json) {
    output.print(jsonText(documentOf(checkout, validation, problems)));
    return problems.length === 0;
  }
  output.print(`${whichFactory(checkout)}\n`);
  for (const name of CHECKS) tell(output, name, validation.checked);
  for (const { image, template, files: own } of validation.replaced)
    output.print(`  ${output.paint('dim', 'note')}  ${laidOverText(image, template, own)}\n`);
  for (const { image, adopted } of validation.adopted) {
    const from = nameInRepository(adopted.overlay.directory);
    const what = `images/${image} bakes ${adopted.build} of ${from}; in the copy that is baked packleader`;
    output.print(`  ${output.paint('dim', 'note')}  ${what}\n`);
    output.print(changesText(adopted.changes, output.paint).replaceAll(/^/gm, '      ').trimEnd() + '\n');
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  output.print(`\n${verdict(output, validation, problems, options.strict)}\n`);
  const { ran, remembered } = validation;
  output.print(
    `${output.paint('dim', `${validation.checked.length} checks in ${seconds} s: tools ran ${ran} times, ${remembered} results were remembered`)}\n`,
  );
  return problems.length === 0;
}

/** The document that `--json` promises. */
function documentOf(
  { directory }: FactoryCheckout,
  { checked, replaced, adopted }: Validation,
  problems: readonly Problem[],
) {
  return {
    outcome: problems.length === 0 ? 'valid' : 'refused',
    factory: directory,
    checks: checked.map(({ check: { check, image, stage }, result }) => {
      const why = whyOf(result);
      return { check, image, stage, outcome: result.outcome, ...(why !== undefined && { why }) };
    }),
    replaced,
    adopted: adopted.map(({ image, adopted: { build, sha256, changes } }) => ({
      image,
      build,
      overlaySha256: sha256,
      changes,
    })),
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
