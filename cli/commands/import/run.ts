/** `packleader import`: shows which AMIs would be tagged, and tags them. */
import { importImages } from '../../../client/client.ts';
import { type Configuration, loadConfiguration } from '../../../core/configuration/configuration.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { retentionRules } from '../../../core/configuration/retention-rules.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { stagedTargets } from '../../input/factory-targets.ts';
import { deploymentOfProject } from '../../input/project.ts';
import { printLines } from '../../terminal/columns.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { importLines } from './tell.ts';

export interface ImportCommandOptions {
  readonly filter: readonly string[];
  /** The name of a role to look and tag with. */
  readonly as?: string;
  readonly undo: boolean;
  readonly yes: boolean;
  readonly factory: string;
  readonly json: boolean;
}

/** @throws InvalidConfiguration, and what importImages throws */
export async function importCommand(
  image: string,
  { filter, as: role, undo, yes, factory: directory, json }: ImportCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const filters = filter.map(filterOf);
  const checkout = checkOutFactory(directory);
  const configuration = loadConfiguration(configurationFiles(checkout.files));
  const { factory } = configuration;
  const names = factory.images.map(({ name }) => name);
  if (!names.includes(image))
    throw refuse('<image>', `found "${image}", must be an image of the factory: ${names.join(', ')}`);
  output.status('  … looking into the targets');
  const result = await importImages({
    ...context,
    hub: factory.hub,
    image,
    filters,
    targets: stagedTargets(factory),
    undo,
    apply: yes,
    ...(role !== undefined && { role }),
    ...(context.clock && { now: context.clock.now }),
  });
  output.status('');
  const off = undo ? undefined : whyOff(configuration, image, checkout.directory);
  if (json) output.print(jsonText({ ...result, ...(off !== undefined && { noEffect: off }) }));
  else printLines(importLines(result, { undo, off }, output), output);
  return EXIT.released;
}

/** Why nothing would come of it. */
function whyOff(configuration: Configuration, image: string, directory: string): string | undefined {
  if (deploymentOfProject(directory).retire !== true)
    return 'retiring is not switched on: packleader.config has no retire: true, so nothing will happen to these AMIs';
  return retentionRules(configuration)[image] === undefined
    ? `${image} has no retention in every stage and target, so nothing will happen to these AMIs`
    : undefined;
}

function filterOf(text: string): { name: string; values: string[] } {
  const [, name = '', listed = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const values = listed.split(',');
  if (name === '' || values.includes(''))
    throw refuse('--filter', `found "${text}", must look like name=web-* or tag:Team=web,www`);
  return { name, values };
}
