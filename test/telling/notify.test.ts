import { PublishCommand } from '@aws-sdk/client-sns';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { TELL_ENVIRONMENT } from '../../core/contract/environments.ts';
import { handler } from '../../telling/notify.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { unpublishedEvents } from '../fixtures/events.ts';
import { RELEASE } from '../fixtures/releases.ts';
import { IMAGE_ARN, INPUT, changed, describes } from './executions.ts';

const aws = useAws();
const TOPIC = 'arn:aws:sns:eu-west-1:999999999999:packleader-releases';
const REPOINT = 'arn:aws:states:eu-west-1:999999999999:execution:packleader-repoint:r';
const version = { releaseId: RELEASE.releaseId, image: 'web', version: RELEASE.version };
const IMAGES = [
  { stage: 'dev', ...DEV, imageId: 'ami-1' },
  { stage: 'prod', ...PROD, imageId: 'ami-2' },
];

beforeEach(() => {
  process.env[TELL_ENVIRONMENT.topicArn] = TOPIC;
  aws.expects(HUB, ({ command }) => command === 'Publish');
});
afterEach(() => {
  for (const name of Object.values(TELL_ENVIRONMENT)) delete process.env[name];
});

/** An event as its schema says it is. */
function event(detailType: string, detail: object) {
  const whole = { schema: 1, ...detail };
  expect(unpublishedEvents([{ source: 'packleader', detailType, detail: whole }])).toEqual([]);
  return { source: 'packleader', 'detail-type': detailType, detail: whole };
}

const publishedSchema = z.object({ Message: z.string(), Subject: z.string(), TopicArn: z.string() });
const chatSchema = z.strictObject({
  version: z.literal('1.0'),
  source: z.literal('custom'),
  content: z.strictObject({
    textType: z.literal('client-markdown'),
    title: z.string().min(1).max(250),
    description: z.string().min(1).max(8_000),
    keywords: z.array(z.string().max(75)),
  }),
  metadata: z.strictObject({ threadId: z.string().min(1), summary: z.string().min(1).max(250) }),
});

/** What people see of the one message that was published. */
function seen() {
  const [published] = aws.sent.filter(({ command }) => command === 'Publish');
  const { Message, Subject, TopicArn } = publishedSchema.parse(published?.input);
  const texts = z.object({ default: z.string(), email: z.string() }).parse(JSON.parse(Message));
  expect(TopicArn).toBe(TOPIC);
  return { chat: chatSchema.parse(JSON.parse(texts.default)), mail: texts.email, subject: Subject };
}

const released = event('Image Released', { ...RELEASE, executionArn: IMAGE_ARN, images: IMAGES });

describe('people are told', () => {
  it('of a release: one line, the AMIs, the commit, and where to look', async () => {
    expect(await handler(released)).toEqual({ told: `${RELEASE.releaseId} is released` });
    const { chat, mail, subject } = seen();
    expect(subject).toBe(`packleader: ${RELEASE.releaseId} is released`);
    expect(chat.content.title).toBe(`${RELEASE.releaseId} is released`);
    expect(chat.content.description.split('\n')).toEqual([
      'dev 111111111111/eu-west-1 ami-1',
      'prod 222222222222/us-east-1 ami-2',
      `Commit ${RELEASE.commit.slice(0, 8)} of ${RELEASE.repository}`,
      `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${IMAGE_ARN}`,
    ]);
    expect(chat.content.keywords).toEqual(['packleader', 'released', 'web']);
    expect(chat.metadata.threadId).toBe(RELEASE.releaseId);
    expect(mail).toBe(`${RELEASE.releaseId} is released\n\n${chat.content.description}`);
  });

  const request = (stage = 'prod') =>
    event('Approval Requested', {
      ...RELEASE,
      executionArn: IMAGE_ARN,
      stage,
      until: '2026-11-22T10:00:00.000Z',
      fourEyes: true,
      since: { releaseId: 'web@1.3.20261101093000', commit: 'b'.repeat(40) },
      compareUrl: 'https://github.com/example/images/compare/b...c',
      changes: [
        { what: 'packages', count: 12, first: ['curl: 8.1 becomes 8.2'] },
        { what: 'configuration', count: null, first: ['the record holds none'] },
      ],
      tests: [{ stage: 'dev', instances: 2, tests: 8 }],
      approve: `packleader approve ${RELEASE.releaseId} --reason '…'`,
      reject: `packleader reject ${RELEASE.releaseId} --reason '…'`,
    });

  it('of a release that waits for a retry: until when, how to retry it, and what failed', async () => {
    await handler(
      event('Retry Awaited', {
        ...RELEASE,
        executionArn: IMAGE_ARN,
        stage: 'prod',
        until: '2026-11-22T10:00:00.000Z',
        error: 'BakeFailed',
        cause: 'no room',
        retry: `packleader retry ${RELEASE.releaseId}`,
      }),
    );
    const { chat } = seen();
    expect(chat.content.title).toBe(
      `${RELEASE.releaseId} failed in prod, and waits for a retry until 2026-11-22T10:00Z`,
    );
    expect(chat.content.description.split('\n').slice(0, 2)).toEqual([
      `packleader retry ${RELEASE.releaseId}`,
      'BakeFailed: no room',
    ]);
  });

  it('of an approval that is asked for: until when, how to answer, and what would change', async () => {
    await handler(request());
    const { chat } = seen();
    expect(chat.content.title).toBe(
      `${RELEASE.releaseId} waits for the approval of prod, until 2026-11-22T10:00Z`,
    );
    expect(chat.content.description.split('\n').slice(0, 10)).toEqual([
      `packleader approve ${RELEASE.releaseId} --reason '…'`,
      `packleader reject ${RELEASE.releaseId} --reason '…'`,
      'Whoever started it may not approve it.',
      'In prod stands web@1.3.20261101093000.',
      'Tests passed in dev: 8, on instances: 2',
      'Changes in packages: 12',
      'curl: 8.1 becomes 8.2',
      'and 11 more',
      'What changes in configuration cannot be said: the record holds none',
      `Commit ${RELEASE.commit.slice(0, 8)} of ${RELEASE.repository}`,
    ]);
  });

  it('of an approval in one of their stages only', async () => {
    process.env[TELL_ENVIRONMENT.stages] = '["dev"]';
    expect(await handler(request())).toEqual({ told: null });
    expect(await handler(request('dev'))).not.toEqual({ told: null });
  });

  it.each([
    [
      'Release Approved',
      { ...RELEASE, executionArn: IMAGE_ARN, stage: 'prod', by: 'arn:alice', reason: 'tested' },
      `${RELEASE.releaseId} is approved for prod, by arn:alice`,
    ],
    [
      'Image Rolled Back',
      {
        ...RELEASE,
        complete: true,
        error: 'BakeFailed',
        cause: 'BakeFailed: no\nmore',
        leftovers: [],
        leftoverCount: 0,
      },
      `${RELEASE.releaseId} was not released: BakeFailed: no`,
    ],
    [
      'Image Rolled Back',
      {
        ...RELEASE,
        complete: false,
        error: 'RollbackIncomplete',
        cause: 'BakeFailed: no',
        leftovers: [{ ...DEV, resourceId: 'sg-1', why: 'in use' }],
        leftoverCount: 1,
      },
      `The rollback of ${RELEASE.releaseId} left something behind: BakeFailed: no`,
    ],
    [
      'Image Repointed',
      {
        ...version,
        by: 'rollback',
        reason: 'it hangs',
        from: ['1.5', null],
        images: IMAGES,
        executionArn: REPOINT,
      },
      `latest of web is ${RELEASE.version}`,
    ],
    [
      'Image Repointed',
      {
        image: 'web',
        releaseId: null,
        version: null,
        by: 'revoke',
        from: ['1.5'],
        images: IMAGES,
        executionArn: REPOINT,
      },
      'latest of web is gone',
    ],
    [
      'Image Revoked',
      { ...version, by: 'revoke', reason: 'a key', because: 'base@1', disabled: true, executionArn: REPOINT },
      `${RELEASE.releaseId} is revoked, and cannot be launched any more`,
    ],
    [
      'Image Restored',
      { ...version, disabled: false, executionArn: REPOINT },
      `${RELEASE.releaseId} stands again`,
    ],
    [
      'Image Retired',
      { ...version, step: 'deregister', why: 'nothing uses it', amis: [], complete: true, leftovers: [] },
      `${RELEASE.releaseId} is gone: nothing uses it`,
    ],
    [
      'Image Stale',
      {
        ...version,
        commit: RELEASE.commit,
        repository: RELEASE.repository,
        releasedAt: '2026-11-21T10:00:00.000Z',
        days: 30,
        staleAfterDays: 30,
      },
      'web was not released for 30 days',
    ],
  ])('of %s %j', async (detailType, detail, title) => {
    expect(await handler(event(detailType, detail))).toEqual({ told: title });
    expect(seen().chat.content.title).toBe(title);
  });

  it('of a release that begins, and of one that is stopped, which no event of ours tells', async () => {
    describes(aws, IMAGE_ARN, { status: 'SUCCEEDED', input: INPUT });
    expect(await handler(changed(IMAGE_ARN, 'RUNNING'))).toEqual({
      told: `${RELEASE.releaseId} is being released`,
    });
    expect(await handler(changed(IMAGE_ARN, 'ABORTED'))).toEqual({
      told: `The release of ${RELEASE.releaseId} was stopped`,
    });
    expect(await handler(changed(IMAGE_ARN, 'TIMED_OUT'))).toEqual({
      told: `The release of ${RELEASE.releaseId} ran out of time`,
    });
  });

  it('only of the stages that they asked for', async () => {
    process.env[TELL_ENVIRONMENT.stages] = '["prod"]';
    await handler(released);
    expect(seen().chat.content.description).not.toContain('ami-1');
    expect(seen().chat.content.description).toContain('ami-2');
    const prerelease = { ...RELEASE, prerelease: true, images: IMAGES.slice(0, 1) };
    expect(await handler(event('Image Released', prerelease))).toEqual({ told: null });
  });

  it('not of what nobody is told of', async () => {
    expect(await handler({ source: 'packleader', 'detail-type': 'Git Push', detail: {} })).toEqual({
      told: null,
    });
    describes(aws, IMAGE_ARN, { status: 'FAILED', input: INPUT });
    expect(await handler(changed(IMAGE_ARN, 'FAILED'))).toEqual({ told: null });
    expect(aws.commands).not.toContain('Publish');
  });

  it('in a thousand targets no more than anybody reads', async () => {
    const images = Array.from({ length: 1_000 }, (_, index) => ({ ...IMAGES[0], imageId: `ami-${index}` }));
    await handler(event('Image Released', { ...RELEASE, images }));
    expect(seen().chat.content.description).toContain('\nand 980 more\n');
  });

  it('what a build printed as text: nobody is called, nothing is hidden', async () => {
    const cause = '\u001B[31m<!channel> @here [a](https://evil) \u202Etxt';
    const detail = {
      ...RELEASE,
      complete: true,
      error: 'BakeFailed',
      cause,
      leftovers: [],
      leftoverCount: 0,
    };
    await handler(event('Image Rolled Back', detail));
    const { chat, subject } = seen();
    expect(chat.content.title).toContain('‹!channel› @ here [a] (https://evil) \\u202etxt');
    expect(subject).toMatch(/^[ -~]{1,99}$/);
    expect(subject.length).toBeLessThan(100);
  });
});

it('fails when the topic takes nothing from the hub, so that it is repeated and kept', async () => {
  aws.reset();
  const made = await handler(released).catch((error: unknown) => error);
  expect(made).toBeInstanceOf(Error);
  const [{ input } = { input: {} }] = aws.unexpected.splice(0);
  const command = new PublishCommand(Object(input));
  aws.on(HUB, command, awsError('AuthorizationErrorException', 'no'));
  await expect(handler(released)).rejects.toMatchObject({ name: 'AccessDenied' });
  expect(aws.sent.at(-1)).toEqual(call(HUB, command));
});
