import { describe, expect, it } from 'vitest';
import { SECRET, fromBitbucket, fromGithub, fromGitlab } from './requests.ts';
import { useWebhook } from './received.ts';

const webhook = useWebhook();
const { ask } = webhook;

describe('a delivery', () => {
  it('fails to pass for another one by another id: GitHub does not sign that header', async () => {
    await ask(fromGithub());
    const again = fromGithub();
    const headers = { ...again.headers, 'x-github-delivery': 'ffffffff-cc78-11e3-81ab-4c9367dc0958' };
    expect(await ask({ ...again, headers })).toEqual({
      status: 200,
      outcome: 'ignored',
      why: 'The delivery ffffffff-cc78-11e3-81ab-4c9367dc0958 has been received before.',
    });
    expect(webhook.world.pushes).toHaveLength(1);
  });

  it('of GitLab with another id is another one, even of the same push', async () => {
    await ask(fromGitlab());
    expect((await ask(fromGitlab(undefined, SECRET, 'another'))).outcome).toBe('accepted');
  });

  it.each([
    ['x-github-delivery', fromGithub(), 'x-github-delivery'],
    ['x-request-uuid', fromBitbucket(), 'x-request-uuid'],
  ])('fails without its id in %s', async (_, request, header) => {
    const { [header]: __, ...headers } = request.headers;
    expect(await ask({ ...request, headers })).toMatchObject({
      status: 400,
      why: `The delivery has no id: the header ${header} is missing or odd.`,
    });
  });
});
