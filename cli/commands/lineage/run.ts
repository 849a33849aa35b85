/** `packleader lineage`: what a release is built on, and what is built on it. */
import { releaseLineage } from '../../../client/client.ts';
import { type SeeingFlags, seenFrom } from '../../input/seeing.ts';
import { printLines } from '../../terminal/columns.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { lineageLines } from './tell.ts';

export async function lineageCommand(
  asked: string,
  options: SeeingFlags,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const lineage = await releaseLineage(asked, seenFrom(options, context));
  if (options.json) output.print(jsonText(lineage));
  else printLines(lineageLines(asked, lineage, output), output);
  return EXIT.released;
}
