import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Announced } from '../../core/contract/releases.ts';
import { TELL_ENVIRONMENT } from '../../core/contract/environments.ts';
import { handler } from '../../telling/commit-status.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';
import { IMAGE_ARN, INPUT, PUSH_ARN, changed, describes } from './executions.ts';
import { ProviderServer } from './provider-server.ts';

const pauses = vi.hoisted((): number[] => []);
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void pauses.push(ms) }));

const aws = useAws();
const TOKEN = 'token-0123456789';
const URL_OF = (arn: string) =>
  `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${arn}`;

let server: ProviderServer;

async function place(provider: string, repository = 'example/images', path = ''): Promise<void> {
  process.env[TELL_ENVIRONMENT.provider] = provider;
  process.env[TELL_ENVIRONMENT.apiUrl] = `${await server.listen()}${path}`;
  process.env[TELL_ENVIRONMENT.repository] = repository;
  process.env[TELL_ENVIRONMENT.tokenSecret] = 'packleader/status';
}

function holdsToken(SecretString: string): void {
  aws.on(HUB, new GetSecretValueCommand({ SecretId: 'packleader/status' }), { SecretString });
}

const AMIS = { dev: [{ ...DEV, imageId: 'ami-1' }], prod: [{ ...PROD, imageId: 'ami-2' }] };
const RUNNING = { status: 'RUNNING' as const, input: INPUT };
const OUTPUT: Announced = { announced: true, ...RELEASE, amis: AMIS };
const RELEASED = { status: 'SUCCEEDED' as const, input: INPUT, output: OUTPUT };
const FAILED = {
  status: 'FAILED' as const,
  input: INPUT,
  error: 'BakeFailed',
  cause: 'BakeFailed: 111111111111/eu-west-1: exit status 1\nUndone in every account.',
};

beforeEach(() => {
  server = new ProviderServer();
  pauses.length = 0;
});
afterEach(() => {
  server.close();
  for (const name of Object.values(TELL_ENVIRONMENT)) delete process.env[name];
});

describe('a commit', () => {
  it('says at GitHub that its release runs, and in which AMIs it ends', async () => {
    await place('github', 'Example/images', '/api/v3');
    holdsToken(`${TOKEN}\n`);
    describes(aws, IMAGE_ARN, RUNNING, RUNNING, RELEASED);
    expect(await handler(changed(IMAGE_ARN))).toEqual({ told: ['pending'] });
    expect(await handler(changed(IMAGE_ARN, 'SUCCEEDED'))).toEqual({ told: ['success'] });
    const [pending, success] = server.received;
    expect(pending).toMatchObject({
      method: 'POST',
      path: `/api/v3/repos/Example/images/statuses/${RELEASE.commit}`,
      headers: { authorization: `Bearer ${TOKEN}`, 'x-github-api-version': '2022-11-28' },
      body: {
        state: 'pending',
        context: 'packleader/web',
        description: `Releasing ${RELEASE.version}`,
        target_url: URL_OF(IMAGE_ARN),
      },
    });
    expect(success?.body).toMatchObject({
      state: 'success',
      description: `${RELEASE.version}: ami-1 (111111111111/eu-west-1), ami-2 (222222222222/us-east-1)`,
    });
  });

  it('says at GitLab in one line why it was not released', async () => {
    await place('gitlab', 'group/sub/images', '/api/v4');
    holdsToken(TOKEN);
    describes(aws, IMAGE_ARN, FAILED);
    expect(await handler(changed(IMAGE_ARN, 'FAILED'))).toEqual({ told: ['failure'] });
    expect(server.received).toMatchObject([
      {
        path: `/api/v4/projects/group%2Fsub%2Fimages/statuses/${RELEASE.commit}`,
        headers: { 'private-token': TOKEN },
        body: {
          state: 'failed',
          name: 'packleader/web',
          description: 'BakeFailed: 111111111111/eu-west-1: exit status 1',
          target_url: URL_OF(IMAGE_ARN),
        },
      },
    ]);
  });

  it('says at Bitbucket the same, under a key that is not too long', async () => {
    await place('bitbucket', 'workspace/images', '/2.0');
    holdsToken('somebody@example.com:secret-token');
    const image = 'an-image-whose-name-is-as-long-as-can-be';
    describes(aws, IMAGE_ARN, { ...FAILED, input: { ...INPUT, release: { ...RELEASE, image } } });
    await handler(changed(IMAGE_ARN, 'FAILED'));
    const [{ path, headers, body } = { path: '', headers: {}, body: {} }] = server.received;
    expect(path).toBe(`/2.0/repositories/workspace/images/commit/${RELEASE.commit}/statuses/build`);
    expect(headers['authorization']).toBe(
      `Basic ${Buffer.from('somebody@example.com:secret-token').toString('base64')}`,
    );
    expect(body).toMatchObject({ state: 'FAILED', name: `packleader/${image}` });
    expect(String(Reflect.get(Object(body), 'key'))).toMatch(/^packleader\/an-image-[\w-]{20}$/);
  });

  it.each([
    ['was stopped', { status: 'ABORTED' as const, input: INPUT }, 'failure', 'Stopped'],
    ['ran out of time', { status: 'TIMED_OUT' as const, input: INPUT }, 'failure', 'Ran out of time'],
    [
      'stands without its event',
      { ...FAILED, error: 'AnnouncementFailed', cause: 'no' },
      'success',
      `${RELEASE.version}: released; its event was not taken`,
    ],
    [
      'goes on as a retry',
      { ...FAILED, error: 'HandedOver', cause: 'BakeFailed: no room' },
      'pending',
      `Retrying ${RELEASE.version}`,
    ],
  ])('says of a release that %s', async (_, described, state, description) => {
    await place('github');
    holdsToken(TOKEN);
    describes(aws, IMAGE_ARN, described);
    await handler(changed(IMAGE_ARN));
    expect(server.received[0]?.body).toMatchObject({ state, description });
  });

  it('is told of a push as a whole: also of one that releases nothing, and of one that cannot be planned', async () => {
    await place('github');
    holdsToken(TOKEN);
    const input = { ref: RELEASE.commit, branch: 'main', reason: 'a push' };
    describes(
      aws,
      PUSH_ARN,
      { status: 'SUCCEEDED', input, output: { complete: true, released: ['web@1', 'base@1'], cause: '' } },
      { status: 'SUCCEEDED', input, output: { anything: 'else' } },
      { status: 'FAILED', input, error: 'InvalidConfiguration', cause: 'config/dev.yaml:3 is wrong\nmore' },
    );
    for (let time = 0; time < 3; time += 1) await handler(changed(PUSH_ARN));
    expect(server.received.map(({ body }) => Object(body))).toMatchObject([
      { context: 'packleader', state: 'success', description: 'Released web@1, base@1' },
      { context: 'packleader', state: 'success', description: 'Nothing to release' },
      { context: 'packleader', state: 'failure', description: 'config/dev.yaml:3 is wrong' },
    ]);
  });

  it('is told nothing of a release that names no commit, and of one that is forgotten', async () => {
    await place('github');
    describes(aws, PUSH_ARN, { status: 'RUNNING', input: { ref: 'main' } });
    expect(await handler(changed(PUSH_ARN))).toEqual({ told: [] });
    aws.on(HUB, new DescribeExecutionCommand({ executionArn: IMAGE_ARN }), awsError('ExecutionDoesNotExist'));
    expect(await handler(changed(IMAGE_ARN))).toEqual({ told: [] });
    expect(server.received).toEqual([]);
  });

  it('never says that a release runs which has ended, however late its beginning comes', async () => {
    await place('github');
    holdsToken(TOKEN);
    describes(aws, IMAGE_ARN, RELEASED);
    expect(await handler(changed(IMAGE_ARN, 'RUNNING'))).toEqual({ told: ['success'] });
  });

  it('says how it ended also when that happens while its beginning is told', async () => {
    await place('github');
    holdsToken(TOKEN);
    describes(aws, IMAGE_ARN, RUNNING, FAILED);
    expect(await handler(changed(IMAGE_ARN))).toEqual({ told: ['pending', 'failure'] });
    expect(server.received.map(({ body }) => Reflect.get(Object(body), 'state'))).toEqual([
      'pending',
      'failure',
    ]);
  });

  it('is told plain text on one line, as long as the provider takes it', async () => {
    await place('github');
    holdsToken(TOKEN);
    const cause = `\u001B[31mred\u001B[0m and\ttabbed ${'x'.repeat(300)}`;
    describes(aws, IMAGE_ARN, { ...FAILED, cause });
    await handler(changed(IMAGE_ARN));
    const description = String(Reflect.get(Object(server.received[0]?.body), 'description'));
    expect(description).toHaveLength(140);
    expect(description).toMatch(/^red and tabbed x+…$/);
  });
});

describe('a provider', () => {
  beforeEach(() => holdsToken(TOKEN));

  it('that is busy, or asks for a pause, is asked again', async () => {
    await place('github');
    describes(aws, IMAGE_ARN, FAILED);
    server.answers = [
      { status: 502 },
      { status: 429, headers: { 'retry-after': '7' } },
      {
        status: 403,
        headers: { 'x-ratelimit-remaining': '0' },
        body: { message: 'API rate limit exceeded' },
      },
      { status: 201 },
    ];
    await handler(changed(IMAGE_ARN));
    expect(server.received).toHaveLength(4);
    expect(pauses).toEqual([1_000, 7_000, 15_000]);
  });

  it.each([
    [503, {}, 'ConnectionLost'],
    [429, { 'retry-after': '3600' }, 'Throttled'],
  ])('fails when it answers %i for good, so that Lambda repeats it later', async (status, headers, name) => {
    await place('github');
    describes(aws, IMAGE_ARN, FAILED);
    server.answers = [{ status, headers, body: { message: 'later' } }];
    await expect(handler(changed(IMAGE_ARN))).rejects.toMatchObject({ name });
    expect(server.received).toHaveLength(4);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(20_000);
  });

  it.each([
    [
      401,
      'github',
      { message: 'Bad credentials' },
      '401, the token is not valid, or has expired. A token needs write access to commit statuses of the repository',
    ],
    [
      403,
      'gitlab',
      { message: '403 Forbidden' },
      '403, the token may not do that. A token needs the scope api',
    ],
    [
      404,
      'bitbucket',
      { type: 'error' },
      '404, there is no such repository or commit, or the token may not see it. A token needs write access',
    ],
    [
      422,
      'github',
      { message: 'No commit found for SHA' },
      '422, it did not take what it was sent. It said: {"message":"No commit found for SHA"}',
    ],
    [302, 'gitlab', {}, '302, it leads elsewhere: is the API at that URL?'],
  ])(
    'fails at once, in one sentence without the token, when it answers %i',
    async (status, provider, body, sentence) => {
      await place(provider);
      describes(aws, IMAGE_ARN, FAILED);
      server.answers = [{ status, body, headers: { location: 'http://127.0.0.1:1/' } }];
      const error = await handler(changed(IMAGE_ARN)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'StatusRefused', message: expect.stringContaining(sentence) });
      expect(String(error)).not.toContain(TOKEN);
      expect(server.received).toHaveLength(1);
    },
  );

  it('that has the status already has taken it: GitLab refuses a step to where it stands', async () => {
    await place('gitlab');
    describes(aws, IMAGE_ARN, RUNNING);
    server.answers = [
      { status: 400, body: { message: 'Cannot transition status via :enqueue from :pending' } },
    ];
    expect(await handler(changed(IMAGE_ARN))).toEqual({ told: ['pending'] });
  });

  it('that is not there fails with ConnectionLost', async () => {
    await place('github');
    server.close();
    describes(aws, IMAGE_ARN, FAILED);
    await expect(handler(changed(IMAGE_ARN))).rejects.toMatchObject({ name: 'ConnectionLost' });
  });
});

describe('the token', () => {
  it.each(['', 'short', 'two words in it', 'one-token-value\nand: another'])(
    'fails in one sentence when the secret is %j',
    async (secret) => {
      await place('github');
      holdsToken(secret);
      describes(aws, IMAGE_ARN, FAILED);
      await expect(handler(changed(IMAGE_ARN))).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message:
          'The secret packleader/status must be one token and nothing else: printable characters without spaces, at least 8 of them.',
      });
      expect(server.received).toEqual([]);
    },
  );

  it('fails with AccessDenied when the secret may not be read', async () => {
    await place('github');
    aws.on(
      HUB,
      new GetSecretValueCommand({ SecretId: 'packleader/status' }),
      awsError('AccessDeniedException'),
    );
    describes(aws, IMAGE_ARN, FAILED);
    await expect(handler(changed(IMAGE_ARN))).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
