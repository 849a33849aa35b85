/** Requests as GitHub, GitLab and Bitbucket send them, and as a function URL hands them over. */
import { createHmac } from 'node:crypto';
import { COMMIT, REPOSITORY } from '../fixtures/releases.ts';

export const SECRET = 'correct horse battery staple';
export const OLD_SECRET = 'Tr0ub4dor&3 is what it was';
export const SIGNING_TOKEN = `whsec_${Buffer.from('thirty-two bytes of randomness..').toString('base64')}`;
const BEFORE = 'b'.repeat(40);
export const ZEROS = '0'.repeat(40);

/** What a function URL hands over, as far as the webhook looks at it. */
export interface UrlEvent {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
  readonly requestContext: { readonly http: { readonly method: string } };
}

export const post = (headers: Record<string, string>, body: string): UrlEvent => ({
  headers: { 'content-type': 'application/json', 'user-agent': 'test', ...headers },
  body,
  isBase64Encoded: false,
  requestContext: { http: { method: 'POST' } },
});

export const hex = (body: string | Buffer, secret: string) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

// ---------------------------------------------------------------------------------------------- payloads

/** `moved` is what the push did: `{ ref, after }` in GitHub's and GitLab's words. */
export interface Moved {
  readonly ref?: string;
  readonly after?: string;
  readonly forced?: boolean;
  readonly commits?: readonly unknown[];
}

export const githubPayload = (
  { ref = 'refs/heads/main', after = COMMIT, forced = false, commits = [] }: Moved = {},
  repository = 'example/images',
) => ({
  ref,
  before: BEFORE,
  after,
  created: false,
  deleted: after === ZEROS,
  forced,
  commits,
  head_commit: after === ZEROS ? null : { id: after },
  repository: {
    id: 1,
    full_name: repository,
    clone_url: `https://github.com/${repository}.git`,
    ssh_url: `git@github.com:${repository}.git`,
    html_url: `https://github.com/${repository}`,
  },
  pusher: { name: 'somebody' },
});

export const gitlabPayload = ({ ref = 'refs/heads/main', after = COMMIT, commits = [] }: Moved = {}) => ({
  object_kind: ref.startsWith('refs/tags/') ? 'tag_push' : 'push',
  event_name: 'push',
  before: BEFORE,
  after,
  ref,
  checkout_sha: after === ZEROS ? null : after,
  project: {
    path_with_namespace: 'example/images',
    git_http_url: 'https://github.com/example/images.git',
    git_ssh_url: 'git@github.com:example/images.git',
  },
  commits,
  total_commits_count: commits.length,
});

export const bitbucketChange = (name: string, hash: string | null, type = 'branch') => ({
  old: { type, name, target: { hash: BEFORE } },
  new: hash === null ? null : { type, name, target: { hash } },
  created: false,
  closed: hash === null,
  forced: false,
  commits: [],
  truncated: true,
});
export const bitbucketPayload = (...changes: readonly ReturnType<typeof bitbucketChange>[]) => ({
  actor: { display_name: 'Somebody' },
  repository: {
    full_name: 'example/images',
    links: { html: { href: REPOSITORY } },
  },
  push: { changes: changes.length > 0 ? changes : [bitbucketChange('main', COMMIT)] },
});

// ---------------------------------------------------------------------------------------------- requests

export function fromGithub(payload: unknown = githubPayload(), secret = SECRET, event = 'push'): UrlEvent {
  const body = JSON.stringify(payload);
  return post(
    {
      'x-github-event': event,
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature': 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6',
      'x-hub-signature-256': hex(body, secret),
    },
    body,
  );
}

export function fromBitbucket(payload: unknown = bitbucketPayload(), secret = SECRET): UrlEvent {
  const body = JSON.stringify(payload);
  return post(
    {
      'x-event-key': 'repo:push',
      'x-hook-uuid': '{63cbbc1c-9b2a-4d1c-9a25-3e6c3f3d2c7b}',
      'x-request-uuid': '9a2b1c3d-0000-4000-8000-1234567890ab',
      'x-attempt-number': '1',
      'x-hub-signature': hex(body, secret),
    },
    body,
  );
}

export const fromGitlab = (
  payload: unknown = gitlabPayload(),
  token = SECRET,
  id = 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f',
): UrlEvent =>
  post(
    {
      'x-gitlab-event': 'Push Hook',
      'x-gitlab-token': token,
      'x-gitlab-event-uuid': '13792a34-cac6-4fda-95a8-c58e00a3954e',
      'idempotency-key': id,
    },
    JSON.stringify(payload),
  );

export function standardSignature(signingToken: string, id: string, timestamp: string, body: string) {
  const key = Buffer.from(signingToken.replace('whsec_', ''), 'base64');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `v1,${digest}`;
}

export function fromSigningGitlab(
  payload: unknown = gitlabPayload(),
  { token = SIGNING_TOKEN, id = 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f', at = Date.now() } = {},
): UrlEvent {
  const body = JSON.stringify(payload);
  const timestamp = String(Math.floor(at / 1000));
  return post(
    {
      'x-gitlab-event': 'Push Hook',
      'idempotency-key': id,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': standardSignature(token, id, timestamp, body),
    },
    body,
  );
}
