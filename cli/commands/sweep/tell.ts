import type { SweepReport } from '../../../core/contract/sweeps.ts';
import { targetName } from '../../../core/contract/targets.ts';
import type { Output } from '../../terminal/output.ts';

export function reportLines(report: SweepReport, { paint }: Output): string[] {
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
