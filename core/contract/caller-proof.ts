/**
 * How a caller proves who it is: it signs a request to STS, GetCallerIdentity, and hands over the signature instead of sending it.
 * Whoever sends that request gets to know whose it is, and nothing else. One header of it says what it is for, so it proves nothing of
 * anything else; STS takes it for some minutes only.
 *  @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash } from 'node:crypto';
import type { AnswerRequest, Proof } from './approvals.ts';

/** It names what is proven; a signature that does not cover it proves nothing. */
export const PURPOSE = 'x-packleader-answer';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
export const BODY_SHA256 = createHash('sha256').update(BODY).digest('hex');

/** The request that is signed: the region is the hub's, and the purpose what its sender wants. */
export function proofRequest(region: string, purpose: string) {
  const hostname = `sts.${region}.amazonaws.com`;
  return {
    method: 'POST',
    protocol: 'https:',
    hostname,
    path: '/',
    query: {},
    headers: {
      host: hostname,
      'content-type': 'application/x-www-form-urlencoded',
      [PURPOSE]: purpose,
    },
    body: BODY,
  };
}

/** An answer, and the one execution that may give it. */
export function purposeOf(execution: string, { approve, reject, stage, reason }: AnswerRequest): string {
  const said = JSON.stringify([execution, approve ?? null, reject ?? null, stage ?? null, reason]);
  return createHash('sha256').update(said).digest('hex');
}

export const proofIn = (headers: Readonly<Record<string, string>>): Proof => ({
  authorization: headers['authorization'] ?? '',
  date: headers['x-amz-date'] ?? '',
  ...(headers['x-amz-security-token'] !== undefined && { token: headers['x-amz-security-token'] }),
});
