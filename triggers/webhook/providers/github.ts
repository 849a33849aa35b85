import * as z from 'zod';
import { hasHexSignature, sha256 } from '../signatures.ts';
import { type Provider, commitSchema, idIn, readPayload } from './provider.ts';

const pushSchema = z.object({
  ref: z.string(),
  after: commitSchema,
  repository: z.object({ clone_url: z.string(), ssh_url: z.string().optional() }),
});

/**
 * GitHub, and GitHub Enterprise Server. The signature covers the body and no header, so a delivery is known by its body: with
 * another `X-GitHub-Delivery` it is the same one. Two pushes never have the same body, because it holds their times.
 *  @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 *  @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
export const github: Provider = {
  name: 'github',
  recognises: (headers) => headers.has('x-github-event'),
  isSigned: ({ headers, body }, secret) => hasHexSignature(headers.get('x-hub-signature-256'), body, secret),
  deliveryId: (headers) => idIn(headers, 'x-github-delivery'),
  fingerprint: ({ body }) => sha256(body).toString('hex'),
  readPush(headers, payload) {
    if (headers.get('x-github-event') !== 'push') return undefined;
    const { ref, after, repository } = readPayload(pushSchema, payload);
    return {
      repositories: [repository.clone_url, repository.ssh_url ?? ''],
      changes: [{ ref, commit: after }],
    };
  },
};
