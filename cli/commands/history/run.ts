/** `packleader history`: what was released. */
import { releaseHistory } from '../../../client/client.ts';
import { type SeeingFlags, seenFrom } from '../../input/seeing.ts';
import { printLines } from '../../terminal/columns.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { historyLines } from './tell.ts';

export async function historyCommand(
  image: string | undefined,
  options: SeeingFlags & { readonly limit: number },
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const releases = await releaseHistory(image, { ...seenFrom(options, context), limit: options.limit });
  if (options.json) output.print(jsonText({ releases }));
  else printLines(historyLines(releases, output), output);
  return EXIT.released;
}
