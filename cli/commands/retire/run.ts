/** `packleader retire`: moves versions on their way out, or takes that back, and says what it did and why the rest stays. */
import { restoreVersion, retireVersions } from '../../../client/client.ts';
import { ReleaseRefused, RetirementFailed, WaitTimedOut } from '../../../client/errors.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { retireLines } from './tell.ts';

export interface RetireCommandOptions extends HubFlags {
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly undo?: string;
  readonly mostPercent?: number;
}

/** @throws ReleaseRefused and the client's other errors; the program tells them */
export async function retireCommand(
  options: RetireCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { json, dryRun, undo, mostPercent } = options;
  if (undo !== undefined && (dryRun || mostPercent !== undefined))
    throw new ReleaseRefused('--undo stands alone: it takes back one version, and retires none');
  if (mostPercent !== undefined && (mostPercent > 100 || !Number.isInteger(mostPercent)))
    throw new ReleaseRefused(`found --most-percent ${mostPercent}, must be a whole number from 1 to 100`);
  const hub = hubFrom(options);
  if (!json) output.status(undo === undefined ? 'looking at every AMI…' : 'restoring…');
  try {
    const result = await untilInterrupted(context, async (signal) => {
      const on = { ...context, ...(hub && { hub }), signal };
      if (undo !== undefined) return restoreVersion(undo, on);
      return retireVersions(
        { ...(dryRun && { dryRun }), ...(mostPercent !== undefined && { mostPercent }) },
        on,
      );
    });
    output.status('');
    if (result === 'interrupted') {
      output.complain('stopped waiting; it goes on\n');
      return EXIT.unknown;
    }
    if (json) output.print(jsonText(result));
    else if ('restored' in result)
      output.print(`restored ${result.releaseId}: ${result.restored} AMIs can be launched again\n`);
    else for (const line of retireLines(result, output)) output.print(`${line}\n`);
    return 'restored' in result || result.complete ? EXIT.released : EXIT.rollbackIncomplete;
  } catch (error) {
    if (!(error instanceof RetirementFailed || error instanceof WaitTimedOut)) throw error;
    output.status('');
    output.complain(`${error.message}\n`);
    return EXIT.unknown;
  }
}
