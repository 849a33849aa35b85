/** `rehearse --retry`: what came to nothing is begun once more, as `packleader retry` does it. */
import { SFNClient } from '@aws-sdk/client-sfn';
import { retryRelease } from '../../../client/client.ts';
import type { Target } from '../../../core/contract/targets.ts';
import type { Retrying } from '../../../sandbox/rehearsal/rehearsal.ts';

export function retryingOn(hub: Target, onRetry: Retrying['onRetry']): Retrying {
  return {
    ...(onRetry && { onRetry }),
    retry: async (releaseId, engine, clock) => {
      const client = new SFNClient({ region: hub.region });
      const { executionArn } = await retryRelease(releaseId, { hub, client, clock });
      await engine.executions.find(({ arn }) => arn === executionArn)?.outcome;
    },
  };
}
