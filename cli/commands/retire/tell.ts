import type { RetireReport, RetiredVersion } from '../../../core/contract/retirements.ts';
import { targetName } from '../../../core/contract/targets.ts';
import type { Output } from '../../terminal/output.ts';

export function retireLines(report: RetireReport, { paint }: Output): string[] {
  const { dryRun, stopped, done, doneCount, kept, keptCount, leftovers, leftoverCount } = report;
  const { orphans, orphanCount } = report;
  const more = (shown: readonly unknown[], count: number) =>
    count > shown.length ? [paint('dim', `  and ${count - shown.length} more`)] : [];
  const verb = dryRun ? 'would ' : '';
  return [
    ...(stopped === undefined ? [] : [paint('red', `nothing was done: ${stopped}`)]),
    ...done.map(
      ({ releaseId, step = '', why, amis }) =>
        `  ${paint('green', `${verb}${step}`)}  ${releaseId}  ${amis} ${amis === 1 ? 'AMI' : 'AMIs'}: ${why}`,
    ),
    ...more(done, doneCount),
    ...orphans.map(
      (one) => `  ${paint('green', `${verb}remove`)}  ${targetName(one)}  ${one.resourceId}: ${one.why}`,
    ),
    ...more(orphans, orphanCount),
    ...leftovers.map((one) => `  ${paint('red', 'left')}  ${targetName(one)}  ${one.resourceId}: ${one.why}`),
    ...more(leftovers, leftoverCount),
    ...kept.map((one) => `  ${paint('dim', `kept  ${keptLine(one)}`)}`),
    ...more(kept, keptCount),
    `${dryRun ? 'would move' : 'moved'} ${doneCount} on, kept ${keptCount}, left behind ${leftoverCount}`,
  ];
}

export function keptLine({ releaseId, phase, why, dueAt }: RetiredVersion): string {
  const is = phase === undefined ? '' : ` (${phase})`;
  const due = dueAt === undefined ? '' : `; the next step is due at ${dueAt}`;
  return `${releaseId}${is}: ${why}${due}`;
}
