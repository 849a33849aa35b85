/** Every call of a run that retires, with every fault: whatever breaks, what is used stays, and the next days finish the work. */
import { describe, expect, test } from 'vitest';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { parameters } from '../../../core/contract/names.ts';
import { awsError } from '../../../sandbox/aws/errors.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { type OperatedHub, operatedHub } from '../../fixtures/sandbox/hub.ts';
import { DAY_MS, addVersion, amiOf, oneDay, retire, takeInventory } from '../../fixtures/sandbox/retiring.ts';

const TARGETS = Object.values(STAGES).flat();
const retention = { base: retentionSchema.parse({ keepNewest: 1, graceDays: 1 }) };

interface Versions {
  /** One for each step, and one that an instance uses in the second account. */
  readonly going: readonly string[];
  readonly used: string;
  readonly newest: string;
}

/** A hub on a day on which a version is to be deprecated, another disabled and a third deregistered. */
async function onThatDay(use: (hub: OperatedHub, versions: Versions) => Promise<void>): Promise<void> {
  const hub = await operatedHub({ stages: STAGES }, { retention });
  try {
    const phases = [{}, phase('deprecated'), phase('disabled')];
    const going = phases.map((tags, index) =>
      addVersion(hub.sandbox, TARGETS, { daysAgo: 100 + index, tags }),
    );
    for (const target of TARGETS) {
      const disabled = amiOf(hub.sandbox, target, going[2] ?? '');
      if (disabled) disabled.disabled = true;
    }
    const used = addVersion(hub.sandbox, TARGETS, { daysAgo: 95 });
    const newest = addVersion(hub.sandbox, TARGETS, { daysAgo: 50 });
    launch(hub, used);
    await takeInventory(hub);
    await use(hub, { going, used, newest });
  } finally {
    await hub.close();
  }
}

const phase = (is: string) => ({ 'packleader:retirement': `${is} 2026-11-01T00:00:00.000Z` });

function launch({ sandbox: { world } }: OperatedHub, releaseId: string): void {
  const [target] = STAGES.prod;
  if (!target) throw new Error('there is no target');
  const place = world.region(target.accountId, target.region);
  const instanceId = world.id(place, 'i');
  place.instances.set(instanceId, {
    instanceId,
    imageId: amiOf({ world }, target, releaseId)?.imageId ?? '',
    instanceType: 'm7i.large',
    architecture: 'x86_64',
    securityGroupIds: [],
    volumeIds: [],
    launchedAt: 0,
    asked: 'stop',
    askedAt: 0,
    httpTokens: 'required',
    tags: new Map(),
  });
}

const isThere = (hub: OperatedHub, releaseId: string) =>
  TARGETS.map((target) => {
    const ami = amiOf(hub.sandbox, target, releaseId);
    return ami !== undefined && !ami.disabled && ami.deprecatedAt === undefined;
  });

const KINDS = ['refused', 'lost', 'throttled'] as const;
function refusal(call: Call): Error {
  const service = call.service === 'sfn' ? 'ec2' : call.service;
  return awsError(service, service === 'ec2' ? 'UnauthorizedOperation' : 'AccessDeniedException', 'Not you.');
}
const broken = () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
const busy = () => Object.assign(new Error('slow down'), { name: 'ThrottlingException' });

/** Breaks the call of that number, once; a lost one has its effect. The returned function ends that, and says whether it came so far. */
function breakCall(hub: OperatedHub, number: number, kind: (typeof KINDS)[number]): () => boolean {
  const seen = { count: 0, broke: false };
  const stop = hub.sandbox.intercept(async (call, next) => {
    if (call.service === 'sts' || (call.service === 'sfn' && call.operation === 'StartExecution'))
      return next();
    seen.count += 1;
    if (seen.count !== number) return next();
    seen.broke = true;
    if (kind === 'refused') throw refusal(call);
    if (kind === 'throttled') throw busy();
    await next();
    throw broken();
  });
  return () => {
    stop();
    return seen.broke;
  };
}

describe.each(KINDS)('a call of a run that is %s', (kind) => {
  test('leaves what is used alone, in every account, and the next days do what was due', async () => {
    for (let number = 1; ; number += 1) {
      const more = { it: false };
      await onThatDay(async (hub, { going, used, newest }) => {
        const broke = breakCall(hub, number, kind);
        await retire(hub);
        more.it = broke();
        for (const kept of [used, newest]) expect(isThere(hub, kept), `call ${number}`).toEqual([true, true]);
        // A version whose restoration counted as a use goes after its time.
        for (let day = 0; day < 12; day += 1) await oneDay(hub, { mostPercent: 100 });
        for (const kept of [used, newest]) expect(isThere(hub, kept), `call ${number}`).toEqual([true, true]);
        for (const releaseId of going) {
          for (const target of TARGETS)
            expect(amiOf(hub.sandbox, target, releaseId), `call ${number}: ${releaseId}`).toBeUndefined();
          for (const { accountId, region } of TARGETS) {
            const place = hub.sandbox.world.region(accountId, region);
            const left = [...place.snapshots.values()].filter(
              ({ tags }) => tags.get('packleader:release') === releaseId,
            );
            expect(left, `call ${number}`).toEqual([]);
            const [, version = ''] = releaseId.split('@');
            expect(place.parameters.has(parameters.version('base', version))).toBe(false);
          }
        }
      });
      if (!more.it) {
        // The run made fewer calls than that: every one of them has been broken.
        expect(number).toBeGreaterThan(20);
        return;
      }
    }
  }, 600_000);
});

test('an account that refuses every step for a week loses nothing, and neither does any other', async () => {
  await onThatDay(async (hub, { going }) => {
    const [prod] = STAGES.prod;
    const stop = hub.sandbox.intercept(async (call, next) => {
      const denied = /^(EnableImageDeprecation|DisableImage|DeregisterImage)$/.test(call.operation);
      if (denied && call.accountId === prod?.accountId) throw refusal(call);
      return next();
    });
    for (let day = 0; day < 7; day += 1) {
      await hub.sandbox.clock.sleep(DAY_MS);
      await takeInventory(hub);
      await retire(hub, { mostPercent: 100 });
      // Of the first two nothing is further in one account than in the other.
      for (const releaseId of going.slice(0, 2)) {
        const [dev, other] = TARGETS.map((target) => amiOf(hub.sandbox, target, releaseId));
        expect(dev?.disabled).toBe(other?.disabled);
        expect(dev?.deprecatedAt === undefined).toBe(other?.deprecatedAt === undefined);
      }
    }
    stop();
  });
});
