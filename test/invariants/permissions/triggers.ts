/** Every AWS call that the triggers make: a push from the webhook to the release, and schedules that are due. */
import { currentState } from '../../../sandbox/engine/call-site.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { TRIGGER_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { handler as gitPush } from '../../../triggers/git-push.ts';
import { handler as scheduledRebuild } from '../../../triggers/scheduled-rebuild.ts';
import { handler as startRelease } from '../../../triggers/start-release.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { RELEASE_MACHINE } from '../../fixtures/sandbox/hub.ts';
import { fromGithub, githubPayload } from '../../triggers/requests.ts';
import { WebhookWorld } from '../../triggers/webhook-world.ts';
import { withHub } from '../../fixtures/sandbox/sweeping.ts';
import { type Recorded, STAGES, recordingsOf } from './recording.ts';
import { requestsOf, thingsIn } from './requests.ts';
import { AL2023 } from '../../fixtures/factories.ts';

const OUTSIDE = 'outside any state';

export async function callsOfTriggers(): Promise<Recorded[]> {
  const { pushes, calls } = await receivedByWebhook();
  const recorded: Recorded[] = [];
  const images = {
    base: AL2023,
    web: 'image: base',
  };
  await withHub({ stages: STAGES, images }, async ({ sandbox, engine }) => {
    process.env[TRIGGER_ENVIRONMENT.releaseMachine] = RELEASE_MACHINE;
    process.env[TRIGGER_ENVIRONMENT.bucket] = sandbox.hub.bucket;
    const place = sandbox.world.region(HUB.accountId, HUB.region);
    for (const request of calls.flatMap((call) => requestsOf({ ...HUB, ...call }, thingsIn(place))))
      recorded.push({ accountId: HUB.accountId, by: 'packleader-git-push', state: OUTSIDE, request });
    const as = async (by: string, run: () => Promise<unknown>) => {
      const stop = recordAs(sandbox, by, recorded);
      await run();
      stop();
    };
    for (const detail of pushes)
      await as('packleader-start-release', async () => startRelease({ source: 'packleader', detail }));
    await Promise.all(engine.executions.map(async ({ outcome }) => outcome));
    for (const image of Object.keys(images)) {
      for (const when of ['newer-source-ami', 'always'] as const)
        await as('packleader-scheduled-rebuild', async () =>
          scheduledRebuild({ image, when, scheduledAt: sandbox.clock.now().toISOString() }),
        );
    }
  });
  return recorded;
}

/** What a function itself calls; what an execution calls that runs at the same time is not its doing. */
function recordAs(sandbox: Sandbox, by: string, recorded: Recorded[]): () => void {
  return sandbox.intercept(async (call, next) => {
    if (currentState() === undefined) recorded.push(...recordingsOf(sandbox, call, { state: OUTSIDE, by }));
    return next();
  });
}

/** The webhook's calls, and the pushes that it told of. */
async function receivedByWebhook(): Promise<Pick<WebhookWorld, 'pushes' | 'calls'>> {
  const world = new WebhookWorld();
  try {
    await gitPush(fromGithub(githubPayload()));
    return { pushes: world.pushes, calls: world.calls };
  } finally {
    world.restore();
  }
}
