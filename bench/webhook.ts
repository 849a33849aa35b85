/**
 * Measures the webhook in this process: `npm run bench:webhook`. 10,000 random and mutated requests, then deliveries of all
 * providers, small and large. Ends with 1 when it is slower than it promises, when it accepts a request that nobody with a
 * secret made, when it crashes, or when it answers 5xx.
 */
import * as fc from 'fast-check';
import { handler } from '../triggers/git-push.ts';
import { anyRequest, somebodyKnewASecret } from '../test/triggers/mutations.ts';
import {
  SECRET,
  type UrlEvent,
  bitbucketChange,
  bitbucketPayload,
  fromBitbucket,
  fromGithub,
  fromGitlab,
  fromSigningGitlab,
  githubPayload,
  gitlabPayload,
} from '../test/triggers/requests.ts';
import { WebhookWorld } from '../test/triggers/webhook-world.ts';

const REQUESTS = 10_000;
const DELIVERIES = 2_000;
const P99_MS = 50;
/** A push of 2,048 commits with ten thousand files: nobody waits for it, and GitHub does for 10 seconds. */
const LARGE_P99_MS = 1_000;

const seed = Number(process.argv[2] ?? Date.now() % 2 ** 31);
const world = new WebhookWorld();
process.env['PACKLEADER_PUSH_BRANCHES'] = '["*"]';

const violations: string[] = [];
const statuses = new Map<number, number>();

const attacks = fc.sample(anyRequest, { numRuns: REQUESTS, seed });
const attackTimes = await timed(attacks, (request, status) => {
  // Otherwise the same request would be accepted once and never again.
  world.deliveries.clear();
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const signed = somebodyKnewASecret(request);
  if (status >= 500) violations.push(`answered ${status} to ${JSON.stringify(request)}`);
  if (status < 300 && !signed) violations.push(`accepted without a signature: ${JSON.stringify(request)}`);
});
const put = world.pushes.length;

const senders: readonly ((after: string) => UrlEvent)[] = [
  (after) => fromGithub(githubPayload({ after })),
  (after) => fromBitbucket(bitbucketPayload(bitbucketChange('main', after))),
  (after) => fromGitlab(gitlabPayload({ after }), SECRET, after),
  (after) => fromSigningGitlab(gitlabPayload({ after }), { id: after }),
];
const small = Array.from({ length: DELIVERIES }, (_, index) => {
  const send = senders[index % senders.length] ?? fromGithub;
  return send((index + 1).toString(16).padStart(40, '0'));
});
function expectAccepted(_: unknown, status: number) {
  if (status !== 202) violations.push(`answered ${status} to a good delivery`);
}
const smallTimes = await timed(small, expectAccepted);

const files = Array.from({ length: 5 }, (_, index) => `packer/images/linux-base/files/number-${index}.conf`);
const commits = Array.from({ length: 2048 }, (_, id) => ({ id, message: 'x'.repeat(200), modified: files }));
const large = Array.from({ length: 200 }, (_, index) =>
  fromGithub(githubPayload({ after: (index + 1).toString(16).padStart(40, '0'), commits })),
);
const largeTimes = await timed(large, expectAccepted);
world.restore();

const rows: readonly (readonly [what: string, times: readonly number[], p99Ms: number])[] = [
  [`${REQUESTS} random and mutated requests`, attackTimes, P99_MS],
  [`${DELIVERIES} deliveries`, smallTimes, P99_MS],
  [`200 deliveries of ${((large[0]?.body.length ?? 0) / 1e6).toFixed(1)} MB`, largeTimes, LARGE_P99_MS],
];
say(`seed ${seed}; answers ${[...statuses].map(([status, count]) => `${status}: ${count}`).join(', ')}`);
for (const [what, times, p99Ms] of rows) {
  const p99 = percentile(times, 0.99);
  if (!(p99 <= p99Ms)) violations.push(`the p99 of ${what} is ${p99.toFixed(1)} ms`);
  say(`${what}: p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (target ${p99Ms} ms)`);
}
if (put === 0) violations.push('none of the random requests was accepted: the check would show nothing');
say(violations.length === 0 ? 'no violation' : violations.slice(0, 20).join('\n'));
if (violations.length > 0) process.exitCode = 1;

/** How long the handler took for each request, in ms; its log is thrown away meanwhile. */
async function timed(
  requests: readonly unknown[],
  judge: (request: unknown, status: number) => void,
): Promise<number[]> {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true;
  const times: number[] = [];
  try {
    for (const request of requests) {
      const startedAt = performance.now();
      const status = await handler(request).then(
        ({ statusCode }) => statusCode,
        (error: unknown) => {
          violations.push(`crashed with ${String(error)} on ${JSON.stringify(request)}`);
          return 400;
        },
      );
      times.push(performance.now() - startedAt);
      judge(request, status);
    }
  } finally {
    process.stdout.write = write;
  }
  return times;
}

function percentile(times: readonly number[], part: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * part) - 1] ?? Infinity;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
