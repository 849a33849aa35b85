/** `packleader why`: what a dry run says of one version. */
import { retireVersions } from '../../../client/client.ts';
import { ReleaseRefused, RetirementFailed, WaitTimedOut } from '../../../client/errors.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';

export interface WhyOptions extends HubFlags {
  readonly json: boolean;
}

/** @throws ReleaseRefused when it is no AMI of the factory, and the client's other errors; the program tells them */
export async function whyCommand(
  ami: string,
  options: WhyOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { json } = options;
  if (!/^ami-[0-9a-f]{8,17}$/.test(ami) && !/^[^@\s]+@[^@\s]+$/.test(ami))
    throw new ReleaseRefused(`found ${ami}, must be the id of an AMI, or <image>@<version>`);
  const hub = hubFrom(options);
  if (!json) output.status('looking at every AMI…');
  try {
    const report = await untilInterrupted(context, async (signal) =>
      retireVersions({ dryRun: true, only: ami }, { ...context, ...(hub && { hub }), signal }),
    );
    output.status('');
    if (report === 'interrupted') return EXIT.unknown;
    const [version] = [...report.done, ...report.kept];
    if (version === undefined)
      throw new ReleaseRefused(
        `${ami} is no AMI of the factory in any of its targets, or it is gone${report.stopped === undefined ? '' : ` (${report.stopped})`}`,
      );
    if (json) output.print(jsonText({ ...version, ...(report.stopped && { stopped: report.stopped }) }));
    else {
      const { releaseId, phase = 'neither deprecated nor disabled', step, why, dueAt, amis } = version;
      output.print(`${ami} is of ${releaseId}, which has ${amis} AMIs and is ${phase}\n`);
      if (step === undefined) output.print(`  it stays: ${why}\n`);
      else output.print(`  the next run is to ${step} it: ${why}\n`);
      if (step === undefined && dueAt !== undefined)
        output.print(`  if nothing uses it, its next step is due at ${dueAt}\n`);
      if (report.stopped !== undefined) output.print(`  but nothing is done now: ${report.stopped}\n`);
    }
    return EXIT.released;
  } catch (error) {
    if (!(error instanceof RetirementFailed || error instanceof WaitTimedOut)) throw error;
    output.status('');
    output.complain(`${error.message}\n`);
    return EXIT.unknown;
  }
}
