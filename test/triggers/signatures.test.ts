import { describe, expect, it } from 'vitest';
import { SECRET, SIGNING_TOKEN, fromGithub, fromSigningGitlab, hex, post } from './requests.ts';
import { useWebhook } from './received.ts';

const webhook = useWebhook();
const { ask, inMinutes, at } = webhook;

describe('the signature', () => {
  it('is the one of GitHub’s documentation for its example', async () => {
    webhook.world.secretString = "It's a Secret to Everybody";
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const headers = { 'x-github-event': 'ping', 'x-github-delivery': '1', 'x-hub-signature-256': signature };
    // The example is no JSON: that it is said so shows that its signature was good.
    expect(await ask(post(headers, 'Hello, World!'))).toMatchObject({ status: 400, why: /no JSON/ });
    expect((await ask(post(headers, 'Hello, World?'))).status).toBe(401);
  });

  it('is the one of Atlassian’s documentation for its example', async () => {
    webhook.world.secretString = "It's a Secret to Everybody";
    const signature = 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9';
    const headers = { 'x-event-key': 'repo:push', 'x-request-uuid': '1', 'x-hub-signature': signature };
    expect(await ask(post(headers, 'Hello World!'))).toMatchObject({ status: 400, why: /no JSON/ });
    expect((await ask(post(headers, 'Hello World?'))).status).toBe(401);
  });

  it('is the one of the Standard Webhooks specification, which GitLab follows, for its example', async () => {
    webhook.world.secretString = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const headers = {
      'x-gitlab-event': 'Push Hook',
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,bm9uZQ== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const request = post(headers, '{"test": 2432232314}');
    expect((await ask(request)).status).toBe(401);
    at(1_614_265_330_000 + 299_000);
    expect(await ask(request)).toMatchObject({ status: 200, why: 'It is no push.' });
    inMinutes(1);
    expect((await ask(request)).status).toBe(401);
  });

  it('of GitLab is not replaced by a token: whoever drops it may not know more', async () => {
    const signed = fromSigningGitlab();
    const { 'webhook-signature': _, ...headers } = signed.headers;
    expect((await ask({ ...signed, headers: { ...headers, 'x-gitlab-token': SIGNING_TOKEN } })).status).toBe(
      401,
    );
    const both = { ...signed.headers, 'webhook-signature': 'v1,AAAA', 'x-gitlab-token': SECRET };
    expect((await ask({ ...signed, headers: both })).status).toBe(401);
  });

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['SHA-1', `sha1=${'0'.repeat(40)}`],
    ['half of one', hex(fromGithub().body, SECRET).slice(0, 40)],
    ['one and more', `${hex(fromGithub().body, SECRET)}00`],
    ['without its method', hex(fromGithub().body, SECRET).slice('sha256='.length)],
    ['an empty secret', hex(fromGithub().body, '')],
  ])('fails as %s', async (_, signature) => {
    const { 'x-hub-signature-256': __, ...headers } = fromGithub().headers;
    const given = signature === undefined ? headers : { ...headers, 'x-hub-signature-256': signature };
    expect((await ask({ ...fromGithub(), headers: given })).status).toBe(401);
  });
});
