/** SQS, as far as it is needed: the project has no client of it. */
import { HUB } from '../../fixtures/accounts.ts';
import type { Credentials } from '../moto.ts';

/** @throws Error when it is refused */
export async function askQueue(
  { endpoint, credentials }: { readonly endpoint: string; readonly credentials: Credentials },
  operation: string,
  input: object,
): Promise<unknown> {
  const scope = `${credentials.accessKeyId}/20260101/${HUB.region}/sqs/aws4_request`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
      // Neither the gate nor moto reads the signature.
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${operation} was refused: ${await response.text()}`);
  return response.json();
}
