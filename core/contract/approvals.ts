/** Approvals: what a stage asks for, what an answer is, and what is kept of it. */
import * as z from 'zod';
import { parseJson } from './parse-json.ts';

/** `stages[].approval`, as it was deployed. */
export const approvalSchema = z.object({
  timeoutHours: z.int(),
  /** Whether whoever started the release may not approve it. */
  fourEyes: z.boolean().exactOptional(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** By stage; a stage that asks for none has none. */
export const approvalsSchema = z.record(z.string(), approvalSchema);
export type Approvals = Readonly<Record<string, Approval>>;

/** What proves to the hub who asks: the headers of a request to STS that only its caller can have signed, for this answer alone. */
export const proofSchema = z.strictObject({
  authorization: z.string().max(1_000),
  date: z.string().regex(/^\d{8}T\d{6}Z$/),
  /** Of a session. */
  token: z.string().max(8_000).exactOptional(),
});
export type Proof = z.infer<typeof proofSchema>;

/** So many releases are answered at once; a person reads no more. */
export const MOST_ANSWERS = 50;
export const REASON_CHARACTERS = 500;

const releases = z
  .array(z.string(), { error: 'must be a list of releases, like ["linux-base@1.4.20261121093000"]' })
  .min(1, { error: 'must name at least one release' })
  .max(MOST_ANSWERS, { error: `must name at most ${MOST_ANSWERS} releases` });
const REASON = `must be text of at most ${REASON_CHARACTERS} characters that says why`;

/** The input of `packleader-approval`. */
export const answerRequestSchema = z.strictObject({
  approve: releases.exactOptional(),
  reject: releases.exactOptional(),
  /** Only if it is this stage that waits. */
  stage: z.string({ error: 'must be the name of a stage' }).exactOptional(),
  reason: z
    .string({ error: REASON })
    .trim()
    .min(1, { error: REASON })
    .max(REASON_CHARACTERS, { error: REASON }),
  proof: proofSchema.exactOptional(),
  /** What Step Functions' console adds. */
  Comment: z.unknown().exactOptional(),
});
export type AnswerRequest = z.infer<typeof answerRequestSchema>;

/** Who let a stage be released to, when and why; kept with the record. */
export const givenApprovalSchema = z.object({
  /** The ARN that AWS knows whoever answered by. */
  by: z.string(),
  /** ISO 8601. */
  at: z.string(),
  reason: z.string(),
  /** The execution of `packleader-approval`. */
  answeredIn: z.string(),
});
export type GivenApproval = z.infer<typeof givenApprovalSchema>;

/** `$.approved`, by stage: of a stage that a prerelease does not reach, why nobody was asked. */
export const approvedSchema = z.record(
  z.string(),
  z.union([givenApprovalSchema, z.object({ Error: z.string() })]),
);

/** A given approval and its stage, as the record tells it. */
export const stageApprovalSchema = givenApprovalSchema.extend({ stage: z.string() });
export type StageApproval = z.infer<typeof stageApprovalSchema>;

export function approvalsIn(approved: z.infer<typeof approvedSchema>): StageApproval[] {
  return Object.entries(approved).flatMap(([stage, given]) => ('by' in given ? [{ stage, ...given }] : []));
}

/** What became of one answer. */
export const answeredSchema = z.object({
  releaseId: z.string(),
  /** Missing where none waits. */
  stage: z.string().optional(),
  outcome: z.enum(['approved', 'rejected', 'refused']),
  /** Why it was refused. */
  why: z.string().optional(),
});
export type Answered = z.infer<typeof answeredSchema>;

/** What `Answer approval` says. */
export const answersSchema = z.object({
  complete: z.boolean(),
  by: z.string(),
  answers: z.array(answeredSchema),
  cause: z.string(),
});
export type Answers = z.infer<typeof answersSchema>;

/** What `Approve <stage>` passes on, in the history of its execution: who answers finds the token there. */
export const askedApprovalSchema = z.object({
  release: z.object({ releaseId: z.string(), image: z.string(), version: z.string() }),
  token: z.string(),
  stage: z.string(),
  approval: approvalSchema,
  enteredAt: z.string(),
});
export type AskedApproval = z.infer<typeof askedApprovalSchema>;

/** Until when a stage waits at least. */
export const waitsUntil = ({ enteredAt, approval }: Pick<AskedApproval, 'enteredAt' | 'approval'>): Date =>
  new Date(Date.parse(enteredAt) + approval.timeoutHours * 3_600_000);

const parametersSchema = z.looseObject({ Payload: askedApprovalSchema });

/** What a Task that asks for approval passes on, from the event that it was scheduled; undefined for any other event. */
export function askedIn(event: {
  readonly taskScheduledEventDetails?:
    { readonly resource?: string | undefined; readonly parameters?: string | undefined } | undefined;
}): AskedApproval | undefined {
  const { resource, parameters = 'null' } = event.taskScheduledEventDetails ?? {};
  if (resource !== 'invoke.waitForTaskToken') return undefined;
  return parametersSchema.safeParse(parseJson(parameters)).data?.Payload;
}
