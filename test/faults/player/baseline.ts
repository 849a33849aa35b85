/**
 * The baseline that every scenario starts from: a small factory, its state machines, and two releases of one image that are
 * planned already. Made once; a scenario gets a world of its own with it.
 */
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import type { FactoryFiles } from '../../../core/configuration/factory.ts';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { type Consumers, launchPermissions, permissionName } from '../../../core/contract/permissions.ts';
import { NAMES, bucketName } from '../../../core/contract/names.ts';
import { type PlannedRelease, plannedReleaseSchema } from '../../../core/contract/releases.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { forgetClients } from '../../../core/aws/clients.ts';
import { type StateGraph, stateGraphSchema } from '../../../sandbox/engine/asl.ts';
import { bindSandbox } from '../../../sandbox/bind.ts';
import { createEngine, machineArn } from '../../../sandbox/rehearsal/rehearsal.ts';
import { createSandbox } from '../../../sandbox/rehearsal/seed.ts';
import type { StoredObject } from '../../../sandbox/aws/world.ts';
import { definitionsOf } from '../../../workflow/definitions.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { type MadeUpFactory, filesOf } from '../../fixtures/factories.ts';
import { COMMIT, STARTED_AT } from '../../fixtures/releases.ts';

export const IMAGE = 'base';
export const EARLIER = '1.4.20261001000000';
/** What somebody can go back from, the oldest first. */
export const RELEASED = ['1.4.20260901000000', '1.4.20260902000000', '1.4.20260903000000'] as const;

/** Some of each kind but one. */
const CONSUMERS: Consumers = {
  accounts: ['333333333333'],
  organizations: ['arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5'],
};

/** Two stages, two accounts in the second one, and one account with two regions. */
export const FACTORIES = {
  four: {
    stages: { dev: [...targetsIn(0, 1), ...targetsIn(0, 1, 'eu-central-1')], prod: targetsIn(1, 2) },
  },
  /** For what grows fast with the number of targets. */
  two: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) } },
  /** Its AMIs are deprecated one day. */
  aging: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) }, settings: 'deprecateAfterDays: 90' },
  /** The builder of a bake that failed is kept, in dev. */
  keeping: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) }, keep: 2 },
  /** Its builders are Spot Instances. */
  spot: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) }, spot: true },
  /** They are booted, and tested. */
  tested: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) }, tests: true },
  /** Others may launch them. */
  shared: {
    stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) },
    consumers: CONSUMERS,
  },
  /** What dev bakes is copied into prod; of the second release prod bakes its own. */
  copying: {
    stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) },
    copies: { prod: 'strategy: copy' },
  },
  /** They must hold nothing that is too grave. */
  scanned: {
    stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) },
    vulnerabilities: '{ failOn: high }',
  },
  /** A command of one's own looks for that. */
  commanded: {
    stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) },
    vulnerabilities: '{ failOn: high }',
    scanAmis: { command: 'scan "$SBOM"' },
  },
  /** They must all hold the same. */
  alike: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) }, parity: 'enforce' },
  /** Somebody must approve prod. */
  asking: {
    stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) },
    approvals: { prod: { timeoutHours: 4 } },
  },
  /** Somebody else than whoever started it must. */
  foureyed: {
    stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) },
    approvals: { prod: { timeoutHours: 4, fourEyes: true } },
  },
  /** One that fails in prod waits for a retry. */
  waiting: { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) }, waitHours: 1 },
  /** More than one batch holds. */
  many: { stages: { dev: targetsIn(0, 41), prod: targetsIn(1, 1) } },
} as const;
export type Size = keyof typeof FACTORIES;

/** Who acts: two releases of the same image, A older than B. */
export type Actor = 'A' | 'B';

export interface PlayableRelease {
  readonly planned: PlannedRelease;
  /** The execution of `packleader-release` that planned it. */
  readonly startedBy: string;
  /** What its own execution is started with. */
  readonly input: unknown;
  readonly startedAt: number;
}

/** Plain data, so that it can be handed to another thread. */
export interface Baseline {
  readonly hub: Target;
  readonly bucket: string;
  /** What its AMIs are to have; undefined for those that are never deprecated. */
  readonly deprecateAfterDays?: number;
  /** For how long dev keeps the builder of a bake that failed; undefined where it does not. */
  readonly keepHours?: number;
  /** Who may launch its AMIs besides once it is released; undefined where nobody may. */
  readonly consumers?: readonly string[];
  /** Whether some stage copies: then nobody may use an AMI of another account at the end. */
  readonly copies?: true;
  readonly stages: readonly { readonly name: string; readonly targets: readonly Target[] }[];
  readonly machines: readonly {
    readonly name: string;
    readonly arn: string;
    readonly definition: StateGraph;
  }[];
  readonly objects: readonly (readonly [string, StoredObject])[];
  /** The repository at the commit of the first release. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly releases: Readonly<Record<Actor, PlayableRelease>>;
}

const SECONDS_BETWEEN = 90;

/** As short as it can be said: what is due is done within a few days, one step a day. */
const RETENTION = {
  [IMAGE]: retentionSchema.parse({
    unusedDays: 1,
    keepNewest: 1,
    minAgeDays: 1,
    prereleaseDays: 1,
    graceDays: 1,
    deregister: 'recycle-bin',
  }),
};

/** Plans both releases with the real workflow; everything else of what that leaves is thrown away. */
export async function prepareBaseline(size: Size): Promise<Baseline> {
  const made: MadeUpFactory = FACTORIES[size];
  const { spot, keep, tests, copies, vulnerabilities, consumers, settings = '' } = made;
  const files = filesOf(FACTORIES[size]);
  const { factory } = loadConfiguration(files);
  const { hub, stages } = factory;
  const permits = {
    retention: RETENTION,
    spotBuilders: spot === true,
    keepBuilders: keep !== undefined,
    testAmis: tests === true,
    shareAmis: consumers !== undefined,
    copyAmis: copies !== undefined,
    ...(vulnerabilities !== undefined && { scanAmis: made.scanAmis ?? 'inspector' }),
  };
  const machines = definitionsOf(factory, permits).map(({ name, definition }) => ({
    name,
    arn: machineArn(hub, name),
    definition: stateGraphSchema.parse(definition),
  }));
  const bucket = bucketName(factory);
  const zipped = encoded(files);
  const objects = new Map<string, StoredObject>();
  async function plan(
    commit: string,
    startAt: Date,
    checkedOut: Baseline['files'] = zipped,
  ): Promise<PlayableRelease> {
    const sandbox = createSandbox({
      hub: { ...hub, bucket },
      targets: stages.flatMap(({ targets }) => targets),
      startAt,
      checkOut: () => ({ commit, branch: 'main', files: checkedOut, changes: {} }),
    });
    const unbind = bindSandbox(sandbox);
    forgetClients();
    try {
      const engine = await createEngine({
        factory,
        machines,
        now: () => sandbox.clock.now(),
        sleep: async (ms, signal) => sandbox.clock.sleep(ms, signal),
      });
      const name = `release-${commit.slice(0, 7)}`;
      await engine.start(machineArn(hub, NAMES.releaseMachine), name, { image: IMAGE }).outcome;
      const execution = engine.executions.find(({ machine }) => machine.name === NAMES.releaseImageMachine);
      if (execution === undefined) throw new Error(`Nothing was planned for ${IMAGE} at ${commit}`);
      for (const [key, object] of sandbox.world.buckets.get(bucket)?.objects ?? []) {
        // What its tests came to is not of the plan.
        if (/^(plans|sources)\/(?!.*\/tests\/)/.test(key)) objects.set(key, object);
      }
      return {
        startedBy: name,
        input: execution.input,
        planned: plannedReleaseSchema.parse(execution.input),
        startedAt: Date.parse(execution.startedAt),
      };
    } finally {
      unbind();
      forgetClients();
    }
  }
  const releases = {
    A: await plan(COMMIT, STARTED_AT),
    B: await plan(
      'b'.repeat(40),
      new Date(STARTED_AT.getTime() + SECONDS_BETWEEN * 1000),
      encoded(filesOf({ ...FACTORIES[size], copies: {} })),
    ),
  };
  const [, days] = /^deprecateAfterDays: (\d+)$/m.exec(settings) ?? [];
  return {
    ...(days !== undefined && { deprecateAfterDays: Number(days) }),
    ...(keep !== undefined && { keepHours: keep }),
    ...(consumers && { consumers: launchPermissions(consumers).map(permissionName) }),
    ...(copies && { copies: true as const }),
    hub,
    bucket,
    stages,
    machines,
    objects: [...objects],
    files: zipped,
    releases,
  };
}

const encoded = (files: FactoryFiles): Map<string, Uint8Array> =>
  new Map([...files].map(([name, text]) => [name, new TextEncoder().encode(text)]));

export const targetsOf = ({ stages }: Pick<Baseline, 'stages'>): Target[] =>
  stages.flatMap(({ targets }) => targets);

/** What was there before the first scenario: the image at an earlier version and a newer one that is gone, the earlier
 *  version alone, nothing of it, or a `latest` set by hand. */
export type Past = 'released before' | 'released once' | 'first release' | 'latest by hand';
