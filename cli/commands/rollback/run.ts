/** `packleader rollback`, `revoke` and `restore`: what they wait for, and how they say how it ended. */
import {
  type RepointOptions,
  type RepointResult,
  restoreRelease,
  revokeRelease,
  rollbackImage,
} from '../../../client/client.ts';
import { RepointFailed, RepointIncomplete, WaitTimedOut } from '../../../client/errors.ts';
import type { RepointRequest } from '../../../core/contract/requests.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { repointLines } from './tell.ts';

export interface RepointCommandOptions extends HubFlags {
  readonly json: boolean;
}

export async function repointCommand(
  asked: RepointRequest,
  options: RepointCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { json } = options;
  const hub = hubFrom(options);
  if (!json) output.status(asked.dryRun === true ? 'looking…' : 'asking every account…');
  try {
    const result = await untilInterrupted(context, async (signal) =>
      start(asked, { ...context, ...(hub && { hub }), signal }),
    );
    output.status('');
    if (result === 'interrupted') {
      output.complain('stopped waiting; packleader-repoint goes on\n');
      return EXIT.unknown;
    }
    if (json) output.print(jsonText({ outcome: 'repointed', ...result }));
    else for (const line of repointLines(result, output)) output.print(`${line}\n`);
    return EXIT.released;
  } catch (error) {
    output.status('');
    if (error instanceof WaitTimedOut) {
      output.complain(`${error.message}\n`);
      return EXIT.unknown;
    }
    if (error instanceof RepointFailed) return ended('put back', error, EXIT.rolledBack);
    if (error instanceof RepointIncomplete) return ended('incomplete', error, EXIT.rollbackIncomplete);
    throw error;
  }

  function ended(outcome: string, { message, executionArn }: RepointFailed, exit: number): number {
    if (json) output.print(jsonText({ outcome, error: message, executionArn }));
    else output.complain(`${output.paint('red', outcome)}: ${message}\n`);
    return exit;
  }
}

async function start(asked: RepointRequest, options: RepointOptions): Promise<RepointResult> {
  const { rollback, revoke, restore, reason, to, children, disable, dryRun } = asked;
  const shared = { ...options, ...(reason !== undefined && { reason }), ...(dryRun && { dryRun }) };
  if (rollback !== undefined) return rollbackImage(rollback, { ...shared, ...(to !== undefined && { to }) });
  if (restore !== undefined) return restoreRelease(restore, shared);
  return revokeRelease(revoke ?? '', {
    ...shared,
    reason: reason ?? '',
    ...(children && { children }),
    ...(disable && { disable }),
  });
}
