/** Compares what Packer would be told with what the template declares. Packer itself only warns. */
import type { StatedValue } from '../../core/configuration/effective.ts';
import { layerFiles } from '../../core/configuration/layers.ts';
import { nearest, placeText, problem, type Problem } from '../../core/configuration/documents/problems.ts';
import type { Bake, Variables } from './bakes.ts';
import { type Check, resultOf, unmade } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';
import { type Declaration, declarations, templateFiles } from './template.ts';

export const WRONG_CONFIGURATION = 'the configuration has to be put right first';

export function variableChecks(tree: FactoryTree, bakes: readonly Bake[]): Check[] {
  const declared = new Map(bakes.map(({ image }) => [image, declarations(tree, image)]));
  return bakes.map((bake): Check => {
    const { image, stage, variables } = bake;
    if (variables === undefined) return unmade('variables', WRONG_CONFIGURATION, { image, stage });
    const problems = () =>
      templateFiles(tree, image).length === 0
        ? [noTemplate(tree, image)]
        : variables.flatMap((one) => problemsOf(bake, one, declared.get(image) ?? []));
    return { check: 'variables', image, stage, work: [{ run: () => resultOf(problems()) }] };
  });
}

export function noTemplate(tree: FactoryTree, image: string): Problem {
  const { template } = tree.laidOver(image);
  const or = template === undefined ? 'take a template that does' : `templates/${template} must`;
  const message = `found no template of Packer, must hold at least one *.pkr.hcl, or ${or}`;
  return problem(`images/${image}`, 0, [], message);
}

/** A problem at the place that states a value. */
export const stated = ({ file, line, path }: StatedValue, message: string): Problem => ({
  ...problem(file, line, [], message),
  path,
});

function problemsOf(
  { image, stage }: Bake,
  { values, secrets, origin }: Variables,
  declared: readonly Declaration[],
): Problem[] {
  const names = declared.map(({ name }) => name);
  const template = `images/${image}`;
  const undeclared = Object.keys(values)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const from = origin(name);
      const why =
        from === undefined || !from.path.startsWith('variables')
          ? `the template of ${image} does not declare the variable ${name}, which packleader gives every bake`
          : `the template of ${image} declares no such variable`;
      const message = `${why}, ${nearest(name, names)}: declare it in ${template}/*.pkr.hcl`;
      return from === undefined ? problem(template, 0, [name], message) : stated(from, message);
    });
  const open = declared
    .filter(({ name, sensitive }) => secrets.has(name) && !sensitive)
    .map(({ name, file, line }) => {
      const from = origin(name);
      const message = `is a secret, must be declared with sensitive = true in ${placeText({ file, line })}, or Packer may print it`;
      return from === undefined ? problem(file, line, [name], message) : stated(from, message);
    });
  const settable = layerFiles(image, stage).slice(2).join(', ');
  const unset = declared
    .filter(({ name, hasDefault }) => !hasDefault && !Object.hasOwn(values, name))
    .map(({ name, file, line }) =>
      problem(
        file,
        line,
        ['variable', name],
        `has no default, must be set for ${stage}: write variables.${name} in one of ${settable}`,
      ),
    );
  return [...undeclared, ...open, ...unset];
}
