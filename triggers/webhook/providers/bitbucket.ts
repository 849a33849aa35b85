import * as z from 'zod';
import { hasHexSignature, sha256 } from '../signatures.ts';
import { type Provider, commitSchema, idIn, readPayload } from './provider.ts';

const refSchema = z.object({ type: z.string(), name: z.string() });
const pushSchema = z.object({
  repository: z.object({ links: z.object({ html: z.object({ href: z.string() }) }) }),
  push: z.object({
    changes: z.array(
      z.object({
        old: refSchema.nullish(),
        new: refSchema.extend({ target: z.object({ hash: commitSchema }) }).nullish(),
      }),
    ),
  }),
});

/**
 * Bitbucket Cloud. The signature covers the body and no header, so a delivery is known by its body; a second attempt has
 * the same one.
 *  @see https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
 *  @see https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
 */
export const bitbucket: Provider = {
  name: 'bitbucket',
  recognises: (headers) => headers.has('x-event-key'),
  isSigned: ({ headers, body }, secret) => hasHexSignature(headers.get('x-hub-signature'), body, secret),
  deliveryId: (headers) => idIn(headers, 'x-request-uuid'),
  fingerprint: ({ body }) => sha256(body).toString('hex'),
  readPush(headers, payload) {
    if (headers.get('x-event-key') !== 'repo:push') return undefined;
    const { repository, push } = readPayload(pushSchema, payload);
    return {
      repositories: [repository.links.html.href],
      changes: push.changes.flatMap(({ old, new: now }) => {
        const { type, name } = now ?? old ?? {};
        const kind = type === 'branch' || type === 'named_branch' ? 'heads' : 'tags';
        return name === undefined ? [] : [{ ref: `refs/${kind}/${name}`, commit: now?.target.hash ?? null }];
      }),
    };
  },
};
