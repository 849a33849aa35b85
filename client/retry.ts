/** Begins a release once more that came to nothing: the same version, from the same bytes and settings. */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { MOST_ATTEMPTS, RETRIED_DAYS } from '../core/contract/limits.ts';
import { NAMES } from '../core/contract/names.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
import { executionName } from '../core/releases/execution-name.ts';
import { readReleaseId } from '../core/releases/release-status.ts';
import { mayBeRetried } from '../core/releases/retries.ts';
import { settledAfter } from '../core/releases/settling.ts';
import { REAL_TIME } from './clock.ts';
import { ReleaseRefused, asClientError } from './errors.ts';
import { attemptOf, executionArn, findExecution, machineArn } from './hub.ts';
import type { Patience } from './poll.ts';
import type { HubOptions } from './hub.ts';
import type { ReleaseHandle } from './result.ts';
import { getRelease } from './wait.ts';

export interface RetryOptions extends HubOptions, Pick<Patience, 'clock'> {
  /** Told when what the last attempt left at work needs time to end. */
  readonly onWaiting?: (until: Date) => void;
}

/**
 * Starts the next attempt of a release, and does not wait for it. Two at once start one. Where the last attempt has failed in a later stage and
 * waits, it goes on with the AMIs of the stages before; else everything is baked again.
 *  @param release `<image>@<version>`
 *  @throws ReleaseRefused (it runs, is released, or is too old), ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled,
 *    HubUnreachable
 */
export async function retryRelease(release: string, options: RetryOptions = {}): Promise<ReleaseHandle> {
  const { signal, clock = REAL_TIME, onWaiting } = options;
  const identity = readReleaseId(release);
  if (!identity) throw refused(release, 'a retry is of one image, <image>@<version>');
  const { execution, client } = await findExecution(release, options);
  const on = { hub: execution.hub, client, ...(signal && { signal }) };
  const { outcome, stoppedAt, releases } = await getRelease(execution.arn, on);
  const since = releases[0]?.awaitsRetry?.since ?? null;
  if ((outcome === 'running' && since === null) || outcome === 'released')
    throw refused(release, outcome === 'running' ? 'it still runs' : 'it is released');
  if (!mayBeRetried(identity, clock.now()))
    throw refused(release, `it is older than ${RETRIED_DAYS} days; release its commit again`);
  const attempt = attemptOf(execution.name, identity) + 1;
  if (attempt > MOST_ATTEMPTS) throw refused(release, `it was tried ${MOST_ATTEMPTS} times`);
  await settle(since ?? stoppedAt);
  const name = executionName(identity, attempt);
  try {
    const { input = 'null' } = await client.send(
      new DescribeExecutionCommand({ executionArn: execution.arn }),
      signal ? { abortSignal: signal } : {},
    );
    const planned = { ...plannedReleaseSchema.parse(JSON.parse(input)), executionName: name };
    const { startDate } = await client.send(
      new StartExecutionCommand({
        stateMachineArn: machineArn(execution.hub, NAMES.releaseImageMachine),
        name,
        input: JSON.stringify(planned),
      }),
      signal ? { abortSignal: signal } : {},
    );
    return {
      executionArn: executionArn(execution.hub, NAMES.releaseImageMachine, name),
      name,
      startedAt: (startDate ?? clock.now()).toISOString(),
    };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Error && error.name === 'ExecutionAlreadyExists')
      throw refused(release, 'somebody else has just retried it');
    throw asClientError(error, `cannot retry ${release}`);
  }

  /** What was at work when the last attempt ended may go on for as long as a function may run. */
  async function settle(endedAt: string | null): Promise<void> {
    const until = settledAfter(endedAt === null ? clock.now() : new Date(endedAt));
    const ms = until.getTime() - clock.now().getTime();
    if (ms <= 0) return;
    onWaiting?.(until);
    await clock.sleep(ms, signal);
  }
}

const refused = (release: string, why: string): ReleaseRefused =>
  new ReleaseRefused(`cannot retry ${release}: ${why}`);
