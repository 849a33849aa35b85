import { timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { Request } from '../http.ts';
import { hmac, isSame } from '../signatures.ts';
import { type Provider, commitSchema, idIn, readPayload } from './provider.ts';

const eventSchema = z.object({ object_kind: z.string() });
const pushSchema = z.object({
  ref: z.string(),
  after: commitSchema,
  project: z.object({ git_http_url: z.string(), git_ssh_url: z.string().optional() }),
});

/** What a signing token begins with; GitLab never sends one, so it is never taken for a secret token. */
const SIGNING_TOKEN = 'whsec_';

/** How far the time of a signature may be from ours. */
const TOLERANCE_MS = 5 * 60_000;

/**
 * GitLab. A webhook with a signing token signs the body, its id and its time; one with a secret token sends that token, and
 * signs nothing. A request that has a signature is judged by it alone.
 *  @see https://docs.gitlab.com/user/project/integrations/webhooks/
 *  @see https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
 *  @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const gitlab: Provider = {
  name: 'gitlab',
  recognises: (headers) => headers.has('x-gitlab-event'),
  isSigned(request, secret) {
    if (request.headers.has('webhook-signature')) return isStandardSigned(request, secret);
    const token = request.headers.get('x-gitlab-token');
    return token !== undefined && !secret.startsWith(SIGNING_TOKEN) && isSame(token, secret);
  },
  deliveryId: (headers) => idIn(headers, 'webhook-id', 'idempotency-key', 'x-gitlab-event-uuid'),
  // A signature covers the id; whoever has a secret token could as well write another body.
  fingerprint: ({ headers }) => gitlab.deliveryId(headers),
  readPush(_, payload) {
    if (eventSchema.safeParse(payload).data?.object_kind !== 'push') return undefined;
    const { ref, after, project } = readPayload(pushSchema, payload);
    return {
      repositories: [project.git_http_url, project.git_ssh_url ?? ''],
      changes: [{ ref, commit: after }],
    };
  },
};

function isStandardSigned({ headers, body }: Request, secret: string): boolean {
  const id = headers.get('webhook-id') ?? '';
  const timestamp = headers.get('webhook-timestamp') ?? '';
  if (!secret.startsWith(SIGNING_TOKEN) || id === '' || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Date.now() - Number(timestamp) * 1000) > TOLERANCE_MS) return false;
  const key = Buffer.from(secret.slice(SIGNING_TOKEN.length), 'base64');
  const expected = hmac(key, `${id}.${timestamp}.`, body);
  const signatures = (headers.get('webhook-signature') ?? '').split(' ').slice(0, 10);
  return signatures.some((signature) => {
    const given = Buffer.from(/^v1,([A-Za-z0-9+/]{43}=)$/.exec(signature)?.[1] ?? '', 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
