/**
 * What is asked without a client of the SDK's: STS, as it takes a request that somebody else has signed, Amazon Inspector's scan, and the
 * rules of the Recycle Bin. Whose a request is follows from its signature, and from nothing else.
 */
import { STSClient } from '@aws-sdk/client-sts';
import { parseJson } from '../core/contract/parse-json.ts';
import type { Sandbox } from './sandbox.ts';
import { type Caller, assumedRoleArn } from './aws/context.ts';

/** How long AWS takes a signature.
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const GOOD_FOR_MS = 5 * 60_000;

interface Sent {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends requests to these here, and all others where they went. Returns the function that puts that back. */
export function bindSignedRequests(sandbox: Sandbox): () => void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const [, service] = /^(sts|inspector-scan|rbin)\.[a-z0-9-]+\.amazonaws\.com$/.exec(url.hostname) ?? [];
    if (service === undefined) return fetch(input, init);
    sandbox.clock.activity();
    const body = typeof init?.body === 'string' ? init.body : '';
    const sent = { method: init?.method ?? 'GET', url, headers: new Headers(init?.headers), body };
    const caller = await sandbox.clock.hold(async () => callerOf(sandbox, service, sent));
    if (caller === undefined)
      return refusal('SignatureDoesNotMatch', 'The signature is not of this request.');
    if (service === 'sts') return identityOf(caller);
    return service === 'rbin' ? ofBin(sandbox, caller, sent) : scan(sandbox, caller, body);
  };
  return () => {
    globalThis.fetch = fetch;
  };
}

/** Undefined when the signature is nobody's, or too old. */
async function callerOf(
  sandbox: Sandbox,
  service: string,
  { method, url, headers: sent, body }: Sent,
): Promise<Caller | undefined> {
  const authorization = sent.get('authorization') ?? '';
  const [, accessKeyId = '', region = ''] =
    new RegExp(`Credential=([^/]+)/\\d+/([^/]+)/${service}/`).exec(authorization) ?? [];
  const [, names = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
  const date = dateOf(sent.get('x-amz-date') ?? '');
  try {
    const caller = sandbox.caller(accessKeyId, region);
    const credentials = sandbox.issue(caller.accountId, caller.role, caller.session);
    const scheme = { name: 'sigv4', signingName: service, signingRegion: region, properties: {} };
    const signer = await new STSClient({ region, credentials }).config.signer(scheme);
    const added = ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];
    const headers = Object.fromEntries(
      names
        .split(';')
        .filter((name) => !added.includes(name))
        .map((name) => [name, sent.get(name) ?? (name === 'host' ? url.hostname : '')]),
    );
    const { hostname, pathname: path } = url;
    const request = { method, protocol: 'https:', hostname, path, query: {}, headers, body };
    const signed = await signer.sign(request, { signingDate: date });
    // A task signs by the clock of the machine it runs on, which is not this world's; whoever answers an approval by this world's.
    const late = service === 'sts' && Math.abs(sandbox.clock.milliseconds() - date.getTime()) > GOOD_FOR_MS;
    return late || signed.headers['authorization'] !== authorization ? undefined : caller;
  } catch {
    return undefined;
  }
}

const identityOf = (caller: Caller): Response =>
  Response.json({
    GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn: assumedRoleArn(caller) } },
  });

const scan = async (sandbox: Sandbox, caller: Caller, body: string): Promise<Response> =>
  answer(async () => sandbox.call(caller, 'inspectorscan', 'ScanSbom', Object(parseJson(body))));

async function ofBin(sandbox: Sandbox, caller: Caller, { method, url, body }: Sent): Promise<Response> {
  const [, id] = /^\/rules\/([^/]+)$/.exec(url.pathname) ?? [];
  if (method === 'GET' && id !== undefined)
    return answer(async () =>
      sandbox.call(caller, 'rbin', 'GetRule', { Identifier: decodeURIComponent(id) }),
    );
  if (method === 'POST' && url.pathname === '/list-rules')
    return answer(async () => sandbox.call(caller, 'rbin', 'ListRules', Object(parseJson(body))));
  return refusal('UnknownOperationException', `${method} ${url.pathname}`);
}

/** What the service refuses it answers; what has no answer, as a lost one, is thrown. */
async function answer(asked: () => Promise<unknown>): Promise<Response> {
  try {
    return Response.json(await asked());
  } catch (error) {
    if (error instanceof Error && error.name.endsWith('Exception')) return refusal(error.name, error.message);
    throw error;
  }
}

const refusal = (name: string, message: string): Response =>
  Response.json({ message }, { status: 403, headers: { 'x-amzn-errortype': name } });

const dateOf = (date: string): Date =>
  new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
