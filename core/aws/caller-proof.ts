/** Finds out who has signed a request to STS: core/contract/caller-proof.ts. */
import * as z from 'zod';
import type { Proof } from '../contract/approvals.ts';
import { BODY_SHA256, PURPOSE, proofRequest } from '../contract/caller-proof.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parseJson } from '../contract/parse-json.ts';

const PATIENCE_MS = 10_000;

const answerSchema = z.object({
  GetCallerIdentityResponse: z.object({ GetCallerIdentityResult: z.object({ Arn: z.string() }) }),
});

/**
 * The ARN of whoever signed, as STS tells it. Nothing but headers comes from the caller: where it is sent, and for what, is said here.
 *  @throws PackleaderError InvalidRequest when it proves nothing, ConnectionLost when STS did not answer
 */
export async function provenCaller({ authorization, date, token }: Proof, region: string, purpose: string) {
  const signed = /SignedHeaders=([^,\s]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  if (!signed.includes(PURPOSE)) throw unproven('its signature does not cover what it is for');
  const { hostname, method, headers, body } = proofRequest(region, purpose);
  let response: Response;
  try {
    response = await fetch(`https://${hostname}/`, {
      method,
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: {
        ...headers,
        accept: 'application/json',
        authorization,
        'x-amz-date': date,
        'x-amz-content-sha256': BODY_SHA256,
        ...(token !== undefined && { 'x-amz-security-token': token }),
      },
    });
  } catch (error) {
    throw new PackleaderError(ERRORS.connectionLost, `STS did not answer: ${String(error)}`, {
      cause: error,
    });
  }
  if (response.status >= 500 || response.status === 429)
    throw new PackleaderError(ERRORS.connectionLost, `STS answered ${response.status}`);
  if (!response.ok) throw unproven(`STS answered ${response.status}; a proof is good for five minutes`);
  const answer = answerSchema.safeParse(parseJson(await response.text()));
  if (!answer.success) throw unproven('STS answered something else than an identity');
  return answer.data.GetCallerIdentityResponse.GetCallerIdentityResult.Arn;
}

const unproven = (why: string): PackleaderError =>
  new PackleaderError(ERRORS.invalidRequest, `The proof does not say who asks: ${why}. Ask again.`);
