/** One repoint at a time for each image: docs/decisions/repoint-claims.md. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { asFact, hasCode } from '../aws/errors.ts';
import { findExecution } from '../aws/executions.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { keys } from '../contract/keys.ts';
import { listKeys } from '../releases/plan-store.ts';
import { settledAfter } from '../releases/settling.ts';

const s3 = new S3Client({});

const claimSchema = z.object({ executionArn: z.string() });

export interface Claimant {
  readonly bucket: string;
  readonly executionArn: string;
  /** When it looks whether others are at work, ISO 8601. */
  readonly now: string;
}

/**
 * Claims an image for one execution. A claim ends with the execution that holds it, so that nobody has to give it back; S3 writes
 * it only when nobody else has written since it was read. Safe to repeat.
 *  @throws PackleaderError InvalidRequest: another one is at work
 */
export async function claimImage(image: string, claimant: Claimant): Promise<void> {
  const { bucket, executionArn, now } = claimant;
  const key = keys.claim(image);
  const held = await readClaim(bucket, key);
  if (held?.executionArn === executionArn) return;
  if (held) {
    const why = await whyHeld(held.executionArn, new Date(now));
    if (why !== undefined) throw beside(image, held.executionArn, why);
  }
  try {
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: JSON.stringify({ executionArn }),
        ContentType: 'application/json',
        ...(held ? { IfMatch: held.etag } : { IfNoneMatch: '*' }),
      }),
    );
  } catch (error) {
    if (!hasCode(error, 'PreconditionFailed', 'ConditionalRequestConflict')) throw asFact(error);
    // The reply of an earlier attempt of ours may have been lost.
    const other = await readClaim(bucket, key);
    if (other?.executionArn !== executionArn)
      throw beside(image, other?.executionArn ?? 'another execution', 'began at the same moment');
  }
}

/** It is listed first: S3 does not tell a reader who may not list that there is nothing. */
async function readClaim(
  bucket: string,
  key: string,
): Promise<{ executionArn: string; etag: string } | undefined> {
  if (!(await listKeys(bucket, key)).includes(key)) return undefined;
  try {
    const { Body, ETag = '' } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const { executionArn } = claimSchema.parse(JSON.parse((await Body?.transformToString()) ?? ''));
    return { executionArn, etag: ETag };
  } catch (error) {
    throw asFact(error);
  }
}

/** Why an execution may still change something; a stopped one leaves a function at work, like any execution. */
async function whyHeld(executionArn: string, now: Date): Promise<string | undefined> {
  const execution = await findExecution(executionArn);
  if (execution === undefined) return undefined;
  const { status = 'RUNNING', stopDate } = execution;
  if (status === 'SUCCEEDED' || status === 'FAILED') return undefined;
  if (status !== 'ABORTED' && status !== 'TIMED_OUT') return 'still runs';
  const settled = settledAfter(stopDate ?? now);
  return settled > now
    ? `was stopped, and a function of it may be at work until ${settled.toISOString()}`
    : undefined;
}

const beside = (image: string, executionArn: string, why: string): PackleaderError =>
  new PackleaderError(
    ERRORS.invalidRequest,
    `Another rollback, revocation or restoration of ${image} ${why}: ${executionArn}. Wait for its end, then ask again.`,
  );
