/** `packleader where`: image by target, what is there and who runs it. */
import { whereImages } from '../../../client/client.ts';
import { targetsFrom } from '../../input/factory-targets.ts';
import { type SeeingFlags, seenFrom } from '../../input/seeing.ts';
import { printLines } from '../../terminal/columns.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { whereLines } from './tell.ts';

export interface WhereCommandOptions extends SeeingFlags {
  /** The name of a role to look with. */
  readonly as?: string;
  readonly instances: boolean;
}

export async function whereCommand(
  image: string | undefined,
  options: WhereCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { as: role, instances, json, factory, hub } = options;
  const targets = targetsFrom(hub, factory);
  output.status('  … looking into the targets');
  const seen = await whereImages({
    ...seenFrom(options, context),
    instances,
    ...(image !== undefined && { image }),
    ...(role !== undefined && { role }),
    ...(targets && { targets }),
    ...(context.clock && { now: context.clock.now }),
  });
  output.status('');
  if (json) output.print(jsonText(seen));
  else printLines(whereLines(seen, output), output);
  return seen.targets.every(({ notSeen }) => notSeen.length === 0) ? EXIT.released : EXIT.unwell;
}
