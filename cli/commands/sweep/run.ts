/** `packleader sweep`: removes what stopped releases left, and says what it removed and what it could not. */
import { WaitTimedOut, SweepFailed } from '../../../client/errors.ts';
import { sweep } from '../../../client/client.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { reportLines } from './tell.ts';

export interface SweepCommandOptions extends HubFlags {
  readonly json: boolean;
  readonly dryRun: boolean;
}

export async function sweepCommand(
  release: string | undefined,
  options: SweepCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { json, dryRun } = options;
  const hub = hubFrom(options);
  const request = { ...(release !== undefined && { release }), ...(dryRun && { dryRun }) };
  if (!json) output.status('sweeping…');
  try {
    const report = await untilInterrupted(context, async (signal) =>
      sweep(request, { ...context, ...(hub && { hub }), signal }),
    );
    output.status('');
    if (report === 'interrupted') {
      output.complain('stopped waiting; the sweep goes on\n');
      return EXIT.unknown;
    }
    if (json) output.print(jsonText(report));
    else for (const line of reportLines(report, output)) output.print(`${line}\n`);
    return report.complete ? EXIT.released : EXIT.rollbackIncomplete;
  } catch (error) {
    if (!(error instanceof SweepFailed || error instanceof WaitTimedOut)) throw error;
    output.status('');
    output.complain(`${error.message}\n`);
    return EXIT.unknown;
  }
}
