/** Whether templates have what a release needs, and understand what Packer would be told. No tool is needed for that. */
import type { Bake } from '../../core/templates/bakes.ts';
import { bakeProblems, templateProblems } from '../../core/templates/check.ts';
import { scriptProblems } from '../../core/templates/scripts.ts';
import { type Check, notChecked, resultOf, unmade } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';

export const WRONG_CONFIGURATION = 'the configuration has to be put right first';
export const WRONG_TEMPLATE = 'the template has to be put right first';

export function templateChecks(tree: FactoryTree, images: readonly string[]): Check[] {
  return images.map((image) => {
    const run = async () => {
      const baked = await tree.template(image);
      return resultOf([...templateProblems(baked), ...scriptProblems(tree.files, baked.laidOver)]);
    };
    return { check: 'template', image, stage: null, work: [{ run }] };
  });
}

/** Packer itself only warns. */
export function variableChecks(tree: FactoryTree, bakes: readonly Bake[]): Check[] {
  return bakes.map((bake) => {
    const { image, stage, variables } = bake;
    if (variables === undefined) return unmade('variables', WRONG_CONFIGURATION, { image, stage });
    const run = async () => {
      const baked = await tree.template(image);
      return baked.problems.length > 0 ? notChecked(WRONG_TEMPLATE) : resultOf(bakeProblems(bake, baked));
    };
    return { check: 'variables', image, stage, work: [{ run }] };
  });
}
