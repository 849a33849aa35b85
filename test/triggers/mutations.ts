/** Requests that were tampered with in every way we could think of, and an own opinion on whether they are signed. */
import * as fc from 'fast-check';
import { createHmac } from 'node:crypto';
import * as z from 'zod';
import {
  SECRET,
  SIGNING_TOKEN,
  bitbucketPayload,
  fromBitbucket,
  fromGithub,
  fromGitlab,
  fromSigningGitlab,
  githubPayload,
  gitlabPayload,
} from './requests.ts';

interface Loose {
  headers: Record<string, unknown>;
  body?: unknown;
  isBase64Encoded: unknown;
  requestContext: unknown;
}
type Mutation = (request: Loose) => void;

const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }));
const ref = fc.oneof(
  text.map((name) => `refs/heads/${name}`),
  text,
  fc.constantFrom(
    'refs/heads/main',
    'refs/tags/v1',
    'refs/heads/../main',
    'refs/heads/',
    'refs/heads/main.lock',
  ),
);
const commit = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: 40, maxLength: 40 }),
  text,
);

/** Payloads of all shapes, properly signed: the provider itself sends what nobody foresaw. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.record({ ref, after: commit }).map((moved) => githubPayload(moved)),
  fc.record({ ref, after: commit }).map((moved) => gitlabPayload(moved)),
  fc.jsonValue({ maxDepth: 2 }).map((repository) => ({ ...githubPayload(), repository })),
  fc.jsonValue({ maxDepth: 2 }).map((push) => ({ ...bitbucketPayload(), push })),
  fc.jsonValue({ maxDepth: 2 }).map((project) => ({ ...gitlabPayload(), project })),
);
const sender = fc.constantFrom(
  (payload?: unknown) => fromGithub(payload),
  (payload?: unknown) => fromBitbucket(payload),
  (payload?: unknown) => fromGitlab(payload),
  (payload?: unknown) => fromSigningGitlab(payload),
);
const signed = fc
  .tuple(sender, fc.option(odd, { nil: undefined }))
  .map(([send, payload]): Loose => structuredClone(send(payload)));

const headerName = fc.constantFrom(
  'x-hub-signature-256',
  'x-hub-signature',
  'x-github-event',
  'x-github-delivery',
  'x-event-key',
  'x-request-uuid',
  'x-gitlab-event',
  'x-gitlab-token',
  'idempotency-key',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
);
const headerValue = fc.oneof(
  text,
  fc.constantFrom(
    '',
    'sha256=',
    `sha256=${'0'.repeat(64)}`,
    'v1,',
    'v1,AAAA v1,BBBB',
    'push',
    'repo:push',
    'Push Hook',
  ),
  fc.constantFrom(SECRET.slice(0, -1), `${SECRET} `, SIGNING_TOKEN, SECRET.toUpperCase(), String(Date.now())),
);

function replaced(value: unknown, at: number, piece: string, length: number): string {
  const whole = String(value);
  const index = at % (whole.length + 1);
  return whole.slice(0, index) + piece + whole.slice(index + length);
}

const removeHeader = headerName.map((name): Mutation => {
  return ({ headers }) => void delete headers[name];
});
const setHeader = fc.tuple(headerName, headerValue).map(([name, value]): Mutation => {
  return ({ headers }) => void (headers[name] = value);
});
const copyHeader = fc.tuple(headerName, headerName).map(([to, from]): Mutation => {
  return ({ headers }) => void (headers[to] = headers[from]);
});
const changeHeader = fc
  .tuple(headerName, fc.nat(80), fc.constantFrom(...Array.from('0fzA=, ')))
  .map(([name, at, character]): Mutation => {
    return ({ headers }) => void (headers[name] = replaced(headers[name], at, character, 1));
  });
const changeBody = fc
  .tuple(fc.nat(), fc.string({ unit: 'binary', maxLength: 2 }), fc.nat(3))
  .map(([at, piece, length]): Mutation => {
    return (request) => void (request.body = replaced(request.body, at, piece, length));
  });
const cutBody = fc.nat().map((at): Mutation => {
  return (request) => void (request.body = replaced(request.body, at, '', Infinity));
});
const setMethod = fc.constantFrom('GET', 'PUT', 'post', '', 'DELETE').map((method): Mutation => {
  return (request) => void (request.requestContext = { http: { method } });
});
const rewrites: readonly Mutation[] = [
  (request) => void (request.isBase64Encoded = true),
  (request) => {
    request.body = Buffer.from(String(request.body)).toString('base64');
    request.isBase64Encoded = true;
  },
  (request) => void delete request.body,
  (request) => void (request.body = ` ${String(request.body)}`),
  (request) => {
    const entries = Object.entries(request.headers).map(([name, value]) => [name.toUpperCase(), value]);
    request.headers = Object.fromEntries(entries);
  },
  ({ headers }) => void (headers['webhook-timestamp'] = String(Math.floor(Date.now() / 1000) - 3600)),
  ({ headers }) => void (headers['x-hub-signature-256'] = 7),
];
const mutation = fc.oneof(
  removeHeader,
  setHeader,
  copyHeader,
  changeHeader,
  changeBody,
  cutBody,
  setMethod,
  fc.constantFrom(...rewrites),
);

/** Some untouched, most with one to three changes, some nothing like a request. */
export const anyRequest: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 1, arbitrary: signed },
  {
    weight: 8,
    arbitrary: fc
      .tuple(signed, fc.array(mutation, { minLength: 1, maxLength: 3 }))
      .map(([request, mutations]) => {
        for (const mutate of mutations) mutate(request);
        return request;
      }),
  },
  { weight: 1, arbitrary: fc.anything() },
);

/**
 * Whether somebody who knows a secret made this request: an opinion of its own, which shares no code with the webhook.
 * It is generous where the webhook may be stricter.
 */
export function somebodyKnewASecret(request: unknown): boolean {
  const parsed = looseSchema.safeParse(request);
  if (!parsed.success) return false;
  const { body, isBase64Encoded } = parsed.data;
  const entries = Object.entries(parsed.data.headers);
  const headers = new Map(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
  const header = (name: string) => headers.get(name) ?? '';
  const bytes = Buffer.from(String(body), isBase64Encoded === true ? 'base64' : 'utf8');
  const mac = createHmac('sha256', SECRET).update(bytes).digest('hex');
  const hubSignatures = [header('x-hub-signature-256'), header('x-hub-signature')];
  if (hubSignatures.some((signature) => signature.toLowerCase() === `sha256=${mac}`)) return true;
  const [id, timestamp] = [header('webhook-id'), header('webhook-timestamp')];
  const key = Buffer.from(SIGNING_TOKEN.slice('whsec_'.length), 'base64');
  const standard = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(bytes).digest('base64');
  const standardSigned = header('webhook-signature').split(' ').includes(`v1,${standard}`);
  const recent = Math.abs(Date.now() / 1000 - Number(timestamp)) < 301;
  return (standardSigned && recent) || header('x-gitlab-token') === SECRET;
}

const looseSchema = z.object({
  headers: z.record(z.string(), z.unknown()),
  body: z.unknown().default(''),
  isBase64Encoded: z.unknown(),
});
