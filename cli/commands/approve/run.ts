/** `packleader approve` and `packleader reject`: answer releases that wait. */
import { approveReleases, rejectReleases } from '../../../client/client.ts';
import { ApprovalFailed, WaitTimedOut } from '../../../client/errors.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';

export interface AnswerCommandOptions extends HubFlags {
  readonly json: boolean;
  readonly reason: string;
  readonly stage?: string;
}

/** @throws ReleaseRefused and the client's other errors; the program tells them */
export async function answerCommand(
  what: 'approve' | 'reject',
  releases: readonly string[],
  options: AnswerCommandOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { json, reason, stage } = options;
  const hub = hubFrom(options);
  const give = what === 'approve' ? approveReleases : rejectReleases;
  if (!json) output.status('answering…');
  try {
    const result = await untilInterrupted(context, async (signal) =>
      give(releases, {
        ...context,
        ...(hub && { hub }),
        signal,
        reason,
        ...(stage !== undefined && { stage }),
      }),
    );
    output.status('');
    if (result === 'interrupted') {
      output.complain('stopped waiting; the answer is given all the same\n');
      return EXIT.unknown;
    }
    if (json) output.print(jsonText(result));
    else
      for (const { releaseId, stage: of = '', outcome, why = '' } of result.answers)
        output.print(
          outcome === 'refused'
            ? `${releaseId}  ${output.paint('red', 'not answered')}: ${why}\n`
            : `${releaseId}  ${output.paint(outcome === 'approved' ? 'green' : 'yellow', outcome)} for ${of}, by ${result.by}\n`,
        );
    return result.complete ? EXIT.released : EXIT.refused;
  } catch (error) {
    if (!(error instanceof ApprovalFailed || error instanceof WaitTimedOut)) throw error;
    output.status('');
    output.complain(`${error.message}\n`);
    return EXIT.unknown;
  }
}
