/** `packleader status`: what is known about one release, or the latest ones. */
import { getRelease, listReleases } from '../../../client/client.ts';
import { EXIT, exitCodeOf } from '../../terminal/exit-codes.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { timelinesOf, withTimelines } from '../../terminal/timeline.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { listLines, resultLines } from './tell.ts';

export interface StatusOptions extends HubFlags {
  readonly json: boolean;
  /** How many releases are listed. */
  readonly limit: number;
}

export async function statusCommand(
  release: string | undefined,
  options: StatusOptions,
  output: Output,
  { client, clock }: CommandContext = {},
): Promise<number> {
  const { json, limit } = options;
  const hub = hubFrom(options);
  const on = { ...(hub && { hub }), ...(client && { client }) };
  const now = clock?.now() ?? new Date();
  if (release === undefined) {
    const releases = await listReleases({ ...on, limit });
    if (json) output.print(jsonText({ releases }));
    else for (const line of listLines(releases, now, output)) output.print(`${line}\n`);
    return EXIT.released;
  }
  const result = await getRelease(release, on);
  const timelines = await timelinesOf(result, on);
  if (json) output.print(jsonText(withTimelines(result, timelines)));
  else for (const line of resultLines(result, { now, timelines }, output)) output.print(`${line}\n`);
  return exitCodeOf(result);
}
