/** Everything that can be known to be wrong with what images are baked from without running a tool. */
import { checkFactory } from '../configuration/check.ts';
import {
  type Configuration,
  type Overrides,
  chosenImage,
  loadConfiguration,
} from '../configuration/configuration.ts';
import { type Problem, problem, sortedProblems, throwIfAny } from '../configuration/documents/problems.ts';
import { configurationFiles } from '../configuration/files.ts';
import type { Image } from '../configuration/factory.ts';
import { type Adopted, adoptedTemplate } from './adopted/adopted.ts';
import { type Bake, bakesOf } from './bakes.ts';
import type { Files } from '../configuration/files.ts';
import { sourceProblems } from '../source/check.ts';
import { type LaidOver, layOver, templateFiles } from './laid-over.ts';
import { keepProblems, requirementProblems, spotProblems } from './requirements.ts';
import { scriptProblems } from './scripts.ts';
import { imageTestProblems } from '../tests/check.ts';
import { type Template, readTemplate } from './template.ts';
import { variableProblems } from './variables.ts';

/** An image's template as it is baked, with what keeps it from being read. */
export interface BakedTemplate {
  readonly laidOver: LaidOver;
  readonly template: Template;
  readonly problems: readonly Problem[];
  /** How it was rewritten, of an image that takes a directory that knows nothing of packleader. */
  readonly adopted?: Adopted;
}

/** What decides which files an image is baked from. */
export type BakedImage = Pick<Image, 'name' | 'platform' | 'template' | 'packer'>;

/** Reads what Packer would find in the directory that it runs in. */
export async function bakedTemplate(
  files: Files,
  { name: image, platform, template: takes, packer }: BakedImage,
): Promise<BakedTemplate> {
  if (packer) {
    const { directory, ...read } = await adoptedTemplate(files, { name: image, platform, packer });
    const laidOver: LaidOver = {
      template: undefined,
      isAdopted: true,
      files: directory,
      replaced: [],
      problems: [],
    };
    return { laidOver, ...read };
  }
  const laidOver = layOver(files, image, takes);
  const names = templateFiles(laidOver);
  const decoder = new TextDecoder();
  const read = await readTemplate(new Map(names.map((name) => [name, decoder.decode(files.get(name))])));
  const missing =
    names.length === 0 && laidOver.problems.length === 0 ? [noTemplate(image, laidOver.template)] : [];
  return { laidOver, template: read, problems: [...laidOver.problems, ...missing, ...read.problems] };
}

function noTemplate(image: string, template: string | undefined): Problem {
  const or = template === undefined ? 'take a template that does' : `templates/${template} must`;
  const message = `found no template of Packer, must hold at least one *.pkr.hcl, or ${or}`;
  return problem(`images/${image}`, 0, [], message);
}

/** What the transaction needs of a template and does not find; what cannot be read is said alone. */
export const templateProblems = (baked: BakedTemplate): readonly Problem[] =>
  baked.problems.length > 0
    ? baked.problems
    : requirementProblems(baked.template, baked.adopted?.toldAs).map(inOriginal(baked));

/** A place in the copy that is baked, in the file that people know. */
const inOriginal =
  ({ adopted }: BakedTemplate) =>
  (one: Problem): Problem =>
    adopted && one.line > 0 ? { ...one, ...adopted.placeOf(one.file, one.line) } : one;

/** What Packer would be told in one stage, and the template does not understand. */
export const bakeProblems = (bake: Bake, baked: BakedTemplate): Problem[] =>
  baked.problems.length > 0
    ? []
    : (bake.variables ?? [])
        .flatMap((one) => {
          const problems = variableProblems(
            bake,
            one,
            baked.template.variables,
            baked.adopted?.overlay.directory,
          );
          if (problems.length > 0) return problems;
          return [
            ...(one.spot ? spotProblems(baked.template, baked.adopted?.toldAs) : []),
            ...(one.keeps ? keepProblems(baked.template) : []),
          ];
        })
        .map(inOriginal(baked));

/**
 * Every such problem of the chosen images.
 *  @param configuration without problems of its own
 */
export async function checkTemplates(
  files: Files,
  configuration: Configuration,
  { images, overrides }: { readonly images: readonly string[]; readonly overrides?: Overrides },
): Promise<Problem[]> {
  const { factory } = configuration;
  // What a bake would not get makes everything else that is said of it a guess.
  const source = sourceProblems(
    files,
    factory.images.filter(({ name }) => images.includes(name)),
  );
  if (source.length > 0) return source;
  const stages = factory.stages.map(({ name }) => name);
  const bakes = bakesOf(configuration, { images, stages, ...(overrides && { overrides }) });
  const found = await Promise.all(
    images.map(async (image) => {
      const baked = await bakedTemplate(files, chosenImage(factory, image));
      const own = bakes.filter((bake) => bake.image === image);
      return [
        ...templateProblems(baked),
        ...own.flatMap((bake) => bakeProblems(bake, baked)),
        ...scriptProblems(files, baked.laidOver),
      ];
    }),
  );
  return sortedProblems([...found.flat(), ...imageTestProblems(files, configuration, images, overrides)]);
}

/**
 * The configuration of a factory of which some images, or all, could be released as far as that can be known without a tool: its
 * settings and its templates are right.
 *  @throws InvalidConfiguration with everything that is wrong; with templates only when the settings are right
 */
export async function checkedConfiguration(
  files: Files,
  { images, overrides }: { readonly images?: readonly string[]; readonly overrides?: Overrides },
): Promise<Configuration> {
  const settings = configurationFiles(files);
  throwIfAny(checkFactory(settings, { ...(images && { images }), ...(overrides && { overrides }) }));
  const configuration = loadConfiguration(settings);
  const chosen = images ?? configuration.factory.images.map(({ name }) => name);
  throwIfAny(await checkTemplates(files, configuration, { images: chosen, ...(overrides && { overrides }) }));
  return configuration;
}
