/** Releases for real: the engine, the tasks and the state machines of a rehearsal, on another AWS and with real Packer. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReleaseProgress } from '../../core/releases/release-progress.ts';
import {
  createEngine,
  machineArn,
  type ReportedRelease,
  reportReleases,
} from '../../sandbox/rehearsal/rehearsal.ts';
import type { WorldSnapshot } from '../../sandbox/aws/world.ts';
import type { Engine } from '../../sandbox/engine/engine.ts';
import { forgetClients } from '../../core/aws/clients.ts';
import { BAKE_ENVIRONMENT } from '../../core/contract/environments.ts';
import { NAMES, bucketName } from '../../core/contract/names.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { type Definition, definitionsOf } from '../../workflow/definitions.ts';
import { type Build, CodeBuild } from './code-build.ts';
import { HUB } from '../fixtures/accounts.ts';
import type { Stages } from './factory-files.ts';
import {
  type Adopts,
  type Copies,
  type MadeFactory,
  type Besides,
  deployed,
  makeFactory,
} from './factory.ts';
import type { Installation } from './installation.ts';
import { type Machine, type MachineOptions, type Part, answerBuilders } from './machines.ts';
import { Moto } from './moto.ts';

/** Nothing on moto takes time, so the workflow's waits are shortened: by default, a minute becomes a quarter of a second. */
const SPEED = 240;

export class Stand {
  readonly made: MadeFactory;
  readonly moto: Moto;
  readonly codeBuild: CodeBuild;
  readonly targets: readonly Target[];
  /** What a build finds on its machine. */
  readonly environment: NodeJS.ProcessEnv;
  readonly #machines: readonly Definition[];

  private constructor(
    made: MadeFactory,
    moto: Moto,
    codeBuild: CodeBuild,
    environment: NodeJS.ProcessEnv,
    { keepBuilders = false }: Besides,
  ) {
    this.environment = environment;
    this.made = made;
    this.moto = moto;
    this.codeBuild = codeBuild;
    this.#machines = definitionsOf(made.factory, { keepBuilders });
    this.targets = made.factory.stages.flatMap(({ targets }) => targets);
  }

  /** Accounts with nothing in them but what the stacks deploy, networks, and what everybody is offered. */
  static async start(
    installation: Installation,
    directory: string,
    stages: Stages,
    number: number,
    copies: Copies = {},
    adopts: Adopts = {},
    besides: Besides = {},
  ): Promise<Stand> {
    const targets = Object.values(stages).flat();
    const repository = join(directory, 'repository');
    // The stacks do not depend on networks, and networks need moto, which needs the roles of the stacks.
    const draft = makeFactory(repository, stages, new Map());
    const { projects, roles } = deployed(draft.factory, besides);
    const moto = await Moto.start({
      python: join(installation.bin, 'python'),
      directory,
      hub: HUB,
      accounts: [...new Set(targets.map(({ accountId }) => accountId))],
      roles,
      bucket: bucketName(draft.factory),
    });
    const networks = await Promise.all(
      targets.map(
        async (one, index) =>
          [targetName(one), await moto.addNetwork(one, number * NETWORKS + index)] as const,
      ),
    );
    const made = makeFactory(repository, stages, new Map(networks), copies, adopts);
    const environment = buildImage(installation, directory, made);
    const codeBuild = await CodeBuild.start({
      moto,
      region: HUB.region,
      projects,
      directory,
      environment,
    });
    forgetClients();
    return new Stand(made, moto, codeBuild, environment, besides);
  }

  async release(
    request: unknown,
    onProgress: (progress: ReleaseProgress) => void = () => {},
    speed = SPEED,
  ): Promise<Released> {
    const { factory } = this.made;
    const startAt = new Date();
    const engine = await this.engine(() => startAt, { onProgress, speed });
    const started = performance.now();
    const execution = engine.start(
      machineArn(factory.hub, NAMES.releaseMachine),
      `rehearsal-${startAt.getTime()}`,
      request,
    );
    const outcome = await execution.outcome;
    const wallMs = performance.now() - started;
    const world = Object.fromEntries(
      await Promise.all(
        this.targets.map(async (one) => [targetName(one), await this.moto.snapshotOf(one)] as const),
      ),
    );
    const releases = await reportReleases(engine, factory, world);
    const error = outcome.status === 'FAILED' ? `${outcome.error}: ${outcome.cause}` : undefined;
    return { startAt, wallMs, releases, world, error };
  }

  /** What runs the state machines. */
  async engine(
    now: () => Date,
    { onProgress = () => {}, speed = SPEED, keepsData = false }: EngineOptions = {},
  ): Promise<Engine> {
    return createEngine({
      factory: this.made.factory,
      machines: this.#machines,
      keepsData,
      now,
      sleep: async (ms, signal) => {
        await sleep(ms / speed, undefined, { signal });
      },
      onProgress,
    });
  }
}

interface EngineOptions {
  readonly onProgress?: (progress: ReleaseProgress) => void;
  readonly speed?: number;
  /** Whether histories can be asked for. */
  readonly keepsData?: boolean;
}

/** Several stands may be up at once, and no two machines may have one address. */
const NETWORKS = 8;

/** Answers the builders of every bake; `befall` may do something to the bake besides. */
export function answerBakes(
  { codeBuild, moto }: Pick<Stand, 'codeBuild' | 'moto'>,
  options: MachineOptions,
  partOf: (target: Target, image: string) => Part,
  befall: (target: Target, build: Build) => Promise<void> = async () => {},
  onMachine?: (machine: Machine) => void,
): void {
  codeBuild.onBuild = (build) => {
    const { project, environment } = build;
    if (project.name !== NAMES.bakeProject) return () => {};
    const { accountId } = project;
    const target = { accountId, region: environment[BAKE_ENVIRONMENT.region] ?? '' };
    const image = environment[BAKE_ENVIRONMENT.image] ?? '';
    const part = () => partOf(target, image);
    // Other images may be baked in the same place at the same time.
    const answering = moto.ec2(target).then((ec2) => answerBuilders(ec2, options, part, onMachine, image));
    const befallen = befall(target, build);
    return async () => {
      await (
        await answering
      )();
      await befallen;
    };
  };
}

export interface Released {
  readonly startAt: Date;
  readonly wallMs: number;
  readonly releases: readonly ReportedRelease[];
  readonly world: Readonly<Record<string, WorldSnapshot>>;
  readonly error: string | undefined;
}

/** What a build finds on its machine. The repository's URL leads to the repository that was made here. */
export function buildImage(
  { bin, packer }: Pick<Installation, 'bin' | 'packer'>,
  directory: string,
  { repository }: Pick<MadeFactory, 'repository'>,
): NodeJS.ProcessEnv {
  const tools = join(directory, 'bin');
  mkdirSync(tools);
  if (packer.command.includes('/')) symlinkSync(packer.command, join(tools, 'packer'));
  return {
    PATH: [tools, bin, process.env['PATH']].join(':'),
    LANG: 'C.UTF-8',
    ...(packer.environment['PACKER_PLUGIN_PATH'] !== undefined && {
      PACKER_PLUGIN_PATH: packer.environment['PACKER_PLUGIN_PATH'],
    }),
    CHECKPOINT_DISABLE: '1',
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: `url.${repository}.insteadOf`,
    GIT_CONFIG_VALUE_0: 'https://github.com/example/images',
    GIT_CONFIG_KEY_1: 'safe.directory',
    GIT_CONFIG_VALUE_1: '*',
  };
}
