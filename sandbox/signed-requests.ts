/** STS as it takes a request that somebody else has signed: whose it is follows from the signature, and from nothing else. */
import { STSClient } from '@aws-sdk/client-sts';
import type { Sandbox } from './sandbox.ts';
import { assumedRoleArn } from './aws/context.ts';

/** How long STS takes a signature.
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const GOOD_FOR_MS = 5 * 60_000;

/** Sends requests to STS here, and all others where they went. Returns the function that puts that back. */
export function bindSignedRequests(sandbox: Sandbox): () => void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!/^sts\.[a-z0-9-]+\.amazonaws\.com$/.test(url.hostname)) return fetch(input, init);
    sandbox.clock.activity();
    const headers = new Headers(init?.headers);
    return sandbox.clock.hold(async () =>
      answer(sandbox, url, headers, typeof init?.body === 'string' ? init.body : ''),
    );
  };
  return () => {
    globalThis.fetch = fetch;
  };
}

async function answer(sandbox: Sandbox, url: URL, sent: Headers, body: string): Promise<Response> {
  const authorization = sent.get('authorization') ?? '';
  const [, accessKeyId = '', region = ''] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/sts\//.exec(authorization) ?? [];
  const [, names = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
  const date = dateOf(sent.get('x-amz-date') ?? '');
  try {
    const caller = sandbox.caller(accessKeyId, region);
    const credentials = sandbox.issue(caller.accountId, caller.role, caller.session);
    const signer = await new STSClient({ region, credentials }).config.signer();
    const added = ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];
    const headers = Object.fromEntries(
      names
        .split(';')
        .filter((name) => !added.includes(name))
        .map((name) => [name, sent.get(name) ?? (name === 'host' ? url.hostname : '')]),
    );
    const request = {
      method: 'POST',
      protocol: 'https:',
      hostname: url.hostname,
      path: '/',
      query: {},
      headers,
      body,
    };
    const signed = await signer.sign(request, { signingDate: date });
    const late = Math.abs(sandbox.clock.milliseconds() - date.getTime()) > GOOD_FOR_MS;
    if (late || signed.headers['authorization'] !== authorization) return refusal();
    return Response.json({
      GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn: assumedRoleArn(caller) } },
    });
  } catch {
    return refusal();
  }
}

const refusal = (): Response => new Response('SignatureDoesNotMatch', { status: 403 });

const dateOf = (date: string): Date =>
  new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
