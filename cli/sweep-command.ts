/** `packleader sweep`: removes what stopped releases left, and says what it removed and what it could not. */
import { type SweepReport, targetName } from '../tasks/contract.ts';
import { REAL_TIME } from './client.ts';
import { WaitTimedOut } from './client/errors.ts';
import { SweepFailed, sweep } from './client/sweep.ts';
import { EXIT } from './exit-codes.ts';
import { type HubFlags, hubFrom } from './hub-option.ts';
import type { Output } from './output.ts';
import { type Seat, untilInterrupted } from './seat.ts';

export interface SweepCommandOptions extends HubFlags {
  readonly json: boolean;
  readonly dryRun: boolean;
}

export async function sweepCommand(
  release: string | undefined,
  options: SweepCommandOptions,
  output: Output,
  seat: Seat = {},
): Promise<number> {
  const { json, dryRun } = options;
  const hub = hubFrom(options);
  const request = { ...(release !== undefined && { release }), ...(dryRun && { dryRun }) };
  if (!json) output.status('sweeping…');
  try {
    const report = await untilInterrupted(seat, async (signal) =>
      sweep(request, { clock: REAL_TIME, ...seat, ...(hub && { hub }), signal }),
    );
    output.status('');
    if (report === 'interrupted') {
      output.complain('stopped waiting; the sweep goes on\n');
      return EXIT.unknown;
    }
    if (json) output.print(`${JSON.stringify(report, null, 2)}\n`);
    else for (const line of reportLines(report, output)) output.print(`${line}\n`);
    return report.complete ? EXIT.released : EXIT.rollbackIncomplete;
  } catch (error) {
    if (!(error instanceof SweepFailed || error instanceof WaitTimedOut)) throw error;
    output.status('');
    output.complain(`${error.message}\n`);
    return EXIT.unknown;
  }
}

function reportLines(report: SweepReport, { paint }: Output): string[] {
  const { dryRun, removed, removedCount, leftovers, leftoverCount, kept, keptCount } = report;
  const more = (shown: readonly unknown[], count: number) =>
    count > shown.length ? [paint('dim', `  and ${count - shown.length} more`)] : [];
  const verb = dryRun ? 'would remove' : 'removed';
  return [
    ...removed.map(
      (one) => `  ${paint('green', verb)}  ${targetName(one)}  ${one.resourceId}  of ${one.releaseId}`,
    ),
    ...more(removed, removedCount),
    ...leftovers.map((one) => `  ${paint('red', 'left')}  ${targetName(one)}  ${one.resourceId}: ${one.why}`),
    ...more(leftovers, leftoverCount),
    ...kept.map(({ releaseId, why }) => `  ${paint('dim', `kept  ${releaseId}: ${why}`)}`),
    ...more(kept, keptCount),
    `${verb} ${removedCount}, left behind ${leftoverCount}, kept ${keptCount} ${keptCount === 1 ? 'release' : 'releases'}`,
  ];
}
