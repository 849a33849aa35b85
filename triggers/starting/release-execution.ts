import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { asFact, hasCode } from '../../core/aws/errors.ts';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import type { ReleaseRequest } from '../../core/contract/requests.ts';
import { environment } from './environment.ts';
import { sha256 } from '../webhook/signatures.ts';

const stepFunctions = new SFNClient({});

export interface Started {
  readonly execution: string;
  /** True when it had been started before, with this name. */
  readonly already: boolean;
}

/**
 * Starts `packleader-release` once: Step Functions gives a name to one execution until 90 days after its end.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function startRelease(name: string, request: ReleaseRequest): Promise<Started> {
  const stateMachineArn = environment(TRIGGER_ENVIRONMENT.releaseMachine);
  const input = JSON.stringify(request);
  try {
    await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    return { execution: name, already: false };
  } catch (error) {
    if (hasCode(error, 'ExecutionAlreadyExists')) return { execution: name, already: true };
    throw asFact(error);
  }
}

/** `push-4f2c1d9e8b7a-…`: the same for the same commit, branch and delivery of a push, which has no images of its own. */
export function pushExecutionName(push: {
  readonly provider: string;
  readonly branch: string;
  readonly commit: string;
  readonly fingerprint: string;
}): string {
  const { provider, branch, commit, fingerprint } = push;
  const digest = sha256(JSON.stringify([provider, fingerprint, branch, commit])).toString('hex');
  return `push-${commit.slice(0, 12)}-${digest.slice(0, 24)}`;
}

/** `rebuild-linux-base-20261123040000`: one per image and time of its schedule. */
export function rebuildExecutionName(image: string, scheduledAt: string): string {
  return `rebuild-${image}-${new Date(scheduledAt).toISOString().replace(/\D/g, '').slice(0, 14)}`;
}

/** Whether an execution is a scheduled rebuild of that image, and not of one with a longer name. */
export function isRebuildOf(image: string, execution: string): boolean {
  const prefix = `rebuild-${image}-`;
  return execution.startsWith(prefix) && /^\d{14}$/.test(execution.slice(prefix.length));
}
