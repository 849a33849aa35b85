/** `packleader retry`: begins a release once more, and watches it. */
import { retryRelease } from '../../../client/client.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { hubFrom } from '../../input/hub-option.ts';
import type { Output } from '../../terminal/output.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { type WatchOptions, watch } from '../watch/run.ts';

export async function retryCommand(
  release: string,
  options: WatchOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const hub = hubFrom(options);
  const handle = await untilInterrupted(context, async (signal) =>
    retryRelease(release, {
      ...context,
      ...(hub && { hub }),
      signal,
      onWaiting: (until) =>
        !options.json && output.status(`until ${until.toISOString()} the last attempt may still be at work…`),
    }),
  );
  output.status('');
  if (handle === 'interrupted') {
    output.complain('stopped before anything was started\n');
    return EXIT.refused;
  }
  return watch(handle, { ...options, hub }, output, context);
}
