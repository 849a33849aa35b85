/**
 * What is asked without a client of the SDK's: STS, as it takes a request that somebody else has signed, and Amazon Inspector's scan. Whose
 * a request is follows from its signature, and from nothing else.
 */
import { STSClient } from '@aws-sdk/client-sts';
import { parseJson } from '../core/contract/parse-json.ts';
import type { Sandbox } from './sandbox.ts';
import { type Caller, assumedRoleArn } from './aws/context.ts';

/** How long AWS takes a signature.
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const GOOD_FOR_MS = 5 * 60_000;

interface Sent {
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends requests to the two here, and all others where they went. Returns the function that puts that back. */
export function bindSignedRequests(sandbox: Sandbox): () => void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const [, service] = /^(sts|inspector-scan)\.[a-z0-9-]+\.amazonaws\.com$/.exec(url.hostname) ?? [];
    if (service === undefined) return fetch(input, init);
    sandbox.clock.activity();
    const body = typeof init?.body === 'string' ? init.body : '';
    const sent = { url, headers: new Headers(init?.headers), body };
    const caller = await sandbox.clock.hold(async () => callerOf(sandbox, service, sent));
    if (caller === undefined)
      return refusal('SignatureDoesNotMatch', 'The signature is not of this request.');
    return service === 'sts' ? identityOf(caller) : scan(sandbox, caller, body);
  };
  return () => {
    globalThis.fetch = fetch;
  };
}

/** Undefined when the signature is nobody's, or too old. */
async function callerOf(
  sandbox: Sandbox,
  service: string,
  { url, headers: sent, body }: Sent,
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
    const request = { method: 'POST', protocol: 'https:', hostname, path, query: {}, headers, body };
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

/** What the service refuses it answers; what has no answer, as a lost one, is thrown. */
async function scan(sandbox: Sandbox, caller: Caller, body: string): Promise<Response> {
  try {
    const input = parseJson(body);
    return Response.json(await sandbox.call(caller, 'inspectorscan', 'ScanSbom', Object(input)));
  } catch (error) {
    if (error instanceof Error && error.name.endsWith('Exception')) return refusal(error.name, error.message);
    throw error;
  }
}

const refusal = (name: string, message: string): Response =>
  Response.json({ message }, { status: 403, headers: { 'x-amzn-errortype': name } });

const dateOf = (date: string): Date =>
  new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
