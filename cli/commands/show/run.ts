/** `packleader show`: the record of a release. */
import { getReleaseRecord, getRevocation } from '../../../client/client.ts';
import { type SeeingFlags, seenFrom } from '../../input/seeing.ts';
import { printLines } from '../../terminal/columns.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { recordLines } from './tell.ts';

export async function showCommand(
  release: string,
  options: SeeingFlags,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const from = seenFrom(options, context);
  const record = await getReleaseRecord(release, from);
  const revoked = await getRevocation(record.releaseId, from);
  if (options.json) output.print(jsonText({ ...record, ...(revoked && { revoked }) }));
  else printLines(recordLines(record, revoked, output), output);
  return EXIT.released;
}
