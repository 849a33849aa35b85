/** The webhook as it is asked in a test, each time in a world of its own. */
import { afterEach, beforeEach, vi } from 'vitest';
import { handler } from '../../triggers/git-push.ts';
import { WebhookWorld } from './webhook-world.ts';

/** Puts a world under every test of the file, and keeps what the webhook logs. */
export function useWebhook() {
  let world: WebhookWorld;
  let log: string[];
  /** Every test is an hour later than the one before: the secret that the function holds is too old. */
  let now = Date.parse('2019-11-21T09:30:00Z');

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: (now += 3_600_000) });
    world = new WebhookWorld();
    log = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
      log.push(String(line));
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
    world.restore();
  });

  return {
    /** That of the test that runs. */
    get world() {
      return world;
    },
    get log() {
      return log;
    },
    ask: async (request: unknown): Promise<{ status: number; outcome: string; why?: string }> => {
      const { statusCode, body } = await handler(request);
      return { status: statusCode, ...JSON.parse(body) };
    },
    /** From now on it is this moment, in milliseconds since 1970. */
    at: (time: number) => vi.setSystemTime((now = time)),
    inMinutes: (minutes: number) => vi.setSystemTime((now += minutes * 60_000)),
    /** The lines that count a rejected request. */
    rejected: () => log.map((line) => JSON.parse(line)).filter((line) => line['WebhookRejected'] === 1),
  };
}
