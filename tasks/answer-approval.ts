import pMap from 'p-map';
import * as z from 'zod';
import { asFact, hasCode } from '../core/aws/errors.ts';
import { announce } from '../core/aws/events.ts';
import { findExecution } from '../core/aws/executions.ts';
import { provenCaller } from '../core/aws/caller-proof.ts';
import { beginnersOf, personOf, startersOf } from '../core/aws/starters.ts';
import { type ApprovalAsked, answerToken, approvalIn } from '../core/aws/task-tokens.ts';
import {
  type AnswerRequest,
  type Answered,
  type Answers,
  type GivenApproval,
  answerRequestSchema,
} from '../core/contract/approvals.ts';
import { purposeOf } from '../core/contract/caller-proof.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { MOST_ATTEMPTS } from '../core/contract/limits.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
import { executionName, releaseExecutionArn } from '../core/releases/execution-name.ts';
import { readReleaseId } from '../core/releases/release-status.ts';
import { parseJson } from '../core/contract/parse-json.ts';

const eventSchema = z.object({
  /** A person may have typed it, so it is judged on its own. */
  request: z.unknown(),
  execution: z.object({ id: z.string(), startedAt: z.string() }),
});

/** Releases answered at the same time. */
const AT_ONCE = 5;

const EXAMPLE =
  'A correct input is {"approve": ["linux-base@1.4.20261121093000"], "reason": "tested in dev"}, or "reject" in place of "approve".';

/** Answers releases that wait for approval, in the name of whoever asks, and says of each what became of the answer.
 *  In      { request: { approve | reject: ['linux-base@1.4.2026…'], stage?, reason, proof? }, execution: { id, startedAt } }
 *  Out     { complete, by, answers: [{ releaseId, stage, outcome: 'approved' | 'rejected' | 'refused', why }], cause }
 *  Errors  InvalidRequest (with a correct one, or because nothing proves who asks), NotReadyYet (CloudTrail does not show yet who
 *          started an execution), Throttled, ConnectionLost
 *  Repeat  safe: an answer that this execution has given is found in the history of the release
 *  @see    https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html */
export async function handler(event: unknown): Promise<Answers> {
  const { request: asked, execution } = parseEvent(eventSchema, event);
  const request = parseAnswer(asked);
  const by = await callerOf(request, execution);
  const releases = [...new Set(request.approve ?? request.reject ?? [])];
  const answers = await pMap(releases, async (release) => answer(release, request, { by, ...execution }), {
    concurrency: AT_ONCE,
  });
  const refused = answers.filter(({ outcome }) => outcome === 'refused');
  const cause = refused.map(({ releaseId, why }) => `${releaseId}: ${why}`).join('\n');
  return { complete: refused.length === 0, by, answers, cause };
}

function parseAnswer(asked: unknown): AnswerRequest {
  const parsed = answerRequestSchema.safeParse(asked);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') || 'the input';
    throw invalid(`${where}: ${issue?.message ?? 'must be an object'}. ${EXAMPLE}`);
  }
  if ((parsed.data.approve === undefined) === (parsed.data.reject === undefined))
    throw invalid(`Give either "approve" or "reject". ${EXAMPLE}`);
  return parsed.data;
}

const invalid = (why: string): PackleaderError => new PackleaderError(ERRORS.invalidRequest, why);

/** The command signs; of whoever starts the execution in the console only CloudTrail knows. */
async function callerOf(request: AnswerRequest, execution: { id: string; startedAt: string }) {
  const [, , , region = '', accountId = '', , , name = ''] = execution.id.split(':');
  const by = request.proof
    ? await provenCaller(request.proof, region, purposeOf(name, request))
    : await starterOf(execution);
  // Who signs could have an identity elsewhere too, of which nobody here knows whose it is.
  if (by.split(':')[4] !== accountId)
    throw invalid(`${by} is of another account than the hub; approve with credentials of ${accountId}.`);
  return by;
}

async function starterOf({ id, startedAt }: { id: string; startedAt: string }): Promise<string> {
  const [starter, ...others] = await startersOf(id, new Date(startedAt));
  if (!starter)
    throw new PackleaderError(
      ERRORS.notReadyYet,
      'CloudTrail does not show yet who started this; packleader approve proves it at once',
    );
  if (others.some(({ arn }) => arn !== starter.arn))
    throw invalid('Several people started this execution; give an answer of your own.');
  return starter.arn;
}

interface Answerer {
  readonly by: string;
  /** The execution that answers, and when that was started. */
  readonly id: string;
  readonly startedAt: string;
}

async function answer(releaseId: string, request: AnswerRequest, answerer: Answerer): Promise<Answered> {
  const refuse = (why: string): Answered => ({ releaseId, outcome: 'refused', why });
  const identity = readReleaseId(releaseId);
  if (!identity) return refuse('it is no release of the form <image>@<version>');
  const attempts = await attemptsOf(identity, answerer.id);
  const newest = attempts.at(-1);
  if (!newest) return refuse('the hub knows no such release');
  const until = new Date(answerer.startedAt);
  const asked = await approvalIn(newest.arn, until);
  if (!asked) return refuse(`it waits for no approval: it is ${newest.status}`);
  const { stage } = asked;
  if (request.stage !== undefined && request.stage !== stage)
    return refuse(`it waits for the approval of ${stage}, not of ${request.stage}`);
  const outcome = request.approve ? 'approved' : 'rejected';
  const done = { releaseId, stage, outcome } as const;
  const given = { by: answerer.by, at: answerer.startedAt, reason: request.reason, answeredIn: answerer.id };
  if (asked.answered !== undefined) {
    if (!isOwn(asked.answered, given)) return refuse(`it has its answer for ${stage} already`);
  } else {
    const why = request.approve ? await ownRelease(asked, attempts, answerer) : undefined;
    if (why !== undefined) return refuse(why);
    if (!(await give(asked, outcome, given))) {
      const now = await approvalIn(newest.arn, until);
      if (now?.answered === undefined)
        throw new PackleaderError(ERRORS.notReadyYet, `${releaseId} has an answer that does not show yet`);
      if (!isOwn(now.answered, given)) return refuse(`it does not wait for ${stage} any more`);
    }
  }
  if (request.approve && newest.planned)
    await announce(NAMES.approved, {
      ...newest.planned.release,
      stage,
      by: answerer.by,
      reason: request.reason,
      executionArn: newest.arn,
    });
  return done;
}

/** Every execution of a release, the first one first. */
async function attemptsOf(identity: { image: string; version: string }, anotherArn: string) {
  const attempts: {
    arn: string;
    status: string;
    planned: z.infer<typeof plannedReleaseSchema> | undefined;
  }[] = [];
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const arn = releaseExecutionArn(anotherArn, executionName(identity, attempt));
    const found = await findExecution(arn);
    if (!found) break;
    const planned = plannedReleaseSchema.safeParse(parseJson(found.input ?? 'null'));
    attempts.push({ arn, status: found.status ?? 'RUNNING', planned: planned.data });
  }
  return attempts;
}

/** What this execution said, when it was asked before and its reply was lost. */
const isOwn = (answered: string, { answeredIn }: GivenApproval): boolean => answered.includes(answeredIn);

/** Why whoever answers may not, where four eyes are asked for. Who cannot be told is nobody else. */
async function ownRelease(
  { approval }: ApprovalAsked,
  attempts: readonly { readonly arn: string }[],
  { by, startedAt }: Answerer,
): Promise<string | undefined> {
  if (approval.fourEyes !== true) return undefined;
  for (const { arn } of attempts) {
    const beginners = await beginnersOf(arn, new Date(startedAt));
    if ('unknown' in beginners) {
      if (beginners.mayShow) throw new PackleaderError(ERRORS.notReadyYet, beginners.unknown);
      return `four eyes are asked for, and ${beginners.unknown}`;
    }
    const own = beginners.arns.find((one) => personOf(one) === personOf(by));
    if (own !== undefined)
      return `four eyes are asked for, and ${own} started it: somebody else must approve`;
  }
  return undefined;
}

/** Whether it counts; one that comes too late does not, and neither does the second of one whose reply was lost. */
async function give(
  { token, stage }: ApprovalAsked,
  outcome: 'approved' | 'rejected',
  given: GivenApproval,
): Promise<boolean> {
  const { by, reason, answeredIn } = given;
  try {
    await answerToken(
      token,
      outcome === 'approved'
        ? { output: given }
        : {
            error: ERRORS.releaseRejected,
            cause: `${by} rejected it for ${stage}: ${reason}\n(${answeredIn})`,
          },
    );
    return true;
  } catch (error) {
    if (hasCode(error, 'TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken')) return false;
    throw asFact(error);
  }
}
