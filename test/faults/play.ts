/** Plays one scenario: a world, one or two releases, faults; and says what was wrong with how it went. */
import { NAMES, parameters, targetName } from '../../tasks/contract.ts';
import { forgetClients } from '../../tasks/aws-clients.ts';
import { bindSandbox } from '../../sandbox/bind.ts';
import { Engine, type Execution, type Integration } from '../../sandbox/engine.ts';
import { integrationsFor } from '../../sandbox/integrations.ts';
import { machineArn } from '../../sandbox/rehearsal.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { loadTask } from '../../sandbox/task-handlers.ts';
import { everythingElse } from './facts.ts';
import { type Actor, type Ground, type Past, newWorld } from './ground.ts';
import { type Fault, Injection, type RecordedCall, nameOfFault } from './injection.ts';
import { Places, type Point, nameOfPoint } from './points.ts';
import { type End, Oracle, endOf, namedBy, stands } from './verdict.ts';
import { Watch } from './watch.ts';

export interface Scenario {
  /** Stable, and readable; the command line takes it. */
  readonly id: string;
  readonly category: string;
  readonly past: Past;
  readonly actors: readonly Actor[];
  readonly faults: readonly Fault[];
  /** The first release's execution is stopped right after this call. */
  readonly stopAfter?: Point;
  /** The ends that are allowed; any good one by default. */
  readonly ends?: readonly End[];
}

export interface Played {
  readonly violations: readonly string[];
  readonly ends: readonly (End | undefined)[];
  readonly recorded: readonly RecordedCall[];
  readonly calls: number;
}

/** Longer than SSM's validation, EC2's changes of state and an AMI that is still being made. */
const SETTLE_MS = 60 * 60_000;
const HOURS_OF_A_HUNG_BUILD = 24;

export async function play(ground: Ground, scenario: Scenario, records = false): Promise<Played> {
  const sandbox = newWorld(ground, scenario.past);
  const unbind = bindSandbox(sandbox);
  forgetClients();
  try {
    return await playIn(sandbox, ground, scenario, records);
  } finally {
    sandbox.clock.end();
    unbind();
    forgetClients();
  }
}

async function playIn(
  sandbox: Sandbox,
  ground: Ground,
  scenario: Scenario,
  records: boolean,
): Promise<Played> {
  const { world, clock } = sandbox;
  const { actors, faults, stopAfter } = scenario;
  const playing = actors.map((actor) => ({ actor, ...ground.releases[actor] }));
  const releases = playing.map(({ planned }) => planned.release);
  const before = everythingElse(world, releases);
  const watch = new Watch(world, ground, releases);
  const oracle = new Oracle(sandbox, ground, watch);
  const names = new Map(playing.map(({ actor, planned }) => [planned.executionName, actor]));
  const executions: Execution[] = [];
  let stopped = false;
  const injection = new Injection({
    faults,
    records,
    places: new Places((name) => names.get(name) ?? 'sweep'),
    after: (point, changes) => {
      watch.lookAfter(changes);
      if (!stopAfter || !point || stopped || nameOfPoint(point) !== nameOfPoint(stopAfter)) return;
      stopped = true;
      executions[0]?.stop();
    },
  });
  injection.install(sandbox);
  const engine = await engineFor(sandbox, ground, injection);
  for (const { startedAt, planned, input } of playing) {
    await clock.sleep(startedAt - clock.milliseconds());
    executions.push(
      engine.start(machineArn(ground.hub, NAMES.releaseImageMachine), planned.executionName, input),
    );
  }
  const ends = await Promise.all(
    executions.map(async (execution) => endOf(execution, await execution.outcome)),
  );
  watch.look();
  const found = executions.map((execution, index) => {
    const release = releases[index];
    const end = ends[index];
    return {
      execution,
      end,
      release,
      named: end === 'rollback not verified' ? undefined : namedBy(execution),
    };
  });
  const wrong: string[] = [];
  for (const { release, end, named } of found)
    if (release && !stands(end) && end !== 'stopped') wrong.push(...oracle.ofUndone(release, named, true));
  await settle(sandbox);
  watch.look();
  const unclear = new Set<string>();
  for (const { execution, release, end, named } of found) {
    if (!release) continue;
    if (end === undefined || (scenario.ends && !scenario.ends.includes(end)))
      wrong.push(`${release.releaseId} ended in ${execution.history.path.at(-1)} (${end ?? 'no known end'})`);
    else if (stands(end)) wrong.push(...oracle.ofReleased(release, end));
    else if (end !== 'stopped') wrong.push(...oracle.ofUndone(release, named, false));
    if (end === 'stopped' || named === undefined)
      for (const place of oracle.traces(release).keys()) unclear.add(place);
    for (const leftover of named ?? [])
      if ([release.releaseId, parameters.latest(release.image)].includes(leftover.resourceId))
        unclear.add(targetName(leftover));
  }
  const standing = found.flatMap(({ release, end }) => (release && stands(end) ? [release] : []));
  wrong.push(...oracle.ofLatest(standing, unclear), ...differences(before, everythingElse(world, releases)));
  if (stopAfter && !stopped) wrong.push(`suite: ${nameOfPoint(stopAfter)} was never reached`);
  wrong.push(...injection.unmet.map((fault) => `suite: no call met ${nameOfFault(fault)}`));
  return {
    violations: [...new Set([...watch.violations, ...wrong])],
    ends,
    recorded: injection.recorded,
    calls: sandbox.callCount,
  };
}

async function engineFor(sandbox: Sandbox, ground: Ground, injection: Injection): Promise<Engine> {
  const sleep = async (ms: number): Promise<void> => sandbox.clock.sleep(ms);
  const engineOf = (): Engine => engine;
  const integrationOf = integrationsFor({ loadTask, sleep, engine: engineOf });
  let running = 0;
  const around =
    (operation: string, run: Integration): Integration =>
    async (call) => {
      // Every function has its own clients, and its first call assumes a role.
      if (running++ === 0) forgetClients();
      try {
        return await injection.aroundService(operation, async () => run(call));
      } finally {
        running--;
      }
    };
  const engine: Engine = await Engine.create({
    machines: ground.machines,
    integrationOf: async (resource) => {
      const run = await integrationOf(resource);
      if (!run || resource.includes('codebuild')) return run;
      return around(resource.includes(':lambda:') ? 'lambda:Invoke' : 'states:StartExecution', run);
    },
    now: () => sandbox.clock.now(),
    sleep,
    inner: [NAMES.bakeBatchMachine],
  });
  return engine;
}

/** Waits until whatever was set in motion has come to rest. */
async function settle({ clock, world }: Sandbox): Promise<void> {
  await clock.sleep(SETTLE_MS);
  const running = (): boolean =>
    [...world.regions.values()].some(({ builds }) =>
      [...builds.values()].some(({ status }) => status === 'IN_PROGRESS'),
    );
  for (let hour = 0; hour < HOURS_OF_A_HUNG_BUILD && running(); hour++) await clock.sleep(SETTLE_MS);
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const wrong: string[] = [];
  for (const [id, thing] of before) {
    if (!after.has(id)) wrong.push(`${id} is gone`);
    else if (after.get(id) !== thing) wrong.push(`${id} was ${thing}, is ${after.get(id)}`);
  }
  for (const [id, thing] of after) if (!before.has(id)) wrong.push(`${id} is new: ${thing}`);
  return wrong;
}
