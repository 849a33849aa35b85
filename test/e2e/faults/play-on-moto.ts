/** Plays scenarios against moto: the SDK's real clients, over HTTP, through a proxy that breaks what it is told to. */
import { forgetClients } from '../../../core/aws/clients.ts';
import { Clock } from '../../../sandbox/aws/clock.ts';
import { stepFunctionsOf } from '../../../sandbox/aws/step-functions.ts';
import { World } from '../../../sandbox/aws/world.ts';
import type { Engine } from '../../../sandbox/engine/engine.ts';
import { type Baseline, targetsOf } from '../../faults/player/baseline.ts';
import { createScenarioEngine } from '../../faults/player/engine.ts';
import type { CallHooks, Environment } from '../../faults/player/environment.ts';
import { play } from '../../faults/player/play.ts';
import type { Played } from '../../faults/player/scenario.ts';
import { STARTED_AT } from '../../fixtures/releases.ts';
import type { Moto } from '../moto.ts';
import { addPast, fillBucket } from './moto/past.ts';
import { USERS } from './moto/ami-users.ts';
import { MotoWorld } from './moto/moto-world.ts';
import { asOrigin } from './wire/origin.ts';
import { type Proxy, forward } from './wire/proxy.ts';
import { RealWork } from './wire/real-work.ts';
import { Services } from './moto/services.ts';
import { originOfTask } from './wire/task-origin.ts';
import type { WireScenario } from './wire/faults.ts';
import { WireInjection } from './wire/injection.ts';

/** The role of the functions, and the name of its session. */
const TASKS = 'packleader-tasks';

export interface PlayedOnWire extends Played {
  /** Every call that was made, by the name that a fault is aimed with. */
  readonly calls: readonly string[];
}

export async function playOnMoto(
  moto: Moto,
  proxy: Proxy,
  baseline: Baseline,
  scenario: WireScenario,
): Promise<PlayedOnWire> {
  const clock = new Clock(STARTED_AT);
  await moto.reset();
  forgetClients();
  const calls: string[] = [];
  try {
    const played = await play(baseline, scenario, async (hooks) =>
      prepare({ moto, proxy, baseline, scenario, clock, calls, hooks }),
    );
    return { ...played, calls };
  } finally {
    clock.end();
    proxy.use(undefined);
    forgetClients();
  }
}

interface Preparation {
  readonly moto: Moto;
  readonly proxy: Proxy;
  readonly baseline: Baseline;
  readonly scenario: WireScenario;
  readonly clock: Clock;
  /** Gets the name of every call. */
  readonly calls: string[];
  readonly hooks: CallHooks;
}

async function prepare(preparation: Preparation): Promise<Environment> {
  const { moto, proxy, baseline, scenario, clock } = preparation;
  const world = new World(clock, 'moto', () => ({ images: new Map(), parameters: new Map() }));
  const releases = scenario.actors.map((actor) => baseline.releases[actor].planned.release);
  await fillBucket(moto, baseline);
  const motoWorld = await MotoWorld.of(moto, world, baseline, releases);
  await addPast(motoWorld, scenario.past);
  await motoWorld.readAll();
  const work = new RealWork(clock);
  const engine = await createScenarioEngine({
    machines: baseline.machines,
    fragileMap: scenario.fragileMap,
    clock,
    sleep: async (ms, signal) => work.sleep(ms, signal),
    // A nested execution only waits; its own tasks are marked.
    around: async (service, _call, site, run) =>
      service === 'states:StartExecution'
        ? run()
        : work.around(async (at) => asOrigin(originOfTask(site, at), run)),
  });
  const injection = injectionOf(preparation, motoWorld, world, work, engine);
  const flaws: string[] = [];
  proxy.use(async (asked, origin) => {
    try {
      return await injection.serve(asked, origin);
    } catch (error) {
      flaws.push(`suite: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return 'reset';
    }
  });
  return {
    world,
    engine,
    plan: injection.plan,
    // Time stands still meanwhile.
    observe: async () => work.around(async () => motoWorld.readAll()),
    use: async (by, target, imageId) => {
      const use = USERS.get(by);
      if (use === undefined) throw new Error(`Nobody knows how ${by} uses an AMI.`);
      return use(motoWorld.observerOf(target), await moto.observer(target), imageId);
    },
    flaws,
  };
}

function injectionOf(
  { moto, proxy, baseline, scenario, calls, hooks }: Preparation,
  motoWorld: MotoWorld,
  world: World,
  work: RealWork,
  engine: Engine,
): WireInjection {
  const { hub } = baseline;
  const services = new Services({
    world,
    moto,
    endpoint: proxy.endpoint,
    work,
    hub,
    knows: (...known) => injection.knows(...known),
  });
  services.stepFunctions = stepFunctionsOf(engine);
  for (const { accountId } of targetsOf(baseline)) services.addProject(accountId);
  const actors = new Map(
    scenario.actors.map((actor) => [baseline.releases[actor].planned.executionName, actor]),
  );
  const injection: WireInjection = new WireInjection({
    hub,
    whoOf: (execution) => actors.get(execution) ?? 'sweep',
    faults: scenario.faults,
    perform: async (call, asked, origin) =>
      call.service === 'codebuild' || call.service === 'sfn'
        ? services.answer(call, origin)
        : forward(moto.endpoint, asked),
    observe: async () => motoWorld.readVisible(),
    calls,
    hooks,
  });
  injection.knows('AKIAHUB', { ...hub, role: TASKS, session: TASKS });
  return injection;
}
