/** A request to a service of which no client of the SDK's is at hand, signed as theirs are. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parseJson } from '../contract/parse-json.ts';
import { asFact } from './errors.ts';

const PATIENCE_MS = 120_000;

export interface SignedRequest {
  /** For which region, and by whose credentials. */
  readonly client: STSClient | EC2Client;
  /** The name of the service: in its address, and as it is signed for. */
  readonly service: string;
  /** How people call it. */
  readonly called: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
}

const refusalSchema = z.looseObject({
  __type: z.string().optional(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

/**
 * What a service answers, of any shape.
 *  @throws PackleaderError AccessDenied, Throttled, ConnectionLost, AwsCallFailed
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export async function askSigned({
  client,
  service,
  called,
  method,
  path,
  body: sent,
}: SignedRequest): Promise<unknown> {
  const { config } = client;
  const region = await config.region();
  const scheme = { name: 'sigv4', signingName: service, signingRegion: region, properties: {} };
  const signer = await config.signer(scheme);
  const hostname = `${service}.${region}.amazonaws.com`;
  const body = sent === undefined ? undefined : JSON.stringify(sent);
  let response: Response;
  let text: string;
  try {
    const request = await signer.sign({
      method,
      protocol: 'https:',
      hostname,
      path,
      query: {},
      headers: { host: hostname, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
    });
    response = await fetch(`https://${hostname}${path}`, {
      method,
      headers: request.headers,
      ...(body !== undefined && { body }),
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new PackleaderError(ERRORS.connectionLost, `${called} did not answer: ${String(error)}`, {
      cause: error,
    });
  }
  if (!response.ok) throw asFact(refusalOf(response, text));
  return parseJson(text);
}

/** As the SDK would throw it. */
function refusalOf(response: Response, text: string): Error {
  const { __type = '', message, Message = text } = refusalSchema.catch({}).parse(parseJson(text));
  const [type = ''] = (response.headers.get('x-amzn-errortype') ?? __type).split(':');
  const name = type.replace(/^.*#/, '');
  const usual = response.status >= 500 ? 'InternalFailure' : `HTTP ${response.status}`;
  return Object.assign(new Error(message ?? Message), { name: name === '' ? usual : name });
}
