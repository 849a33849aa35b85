/** Required settings that no layer has: said once, with the lines to paste, however many images, stages and targets lack them. */
import { stringify } from 'yaml';
import * as z from 'zod';
import { type Path, type Problem, pathText, problem } from './documents/problems.ts';
import type { Located } from './documents/validation.ts';
import { OVERRIDES } from './layers.ts';
import { settingsSchema } from './settings.ts';

/** One that an image lacks in a stage. */
export interface MissingSetting {
  readonly image: string;
  readonly stage: string;
  readonly path: Path;
  /** The schema's own sentence. */
  readonly must: string;
  /** What stands nearest: a map around it, or the null that took it away. Without a line nothing does. */
  readonly nearest: Located;
}

/** All images and stages that there are, to tell "every" from some. */
export interface Everywhere {
  readonly images: readonly string[];
  readonly stages: readonly string[];
}

export function missingProblems(found: readonly MissingSetting[], all: Everywhere): Problem[] {
  // Targets of one stage that have layers of their own lack the same thing each.
  const missing = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
  const somewhere = Map.groupBy(missing.filter(isStated), ({ nearest: { file, line, path } }) =>
    JSON.stringify([file, line, path]),
  );
  const nowhere = Map.groupBy(
    missing.filter((one) => !isStated(one)),
    ({ path }) => pathText(path),
  );
  // Keys that the same images lack in the same stages are one thing to do.
  const blocks = Map.groupBy(nowhere.values(), (lacking) => JSON.stringify(lacking.map(placeOf)));
  return [
    ...[...somewhere.values()].flatMap((lacking) => incomplete(lacking, all)),
    ...[...blocks.values()].flatMap((keys) => block(keys, all)),
  ];
}

/** An override has no lines. */
const isStated = ({ nearest }: MissingSetting): boolean => nearest.line > 0 || nearest.file === OVERRIDES;

const placeOf = ({ image, stage }: MissingSetting): string => `${image} in ${stage}`;

function incomplete(lacking: readonly MissingSetting[], all: Everywhere): Problem[] {
  return lacking.slice(0, 1).map(({ nearest: { file, line, path }, must }) => {
    const message = `found nothing for ${whoLacks(lacking, all)}, ${must}`;
    return problem(file, line, path, message);
  });
}

function block(keys: readonly (readonly MissingSetting[])[], all: Everywhere): Problem[] {
  const [lacking = []] = keys;
  const found = keys.flatMap(([one]) => (one ? [one] : []));
  const [only, ...more] = found;
  if (!only) return [];
  const who = whoLacks(lacking, all);
  const lines = found.flatMap(({ path }) => linesFor(path));
  const names = found.map(({ path }) => pathText(path)).join(', ');
  const message =
    more.length === 0
      ? `found nothing for ${who}, ${only.must}; for example:`
      : `found no ${names} for ${who}, must have all of them; for example:`;
  return [
    problem(fileFor(lacking, all), 0, more.length === 0 ? only.path : [], [message, ...lines].join('\n')),
  ];
}

function whoLacks(lacking: readonly MissingSetting[], all: Everywhere): string {
  const { images, stages } = imagesAndStages(lacking);
  if (images.length * stages.length !== lacking.length) return lacking.map(placeOf).join(', ');
  const who = images.length === all.images.length && images.length > 1 ? 'any image' : images.join(', ');
  return stages.length === all.stages.length ? who : `${who} in ${stages.join(', ')}`;
}

/** The layer that reaches all of them and as few others as can be. */
function fileFor(lacking: readonly MissingSetting[], all: Everywhere): string {
  const { images, stages } = imagesAndStages(lacking);
  const [image, ...others] = images;
  const [stage, ...later] = stages;
  const directory = others.length === 0 ? `images/${image}/config` : 'config';
  return `${directory}/${later.length === 0 && all.stages.length > 1 ? stage : 'default'}.yaml`;
}

const imagesAndStages = (lacking: readonly MissingSetting[]) => ({
  images: [...new Set(lacking.map(({ image }) => image))],
  stages: [...new Set(lacking.map(({ stage }) => stage))],
});

/** The first example that the schema has of it, as a layer holds it. */
function linesFor([key = '']: Path): string[] {
  const schema = Object.entries(settingsSchema.shape).find(([name]) => name === key)?.[1];
  const examples = schema instanceof z.ZodType ? z.globalRegistry.get(schema)?.['examples'] : undefined;
  const [example] = Array.isArray(examples) ? examples : [];
  const yaml = stringify({ [key]: example }, { singleQuote: true }).trimEnd();
  return yaml.split('\n').map((line) => `    ${line}`);
}
