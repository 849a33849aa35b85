/** Approves and rejects releases that wait: starts `packleader-approval` in the caller’s name, and waits for what it says. */
import { STSClient } from '@aws-sdk/client-sts';
import { proofIn, proofRequest, purposeOf } from '../core/contract/caller-proof.ts';
import {
  type AnswerRequest,
  type Answered,
  REASON_CHARACTERS,
  answersSchema,
} from '../core/contract/approvals.ts';
import { ERRORS } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { REAL_TIME } from './clock.ts';
import { ApprovalFailed, HubNotFound, ReleaseNotFound, ReleaseRefused } from './errors.ts';
import type { Hub, HubOptions } from './hub.ts';
import type { Patience } from './poll.ts';
import { failureOf, runByHand } from './run-by-hand.ts';
import { type WaitingRelease, waitingReleases } from './waiting.ts';

export interface AnswerOptions extends HubOptions, Patience {
  /** Why; at most 500 characters. It is kept with the release. */
  readonly reason: string;
  /** Answers only what waits for this stage. */
  readonly stage?: string;
}

export interface AnswerResult {
  /** Of `packleader-approval`. */
  readonly executionArn: string;
  /** The ARN that AWS knows the caller by. */
  readonly by: string;
  /** Whether every answer counts. */
  readonly complete: boolean;
  readonly answers: readonly Answered[];
}

/**
 * Approves releases that wait, each for the stage that it waits for.
 *  @param releases each `<image>@<version>`; or an image, a version, or the beginning of one like `v1.4`, which then means all that wait
 *    and are called so
 *  @throws ReleaseNotFound (nothing that waits is called so), ReleaseRefused (the request is wrong, or nothing proves who asks),
 *    ApprovalFailed, WaitTimedOut (it goes on), HubNotFound (also where no stage asks for approval), HubUnknown, AccessDenied,
 *    NoCredentials, Throttled, HubUnreachable
 */
export const approveReleases = async (
  releases: readonly string[],
  options: AnswerOptions,
): Promise<AnswerResult> => answer('approve', releases, options);

/** Rejects releases that wait, which are then rolled back; otherwise like {@link approveReleases}. */
export const rejectReleases = async (
  releases: readonly string[],
  options: AnswerOptions,
): Promise<AnswerResult> => answer('reject', releases, options);

async function answer(
  what: 'approve' | 'reject',
  releases: readonly string[],
  options: AnswerOptions,
): Promise<AnswerResult> {
  const { stage, clock = REAL_TIME } = options;
  const reason = options.reason.trim();
  if (reason === '' || reason.length > REASON_CHARACTERS)
    throw new ReleaseRefused(
      `a reason has from 1 to ${REASON_CHARACTERS} characters, and is kept with the release`,
    );
  const asked: AnswerRequest = {
    [what]: await meant(releases, options),
    ...(stage !== undefined && { stage }),
    reason,
  };
  const history = await run(async (execution, hub) => {
    const proof = await sign(hub, purposeOf(execution, asked), clock.now());
    return { ...asked, proof };
  }, options);
  const answered = answersSchema.safeParse(history.outputs.get(STATE_NAMES.answerApproval));
  if (!answered.success) {
    const { name, cause } = failureOf(history);
    if (name === ERRORS.invalidRequest) throw new ReleaseRefused(cause);
    throw new ApprovalFailed(`${history.arn} came to no answer: ${name}: ${cause}`);
  }
  const { by, complete, answers } = answered.data;
  return { executionArn: history.arn, by, complete, answers };
}

async function run(request: (execution: string, hub: Hub) => Promise<object>, options: AnswerOptions) {
  try {
    return await runByHand(NAMES.approvalMachine, request, options);
  } catch (error) {
    if (!(error instanceof HubNotFound)) throw error;
    throw new HubNotFound(
      `the hub has no ${NAMES.approvalMachine}: give a stage of factory.yaml an approval, and deploy`,
      { cause: error },
    );
  }
}

/** Which releases are meant: what is named in full needs no look. */
async function meant(names: readonly string[], options: AnswerOptions): Promise<string[]> {
  const waiting = names.every((name) => name.includes('@')) ? [] : await waitingReleases(options);
  const stage = ({ stage: its }: WaitingRelease) => options.stage === undefined || its === options.stage;
  return names.flatMap((name) => {
    if (name.includes('@')) return [name];
    const found = waiting.filter((one) => stage(one) && isCalled(one, name));
    if (found.length > 0) return found.map(({ releaseId }) => releaseId);
    const others = waiting.map((one) => `${one.releaseId} for ${one.stage}`).join(', ');
    throw new ReleaseNotFound(
      `nothing that waits for approval is called ${name}; ${others === '' ? 'nothing waits' : `waiting: ${others}`}`,
    );
  });
}

function isCalled({ image, version }: WaitingRelease, name: string): boolean {
  const digits = name.replace(/^v(?=\d)/, '');
  return name === image || version === digits || (/^\d/.test(digits) && version.startsWith(`${digits}.`));
}

/** Signs, in the caller’s name, what it takes to ask STS whose name that is. */
async function sign({ target, client }: Hub, purpose: string, signingDate: Date) {
  const { region } = target;
  const sts = new STSClient({ region, credentials: client.config.credentials });
  const signer = await sts.config.signer();
  const { headers } = await signer.sign(proofRequest(region, purpose), { signingDate });
  return proofIn(headers);
}
