import { targetName } from '../../../core/contract/targets.ts';
import type { Cancellation } from '../../../client/client.ts';
import type { Output } from '../../terminal/output.ts';

export function lines({ releases }: Cancellation, { paint }: Output): string[] {
  if (releases.length === 0) return ['stopped before any image was begun: nothing is left'];
  return releases.flatMap(({ releaseId, outcome, leftovers }) => [
    outcome === 'released'
      ? `${paint('bold', releaseId)}  ${paint('green', 'released')}: it was too late to cancel it`
      : `${paint('bold', releaseId)}  ${paint('red', outcome)}`,
    ...leftovers.map((one) => `  ${paint('red', 'left')}  ${targetName(one)}  ${one.resourceId}: ${one.why}`),
  ]);
}
