import { type ExecutionListItem, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { NAMES } from '../core/contract/names.ts';
import { asClientError } from './errors.ts';
import { type HubOptions, hubOf, machineArn } from './hub.ts';
import type { ReleaseHandle } from './result.ts';

/** An execution of `packleader-release`, as a list shows it. */
export interface ListedRelease extends ReleaseHandle {
  /** What can be told without reading it: a release that `failed` is rolled back, refused, or worse. */
  readonly status: 'running' | 'released' | 'failed' | 'stopped';
  readonly stoppedAt: string | null;
}

/**
 * The latest releases, newest first.
 *  @param options.limit at most 1,000; 10 by default
 *  @throws HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function listReleases(
  options: HubOptions & { readonly limit?: number } = {},
): Promise<ListedRelease[]> {
  const { signal, limit = 10 } = options;
  signal?.throwIfAborted();
  const hub = await hubOf(options);
  const stateMachineArn = machineArn(hub.target, NAMES.releaseMachine);
  try {
    const command = new ListExecutionsCommand({ stateMachineArn, maxResults: limit });
    const { executions = [] } = await hub.client.send(command, signal ? { abortSignal: signal } : {});
    return executions.map(listed);
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot list the executions of ${stateMachineArn}`);
  }
}

function listed({
  executionArn: arn = '',
  name = '',
  status,
  startDate,
  stopDate,
}: ExecutionListItem): ListedRelease {
  return {
    executionArn: arn,
    name,
    status: STATUSES[status ?? ''] ?? 'stopped',
    startedAt: (startDate ?? new Date(0)).toISOString(),
    stoppedAt: stopDate?.toISOString() ?? null,
  };
}

const STATUSES: Readonly<Record<string, ListedRelease['status']>> = {
  RUNNING: 'running',
  PENDING_REDRIVE: 'running',
  SUCCEEDED: 'released',
  FAILED: 'failed',
};
