/** Schedules that are due, one after the other, on the sandbox: what they start runs to its end. */
import { expect, it, vi } from 'vitest';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { NAMES } from '../../core/contract/names.ts';
import { handler } from '../../triggers/scheduled-rebuild.ts';
import { HUB } from '../fixtures/accounts.ts';
import { RELEASE_MACHINE, type OperatedHub } from '../fixtures/sandbox/hub.ts';
import { type MadeUpFactory, STAGES } from '../fixtures/factories.ts';
import { HOUR_MS, withHub } from '../fixtures/sandbox/sweeping.ts';

const FACTORY: MadeUpFactory = { stages: STAGES };
const SOURCE = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';
const DAY_MS = 24 * HOUR_MS;

/** The schedule is due now; how that ended, with the status of the execution that it started. */
async function due({ sandbox, engine }: OperatedHub, when: 'always' | 'newer-source-ami' = 'always') {
  process.env[TRIGGER_ENVIRONMENT.releaseMachine] = RELEASE_MACHINE;
  process.env[TRIGGER_ENVIRONMENT.bucket] = sandbox.hub.bucket;
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const scheduledAt = sandbox.clock.now().toISOString();
  const result = await handler({ image: 'base', when, scheduledAt }).finally(() => write.mockRestore());
  if (result.outcome !== 'started') return result.outcome;
  const started = engine.executions.find(({ name }) => name === result.execution);
  const outcome = await started?.outcome;
  await sandbox.clock.sleep(DAY_MS);
  return outcome?.status;
}

/** As an operator does it with the AWS CLI. */
async function putParameter({ sandbox }: OperatedHub, Name: string, Value: string): Promise<void> {
  const caller = { ...HUB, role: 'packleader-tasks', session: 'operator' };
  await sandbox.call(caller, 'ssm', 'PutParameter', { Name, Value, Type: 'String', Overwrite: true });
}

/** Amazon publishes a newer AMI, under the same public parameter. */
function publishNewer({ sandbox: { world } }: OperatedHub): void {
  const { images, parameters } = world.publicRegion(HUB.region);
  const parameter = parameters.get(SOURCE);
  const [current] = parameter?.versions ?? [];
  const image = images.get(current?.value ?? '');
  if (!parameter || !current || !image) throw new Error(`the sandbox has no ${SOURCE}`);
  const newer = { ...image, imageId: 'ami-0abcdef0123456789', createdAt: world.clock.milliseconds() };
  images.set(newer.imageId, newer);
  parameters.set(SOURCE, { ...parameter, versions: [{ ...current, value: newer.imageId }] });
}

it('three rebuilds in a row that failed pause a schedule, until somebody resumes it', async () => {
  await withHub(
    FACTORY,
    async (hub) => {
      expect([await due(hub), await due(hub), await due(hub)]).toEqual(['FAILED', 'FAILED', 'FAILED']);
      expect([await due(hub), await due(hub)]).toEqual(['paused', 'paused']);
      await putParameter(hub, '/packleader/triggers/resumed/base', 'somebody');
      await hub.sandbox.clock.sleep(HOUR_MS);
      expect(await due(hub)).toBe('SUCCEEDED');
      expect(await due(hub)).toBe('SUCCEEDED');
    },
    { faults: [{ state: 'Bake dev AMIs', kind: 'failed', times: 3 }] },
  );
});

it('the switch stops schedules from the next one on, and lets them go on', async () => {
  await withHub(FACTORY, async (hub) => {
    await putParameter(hub, '/packleader/triggers', 'disabled');
    expect(await due(hub)).toBe('switched off');
    expect(hub.engine.executions).toEqual([]);
    await putParameter(hub, '/packleader/triggers', 'enabled');
    expect(await due(hub)).toBe('SUCCEEDED');
  });
});

it('a schedule that waits for a newer source AMI starts nothing until there is one, though the plan has expired', async () => {
  await withHub(FACTORY, async (hub) => {
    expect(await due(hub, 'newer-source-ami')).toBe('SUCCEEDED');
    const objects = hub.sandbox.world.buckets.get(hub.sandbox.hub.bucket)?.objects;
    const plans = [...(objects?.keys() ?? [])].filter((key) => key.startsWith('plans/'));
    expect(plans.length).toBeGreaterThan(0);
    for (const key of plans) objects?.delete(key);
    expect(await due(hub, 'newer-source-ami')).toBe('source AMI is the newest');
    publishNewer(hub);
    expect(await due(hub, 'newer-source-ami')).toBe('SUCCEEDED');
    expect(await due(hub, 'newer-source-ami')).toBe('source AMI is the newest');
    const released = hub.engine.executions.filter(
      ({ machine }) => machine.name === NAMES.releaseImageMachine,
    );
    expect(released).toHaveLength(2);
  });
});
