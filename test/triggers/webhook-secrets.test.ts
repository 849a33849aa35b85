import { describe, expect, it } from 'vitest';
import { handler } from '../../triggers/git-push.ts';
import { OLD_SECRET, SECRET, fromGithub, fromGitlab, githubPayload } from './requests.ts';
import { useWebhook } from './received.ts';

const webhook = useWebhook();
const { ask, inMinutes } = webhook;

describe('the secret', () => {
  it('is read once in five minutes', async () => {
    for (let delivery = 0; delivery < 5; delivery++)
      await ask(fromGitlab(undefined, SECRET, String(delivery)));
    expect(webhook.world.reads).toBe(1);
    inMinutes(6);
    await ask(fromGitlab(undefined, SECRET, 'later'));
    expect(webhook.world.reads).toBe(2);
  });

  it('may be two while it is rotated', async () => {
    webhook.world.secretString = JSON.stringify([SECRET, OLD_SECRET]);
    expect((await ask(fromGithub(undefined, OLD_SECRET))).outcome).toBe('accepted');
    expect((await ask(fromGithub(githubPayload({ after: 'c'.repeat(40) }), SECRET))).outcome).toBe(
      'accepted',
    );
  });

  it('that is new counts at once, the one that was taken back no longer than five minutes', async () => {
    webhook.world.secretString = OLD_SECRET;
    await ask(fromGithub(undefined, OLD_SECRET));
    webhook.world.secretString = SECRET;
    inMinutes(1);
    expect((await ask(fromGitlab(undefined, SECRET, 'new'))).outcome).toBe('accepted');
    expect((await ask(fromGitlab(undefined, OLD_SECRET, 'old'))).status).toBe(401);
  });

  it('is not read for each request of a stranger', async () => {
    for (let request = 0; request < 50; request++) await ask(fromGithub(undefined, 'a guess of a stranger'));
    expect(webhook.world.reads).toBe(1);
  });

  it.each(['', '   ', 'short', '[]', '["short"]', '["1234567890123456", ""]', '[1, 2]', '[broken'])(
    'fails as %j, with which anybody might sign',
    async (secret) => {
      webhook.world.secretString = secret;
      await expect(handler(fromGithub(undefined, secret))).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringContaining(
          'The secret packleader-webhook must be one text of at least 16 characters',
        ),
      });
    },
  );

  it('may end with the newline of the file it came from', async () => {
    webhook.world.secretString = `${SECRET}\n`;
    expect((await ask(fromGithub())).outcome).toBe('accepted');
  });
});
