/** `packleader watch`, and the second half of `packleader release`: tells a release while it happens. */
import { type ReleaseHandle, followRelease } from '../../../client/client.ts';
import { ClientError } from '../../../client/errors.ts';
import { EXIT, exitCodeOf } from '../../terminal/exit-codes.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { timelinesOf, withTimelines } from '../../terminal/timeline.ts';
import { Teller } from './tell.ts';

export interface WatchOptions extends HubFlags {
  readonly json: boolean;
  /** How long to watch at most. */
  readonly timeoutMinutes?: number;
}

/** Returns the exit code. Ctrl-C, a time-out and lost credentials end the watching, not the release. */
export async function watchCommand(
  release: string,
  options: WatchOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  return watch(release, { ...options, hub: hubFrom(options) }, output, context);
}

export async function watch(
  release: ReleaseHandle | string,
  {
    hub,
    json,
    timeoutMinutes,
  }: Pick<WatchOptions, 'json' | 'timeoutMinutes'> & { readonly hub: ReturnType<typeof hubFrom> },
  output: Output,
  context: CommandContext,
): Promise<number> {
  const name = typeof release === 'string' ? release : release.name;
  const teller = new Teller(output);
  let seen = typeof release !== 'string';
  try {
    const result = await untilInterrupted(context, async (signal) =>
      followRelease(release, {
        ...context,
        ...(hub && { hub }),
        ...(timeoutMinutes !== undefined && { timeoutMs: timeoutMinutes * 60_000 }),
        signal,
        onProgress: (news, soFar) => {
          seen = true;
          if (!json) teller.look(news, soFar);
        },
      }),
    );
    if (result === 'interrupted') return lost(output, name, 'stopped watching');
    const timelines = await timelinesOf(result, { ...context, ...(hub && { hub }) });
    if (json) output.print(jsonText(withTimelines(result, timelines)));
    else teller.end(result, timelines);
    return exitCodeOf(result);
  } catch (error) {
    // Before the first look nothing is known to run: then it is a refusal like any other.
    if (!seen || !(error instanceof ClientError)) throw error;
    return lost(output, name, error.message);
  }
}

function lost(output: Output, name: string, why: string): number {
  output.status('');
  output.complain(`${why}; the release goes on. To go on watching: packleader watch ${name}\n`);
  return EXIT.unknown;
}
