/** Compares what Packer would be told with what the template declares. Packer itself only warns. */
import type { StatedValue } from '../configuration/effective.ts';
import { layerFiles } from '../configuration/layers.ts';
import { nearest, placeText, problem, type Problem } from '../configuration/documents/problems.ts';
import { nameInRepository } from '../configuration/packer-directory.ts';
import type { Bake, Variables } from './bakes.ts';
import { KEEP, SPOT, TOLD_VARIABLES, type ToldVariable } from '../configuration/settings.ts';
import type { Declaration } from './template.ts';

/** A problem at the place that states a value. */
export const stated = ({ file, line, path }: StatedValue, message: string): Problem => ({
  ...problem(file, line, [], message),
  path,
});

/** Where what Packer would be told and what the template declares do not fit. */
export function variableProblems(
  { image, stage }: Bake,
  { values, secrets, origin }: Variables,
  declared: readonly Declaration[],
  /** Of an image that takes a directory that knows nothing of packleader. */
  adopted?: string,
): Problem[] {
  const names = declared.map(({ name }) => name);
  const template = adopted === undefined ? `images/${image}` : nameInRepository(adopted);
  const mapping =
    adopted === undefined
      ? ''
      : `, or say in images/${image}/image.yaml, under packer.variables, what packleader tells it`;
  const undeclared = Object.keys(values).filter((name) => !names.includes(name));
  const unknown = undeclared
    .filter((name) => !isOurs(name))
    .map((name) => {
      const from = origin(name);
      const message = `the template of ${image} declares no such variable, ${nearest(name, names)}: declare it in ${template}/*.pkr.hcl`;
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
    .filter((variable) => variable.default === undefined && !Object.hasOwn(values, variable.name))
    .map(({ name, file, line }) =>
      problem(
        file,
        line,
        ['variable', name],
        `has no default, must be set for ${stage}: write variables.${name} in one of ${settable}${mapping}`,
      ),
    );
  return [...lacking(image, template, undeclared.filter(isOurs)), ...unknown, ...open, ...unset];
}

const isOurs = (name: string): name is ToldVariable => TOLD_VARIABLES.some((one) => one === name);

/** All of them at once, with the lines to paste. */
function lacking(image: string, template: string, names: readonly ToldVariable[]): Problem[] {
  if (names.length === 0) return [];
  // Of a block in one line, HCL takes one attribute.
  const lines = names.map((name) =>
    TOLD_TO_SOME[name] === undefined
      ? `    variable "${name}" { type = ${TYPES[name] ?? 'string'} }`
      : `    variable "${name}" { default = ${TOLD_TO_SOME[name].default} }`,
  );
  const some = names.flatMap((name) => TOLD_TO_SOME[name]?.asked ?? []);
  const who = some.length === names.length ? `a bake with ${some.join(' and ')}` : 'every bake';
  const message = `the template of ${image} does not declare ${names.join(', ')}, which packleader gives ${who}: declare ${names.length === 1 ? 'it' : 'them'} in ${template}/*.pkr.hcl, or take a template that does`;
  return [problem(template, 0, [], [message, ...lines].join('\n'))];
}

/** Variables that only such bakes are given, and what all others have. */
const TOLD_TO_SOME: Readonly<
  Partial<Record<ToldVariable, { readonly asked: string; readonly default: string }>>
> = {
  [SPOT]: { asked: 'spot: true', default: 'false' },
  [KEEP]: { asked: 'onFailure: keep', default: '0' },
};

/** Of the variables that are no strings. */
const TYPES: Readonly<Partial<Record<ToldVariable, string>>> = {
  root_volume_size_gib: 'number',
  security_group_ids: 'list(string)',
  tags: 'map(string)',
  timeout_minutes: 'number',
};
