/** The triggers of the hub, with the code that is deployed: they decide themselves whether they start anything. */
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { PackleaderError } from '../../core/contract/errors.ts';
import { NAMES } from '../../core/contract/names.ts';
import { releaseRequestSchema } from '../../core/contract/requests.ts';
import { isOneOf } from '../../triggers/pushes/branches.ts';
import type { GitPush } from '../../core/contract/events.ts';
import { handler as rebuild } from '../../triggers/scheduled-rebuild.ts';
import { handler as startRelease } from '../../triggers/start-release.ts';
import type { Engine } from '../engine/engine.ts';
import { setEnvironment } from '../environment.ts';
import type { Hub } from '../sandbox.ts';
import { machineArn } from './rehearsal.ts';

/** Whether the webhook takes a push to a branch, among those of `pushBranches`. */
export const startsRelease = isOneOf;

/** A push has passed the webhook: its event is on the bus. */
export async function push(hub: Hub, pushed: Pick<GitPush, 'repository' | 'branch' | 'commit'>) {
  const detail: GitPush = {
    ...pushed,
    provider: 'github',
    delivery: { id: 'rehearsal', fingerprint: 'rehearsal' },
  };
  await asTrigger(hub, async () => startRelease({ source: NAMES.eventSource, detail }));
}

/** An image whose schedule is due. */
export interface Due {
  readonly image: string;
  readonly when: 'always' | 'newer-source-ami';
}

/** What became of the schedule of an image. */
export interface Decision {
  readonly image: string;
  readonly outcome: Awaited<ReturnType<typeof rebuild>>['outcome'] | 'failed';
  readonly why: string;
  /** Of `failed`: it ends in the dead-letter queue, when trying again does not help. */
  readonly error?: { readonly name: string; readonly cause: string };
}

/** The schedules of images are due, all at the same time. */
export async function rebuildAll(
  engine: Engine,
  hub: Hub,
  due: readonly Due[],
  scheduledAt: string,
): Promise<Decision[]> {
  return asTrigger(hub, async () => Promise.all(due.map(async (one) => decide(engine, one, scheduledAt))));
}

async function decide(engine: Engine, due: Due, scheduledAt: string): Promise<Decision> {
  const { image } = due;
  try {
    const result = await rebuild({ ...due, scheduledAt });
    if (result.outcome !== 'started') return { image, outcome: result.outcome, why: WHY[result.outcome] };
    const started = engine.executions.find(({ name }) => name === result.execution);
    const { reason = '' } = releaseRequestSchema.parse(started?.input);
    return { image, outcome: 'started', why: reason };
  } catch (error) {
    if (!(error instanceof PackleaderError)) throw error;
    const { name, message: cause } = error;
    return { image, outcome: 'failed', why: `${name}: ${cause}`, error: { name, cause } };
  }
}

const WHY = {
  'source AMI is the newest': 'no bake would start from a newer source AMI than that of the latest release',
  'switched off': 'triggers are switched off',
  paused: 'too many rebuilds in a row have failed',
} as const;

/** Runs a trigger with the environment that the stack gives it. */
async function asTrigger<T>(hub: Hub, run: () => Promise<T>): Promise<T> {
  const restore = setEnvironment({
    [TRIGGER_ENVIRONMENT.releaseMachine]: machineArn(hub, NAMES.releaseMachine),
    [TRIGGER_ENVIRONMENT.bucket]: hub.bucket,
  });
  try {
    return await run();
  } finally {
    restore();
  }
}
