import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handler } from '../../triggers/git-push.ts';
import { anyRequest, somebodyKnewASecret } from './mutations.ts';
import { COMMIT } from '../fixtures/releases.ts';
import {
  OLD_SECRET,
  SECRET,
  type UrlEvent,
  ZEROS,
  bitbucketChange,
  bitbucketPayload,
  fromBitbucket,
  fromGithub,
  fromGitlab,
  fromSigningGitlab,
  githubPayload,
  gitlabPayload,
  hex,
  post,
} from './requests.ts';
import { useWebhook } from './received.ts';

const webhook = useWebhook();
const { ask, inMinutes, rejected } = webhook;

describe.each<[string, (payload?: unknown) => UrlEvent, string]>([
  ['github', (payload) => fromGithub(payload), '72d3162e-cc78-11e3-81ab-4c9367dc0958'],
  ['bitbucket', (payload) => fromBitbucket(payload), '9a2b1c3d-0000-4000-8000-1234567890ab'],
  ['gitlab', (payload) => fromGitlab(payload), 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f'],
  ['gitlab', (payload) => fromSigningGitlab(payload), 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f'],
])('a push from %s', (provider, send, id) => {
  it('becomes one normalised event', async () => {
    expect(await ask(send())).toEqual({ status: 202, outcome: 'accepted', branches: ['main'] });
    expect(webhook.world.pushes).toEqual([
      {
        provider,
        repository: 'github.com/example/images',
        branch: 'main',
        commit: COMMIT,
        delivery: { id, fingerprint: expect.stringMatching(/^[\w-]{36,64}$/) },
      },
    ]);
    expect(rejected()).toEqual([]);
  });

  it('is dealt with once, however often it is delivered', async () => {
    const request = send();
    await ask(request);
    for (const minutes of [0, 1, 3]) {
      inMinutes(minutes);
      expect((await ask(request)).outcome).toBe('ignored');
    }
    inMinutes(80 * 24 * 60);
    expect((await ask(request)).outcome).not.toBe('accepted');
    expect(webhook.world.pushes).toHaveLength(1);
  });

  it('that arrives twice at the same time is dealt with once', async () => {
    const outcomes = await Promise.all([ask(send()), ask(send()), ask(send())]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['accepted', 'ignored', 'ignored']);
    expect(webhook.world.pushes).toHaveLength(1);
  });

  it('is taken again when it could not be put on the bus: the sender was told so', async () => {
    webhook.world.busWorks = false;
    await expect(handler(send())).rejects.toMatchObject({ name: 'ConnectionLost' });
    webhook.world.busWorks = true;
    expect((await ask(send())).outcome).toBe('ignored');
    inMinutes(2);
    expect((await ask(send())).outcome).toBe('accepted');
    expect(webhook.world.pushes).toHaveLength(1);
  });

  it('in base64, as a function URL may hand it over, is the same', async () => {
    const request = send();
    const body = Buffer.from(request.body).toString('base64');
    expect((await ask({ ...request, body, isBase64Encoded: true })).outcome).toBe('accepted');
  });

  it('fails when one byte of it is different', async () => {
    const request = send();
    if (request.headers['x-gitlab-token'] !== undefined) return; // A token vouches for no body.
    expect((await ask({ ...request, body: request.body.replace('main', 'mein') })).status).toBe(401);
    expect(webhook.world.pushes).toEqual([]);
  });

  it('fails with another secret, and is counted', async () => {
    webhook.world.secretString = OLD_SECRET;
    expect(await ask(send())).toEqual({
      status: 401,
      outcome: 'refused',
      why: 'The request has no valid signature of GitHub, GitLab or Bitbucket.',
    });
    expect(rejected()).toMatchObject([
      { Status: '401', _aws: { CloudWatchMetrics: [{ Namespace: 'packleader', Dimensions: [[]] }] } },
    ]);
  });

  it.each([null, 7, 'text', [], {}])(
    'fails on the payload %j, and names what is missing',
    async (payload) => {
      const { status, outcome } = await ask(send(payload));
      expect([200, 400]).toContain(status);
      expect(outcome).toMatch(/refused|ignored/);
      expect(webhook.world.pushes).toEqual([]);
    },
  );
});

describe('a push', () => {
  const tried: readonly [string, unknown, string][] = [
    ['a tag', githubPayload({ ref: 'refs/tags/v1.4' }), 'Only branches start a release.'],
    [
      'a deleted branch',
      githubPayload({ ref: 'refs/heads/x', after: ZEROS }),
      'A deleted branch starts no release.',
    ],
    ['the deleted default branch', githubPayload({ after: ZEROS }), 'A deleted branch starts no release.'],
    [
      'another branch',
      githubPayload({ ref: 'refs/heads/feature/x' }),
      'Only pushes to main start a release.',
    ],
    ['a note', githubPayload({ ref: 'refs/notes/commits' }), 'Only branches start a release.'],
  ];
  it.each(tried)('of %s is ignored', async (_, payload, why) => {
    expect(await ask(fromGithub(payload))).toEqual({ status: 200, outcome: 'ignored', why });
    expect([webhook.world.pushes, webhook.world.deliveries.size, rejected()]).toEqual([[], 0, []]);
  });

  it.each(['ümläut-木', '$(id)', '`id`', "quote'", '{"a"}', 'a|b;c&d', '<script>', 'release/1.4', 'e\u0301'])(
    'to a branch called %s is a push like any other',
    async (branch) => {
      process.env['PACKLEADER_PUSH_BRANCHES'] = '["*"]';
      await ask(fromGithub(githubPayload({ ref: `refs/heads/${branch}` })));
      expect(webhook.world.pushes.map((push) => push.branch)).toEqual([branch]);
    },
  );

  it.each([
    '',
    ' ',
    'a b',
    'a..b',
    '-x',
    '/x',
    'x/',
    'x.lock',
    '.x',
    'a/.b',
    'a~1',
    'a^',
    'a:b',
    'a\\b',
    'a\u0000b',
    '@{-1}',
    'x'.repeat(256),
  ])('fails to a branch called %j, which git allows nobody', async (branch) => {
    process.env['PACKLEADER_PUSH_BRANCHES'] = '["*"]';
    expect((await ask(fromGithub(githubPayload({ ref: `refs/heads/${branch}` })))).status).toBe(400);
  });

  it('to a branch that the factory names starts a release, also by a pattern', async () => {
    process.env['PACKLEADER_PUSH_BRANCHES'] = '["main", "release/*"]';
    await ask(fromGithub(githubPayload({ ref: 'refs/heads/release/1.4' })));
    expect((await ask(fromGithub(githubPayload({ ref: 'refs/heads/prerelease/1' })))).outcome).toBe(
      'ignored',
    );
    expect((await ask(fromGithub(githubPayload({ ref: 'refs/heads/mainly' })))).outcome).toBe('ignored');
    expect(webhook.world.pushes.map(({ branch }) => branch)).toEqual(['release/1.4']);
  });

  it('by force is the commit that the branch has now', async () => {
    await ask(fromGithub(githubPayload({ forced: true, after: 'c'.repeat(40) })));
    expect(webhook.world.pushes.map(({ commit }) => commit)).toEqual(['c'.repeat(40)]);
  });

  it('of 2,048 commits with thousands of files is one small event', async () => {
    const files = Array.from({ length: 3 }, (_, index) => `packer/images/linux-base/files/${index}`);
    const commits = Array.from({ length: 2048 }, (_, id) => ({
      id,
      added: files,
      removed: [],
      modified: files,
    }));
    expect((await ask(fromGithub(githubPayload({ commits })))).outcome).toBe('accepted');
    expect(JSON.stringify(webhook.world.pushes).length).toBeLessThan(400);
  });

  it('of several branches of Bitbucket starts those that the factory names', async () => {
    process.env['PACKLEADER_PUSH_BRANCHES'] = '["main", "next"]';
    const changes = [
      bitbucketChange('topic', COMMIT),
      bitbucketChange('main', COMMIT),
      bitbucketChange('gone', null),
      bitbucketChange('next', 'c'.repeat(40)),
      bitbucketChange('main', COMMIT, 'tag'),
    ];
    expect(await ask(fromBitbucket(bitbucketPayload(...changes)))).toMatchObject({
      branches: ['main', 'next'],
    });
    expect(webhook.world.pushes.map(({ branch, commit }) => `${branch} ${commit.slice(0, 4)}`)).toEqual([
      'main 4f2c',
      'next cccc',
    ]);
  });

  it.each([
    [fromBitbucket(bitbucketPayload(bitbucketChange('main', null))), 'A deleted branch starts no release.'],
    [fromBitbucket({ ...bitbucketPayload(), push: { changes: [] } }), 'No branch was changed.'],
    [fromGitlab(gitlabPayload({ after: ZEROS })), 'A deleted branch starts no release.'],
    [fromGitlab(gitlabPayload({ ref: 'refs/tags/v1' })), 'It is no push.'],
  ])('of any provider that changes no branch is ignored', async (request, why) => {
    expect(await ask(request)).toEqual({ status: 200, outcome: 'ignored', why });
  });

  it.each(['ping', 'workflow_run', 'installation', ''])(
    'is not what GitHub calls %j: that is ignored',
    async (event) => {
      expect(await ask(fromGithub({ zen: 'Keep it logically awesome.' }, SECRET, event))).toEqual({
        status: 200,
        outcome: 'ignored',
        why: 'It is no push.',
      });
    },
  );

  it.each(['example/images-2', 'example/other', 'evil/images'])(
    'fails to the repository %s',
    async (repository) => {
      expect(await ask(fromGithub(githubPayload({}, repository)))).toEqual({
        status: 403,
        outcome: 'refused',
        why: 'The push is to another repository than the one in factory.yaml.',
      });
      expect(rejected()).toHaveLength(1);
    },
  );

  it.each([
    'git@github.com:Example/Images.git',
    'ssh://git@github.com/example/images',
    'https://github.com/example/images.git/',
    'https://GitHub.com/example/images',
  ])('is to our repository however factory.yaml writes it: %s', async (repository) => {
    process.env['PACKLEADER_REPOSITORY'] = repository;
    expect((await ask(fromGithub())).outcome).toBe('accepted');
  });

  it.each([
    [{ ref: undefined }, 'ref'],
    [{ after: undefined }, 'after'],
    [{ after: 'main' }, 'after'],
    [{ repository: null }, 'repository'],
    [{ repository: {} }, 'repository.clone_url'],
  ])('fails with %j, and names the field', async (change, field) => {
    const { status, why } = await ask(fromGithub({ ...githubPayload(), ...change }));
    expect([status, why]).toEqual([
      400,
      expect.stringContaining(`The push cannot be understood: ${field}: `),
    ]);
  });
});

describe('a request', () => {
  it.each([
    ['no function URL’s', {}, 400],
    ['null', null, 400],
    ['a GET', { ...fromGithub(), requestContext: { http: { method: 'GET' } } }, 405],
    ['of nobody', post({}, '{}'), 401],
    ['too large', post(fromGithub().headers, 'x'.repeat(5 * 1024 * 1024 + 1)), 413],
    ['no JSON', fromForm(), 400],
  ])('fails as %s', async (_, request, status) => {
    expect((await ask(request)).status).toBe(status);
    expect(rejected()).toHaveLength(1);
  });

  function fromForm(): UrlEvent {
    const body = `payload=${encodeURIComponent(JSON.stringify(githubPayload()))}`;
    const headers = { ...fromGithub().headers, 'x-hub-signature-256': hex(body, SECRET) };
    return post({ ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body);
  }

  it('in a form is told which content type to set', async () => {
    expect((await ask(fromForm())).why).toBe(
      "The body is no JSON: set the webhook's content type to application/json, not application/x-www-form-urlencoded.",
    );
  });

  it('may have headers in any case', async () => {
    const { headers, ...rest } = fromGithub();
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect((await ask({ ...rest, headers: upper })).outcome).toBe('accepted');
  });
});

describe('of 1,000 random and mutated requests', () => {
  it('none is accepted without a valid signature, none crashes it, none is answered with 5xx', async () => {
    process.env['PACKLEADER_PUSH_BRANCHES'] = '["*"]';
    let [answered, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(anyRequest, async (request) => {
        const before = webhook.world.pushes.length;
        webhook.world.deliveries.clear();
        const { statusCode } = await handler(request);
        expect(statusCode).toBeLessThan(500);
        if (statusCode < 300) answered += 1;
        else refused += 1;
        if (statusCode < 300 || webhook.world.pushes.length > before)
          expect(somebodyKnewASecret(request)).toBe(true);
      }),
      { numRuns: 1_000, seed: 20261121 },
    );
    // Otherwise this would show nothing.
    expect(answered).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(200);
    expect(webhook.world.pushes.length).toBeGreaterThan(20);
  });
});
