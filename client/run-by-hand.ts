/** Starts a state machine of the hub, other than a release, and waits for its end. */
import { randomUUID } from 'node:crypto';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { messageIn } from '../core/releases/release-outcome.ts';
import { asClientError } from './errors.ts';
import { ExecutionHistory } from './history.ts';
import { type Hub, type HubOptions, executionArn, hubOf, machineArn } from './hub.ts';
import { type Patience, pollUntilEnd } from './poll.ts';
import type { ReleaseError } from './result.ts';

/** What it is started with; or what makes that, once its execution has a name. */
type Request = object | ((execution: string, hub: Hub) => Promise<object>);

/**
 * Returns what happened, whatever the end.
 *  @param machine its name
 *  @throws WaitTimedOut (it goes on), HubNotFound (there is no such machine), HubUnknown, AccessDenied, NoCredentials, Throttled,
 *    HubUnreachable
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function runByHand(
  machine: string,
  request: Request,
  options: HubOptions & Patience,
): Promise<ExecutionHistory> {
  const { signal } = options;
  signal?.throwIfAborted();
  const hub = await hubOf(options);
  const { target, client } = hub;
  const name = `by-hand-${randomUUID()}`;
  const history = new ExecutionHistory(executionArn(target, machine, name));
  try {
    const stateMachineArn = machineArn(target, machine);
    const input = JSON.stringify(typeof request === 'function' ? await request(name, hub) : request);
    const command = new StartExecutionCommand({ stateMachineArn, name, input });
    await client.send(command, signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot start ${machine}`);
  }
  return pollUntilEnd(
    history.arn,
    options,
    async () => {
      const steps = await history.read(client, signal);
      return history.ending ? { end: history } : { news: steps.length > 0 };
    },
    { justStarted: true },
  );
}

/**
 * Why an execution did not come to what it was started for.
 *  @param stopped what to say when it was stopped, and nobody said why
 */
export function failureOf({ ending }: ExecutionHistory, stopped = 'it was stopped'): ReleaseError {
  const { name, cause } = ending?.error ?? { name: 'Stopped', cause: stopped };
  return { name, cause: messageIn({ name, cause }) };
}
