/** `packleader diff`: what is different between two releases. */
import { diffReleases } from '../../../client/client.ts';
import { type SeeingFlags, seenFrom } from '../../input/seeing.ts';
import { printLines } from '../../terminal/columns.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { differenceLines } from './tell.ts';

export async function diffCommand(
  before: string,
  after: string,
  options: SeeingFlags,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const difference = await diffReleases(before, after, seenFrom(options, context));
  if (options.json) output.print(jsonText(difference));
  else printLines(differenceLines(difference, output), output);
  return EXIT.released;
}
