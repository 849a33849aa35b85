/** Plays one scenario against moto: releases and sweeps, faults on the wire; and says what was wrong with how it went. */
import { setTimeout as realSleep } from 'node:timers/promises';
import * as z from 'zod';
import { Clock } from '../../../sandbox/aws/clock.ts';
import type { Engine, Execution } from '../../../sandbox/engine/engine.ts';
import { machineArn } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import { stepFunctionsOf } from '../../../sandbox/aws/step-functions.ts';
import { World } from '../../../sandbox/aws/world.ts';
import { forgetClients } from '../../../core/aws/clients.ts';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import type { Release } from '../../../core/contract/releases.ts';
import { sweepReportSchema } from '../../../core/contract/sweeps.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { everythingElse } from '../../faults/facts.ts';
import { type Actor, type Ground, type Past, type Size, targetsOf } from '../../faults/ground.ts';
import { differences } from '../../faults/play.ts';
import { type Point, nameOfPoint } from '../../faults/points.ts';
import { type Turns, Turnstile } from '../../faults/turnstile.ts';
import { type End, Oracle, endOf, namedBy, stands } from '../../faults/verdict.ts';
import { Watch } from '../../faults/watch.ts';
import { STARTED_AT } from '../../workflow/machines/rehearsing.ts';
import type { Moto } from '../moto.ts';
import { addPast, fillBucket } from './accounts.ts';
import { engineOn } from './engine.ts';
import { MotoWorld } from './moto-world.ts';
import { RealWork } from './origin.ts';
import { type Proxy, forward } from './proxy.ts';
import { Services } from './services.ts';
import { type Fault, Strikes, nameOfFault } from './strikes.ts';
import type { Use } from './uses.ts';

export interface Scenario {
  /** What a person reads, and what the command line takes. */
  readonly id: string;
  readonly size: Size;
  readonly past: Past;
  readonly actors: readonly Actor[];
  readonly faults: readonly Fault[];
  /** The first release's execution is stopped right after this call. */
  readonly stopAfter?: string;
  /** The sweep's execution is stopped right after this call of it. */
  readonly stopSweepAfter?: string;
  /** A scheduled sweep runs from its beginning to its end while this call waits for its answer. */
  readonly sweepDuring?: string;
  /** Somebody begins to use an AMI of the release right after this call. */
  readonly use?: { readonly after: string; readonly by: Use };
  /** How two releases take turns. */
  readonly turns?: Turns;
  /** The ends that are allowed, for each release. */
  readonly ends: readonly End[];
}

const MINUTE = 60_000;
/** Longer than any state waits. */
const SETTLE_MS = 61 * MINUTE;
/** Of real time; a scenario takes a tenth of it. */
const PATIENCE_MS = 60_000;

/** Returns what was wrong, and the calls that were made. */
export async function play(
  moto: Moto,
  proxy: Proxy,
  ground: Ground,
  scenario: Scenario,
): Promise<{ violations: string[]; calls: readonly string[] }> {
  const clock = new Clock(STARTED_AT);
  await moto.reset();
  forgetClients();
  const made = await Play.prepare(moto, proxy, ground, scenario, clock);
  const patience = new AbortController();
  try {
    const unending = realSleep(PATIENCE_MS, undefined, { signal: patience.signal });
    const violations = await Promise.race([made.run(), unending.then(() => made.whereItIs())]);
    return { violations, calls: made.calls };
  } finally {
    patience.abort();
    clock.end();
    proxy.use(undefined);
    forgetClients();
  }
}

class Play {
  readonly #ground: Ground;
  readonly #scenario: Scenario;
  readonly #moto: Moto;
  readonly #world: World;
  readonly #motoWorld: MotoWorld;
  readonly #work: RealWork;
  readonly #watch: Watch;
  readonly #oracle: Oracle;
  readonly #strikes: Strikes;
  readonly #turnstile: Turnstile | undefined;
  readonly #executions: Execution[] = [];
  readonly #sweeps: Execution[] = [];
  readonly #before: ReadonlyMap<string, string>;
  readonly #reached = new Set<string>();
  readonly #wrong: string[] = [];
  readonly #engine: Engine;
  /** Takes the use of an AMI back again. */
  #endUse: (() => Promise<void>) | undefined;

  static async prepare(
    moto: Moto,
    proxy: Proxy,
    ground: Ground,
    scenario: Scenario,
    clock: Clock,
  ): Promise<Play> {
    const world = new World(clock, 'moto', () => ({ images: new Map(), parameters: new Map() }));
    const releases = scenario.actors.map((actor) => ground.releases[actor].planned.release);
    await fillBucket(moto, ground);
    const motoWorld = await MotoWorld.of(moto, world, ground, releases);
    await addPast(motoWorld, scenario.past);
    await motoWorld.readAll();
    const work = new RealWork(clock);
    const engine = await engineOn(ground, clock, work);
    return new Play(moto, proxy, ground, scenario, world, motoWorld, work, engine);
  }

  private constructor(
    moto: Moto,
    proxy: Proxy,
    ground: Ground,
    scenario: Scenario,
    world: World,
    motoWorld: MotoWorld,
    work: RealWork,
    engine: Engine,
  ) {
    this.#moto = moto;
    this.#ground = ground;
    this.#scenario = scenario;
    this.#world = world;
    this.#motoWorld = motoWorld;
    this.#work = work;
    this.#engine = engine;
    const { actors, faults, turns } = scenario;
    const { hub } = ground;
    this.#before = everythingElse(world, this.#releases);
    this.#watch = new Watch(world, ground, this.#releases);
    this.#oracle = new Oracle({ world, hub: { ...hub, bucket: ground.bucket } }, ground, this.#watch);
    this.#turnstile = turns && new Turnstile(turns);
    const services = new Services({
      world,
      moto,
      endpoint: proxy.endpoint,
      work,
      hub,
      knows: (...known) => this.#strikes.knows(...known),
    });
    services.stepFunctions = stepFunctionsOf(engine);
    for (const { accountId } of targetsOf(ground)) services.addProject(accountId);
    const names = new Map(actors.map((actor) => [ground.releases[actor].planned.executionName, actor]));
    this.#strikes = new Strikes(ground, (execution) => names.get(execution) ?? 'sweep', faults, {
      perform: async (call, asked, origin) =>
        call.service === 'codebuild' || call.service === 'sfn'
          ? services.answer(call, origin)
          : forward(moto.endpoint, asked),
      before: (point) => this.#turnstile?.pass(point),
      look: async (point, call) => this.#look(point, call),
      after: (point) => this.#after(point),
    });
    this.#strikes.knows('AKIAHUB', { ...hub, role: 'packleader-tasks', session: 'packleader-tasks' });
    proxy.use(async (asked, origin) => {
      try {
        return await this.#strikes.serve(asked, origin);
      } catch (error) {
        this.#wrong.push(`suite: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        return 'reset';
      }
    });
  }

  get calls(): readonly string[] {
    return this.#strikes.made;
  }

  get #releases(): Release[] {
    return this.#scenario.actors.map((actor) => this.#ground.releases[actor].planned.release);
  }

  async run(): Promise<string[]> {
    const { actors, stopAfter } = this.#scenario;
    for (const actor of actors) await this.#start(actor);
    const ends = await Promise.all(
      this.#executions.map(async (execution, index) => {
        const end = endOf(execution, await execution.outcome);
        this.#turnstile?.leave(actors[index]);
        return end;
      }),
    );
    await this.#read();
    this.#judge(ends, true);
    if (stopAfter !== undefined) await this.#sweepWhatWasStopped();
    await this.#settle();
    this.#judge(ends, false);
    this.#judgeLatest(ends);
    this.#judgeSuite();
    await this.#sweepTheRest(ends);
    this.#wrong.push(...differences(this.#before, everythingElse(this.#world, this.#releases)));
    return [...new Set([...this.#watch.violations, ...this.#wrong])];
  }

  /** For a scenario that does not end. */
  whereItIs(): string[] {
    const states = this.#engine.executions
      .filter(({ history }) => !history.ended)
      .map(({ name, history }) => `${name} is in ${history.path.at(-1)}`);
    const last = this.#strikes.made.at(-1);
    return [...this.#wrong, `suite: it did not end: ${states.join(', ')}; the last call was ${last}`];
  }

  async #start(actor: Actor): Promise<void> {
    const { planned, input, startedAt } = this.#ground.releases[actor];
    await this.#world.clock.sleep(startedAt - this.#world.clock.milliseconds());
    const arn = machineArn(this.#ground.hub, NAMES.releaseImageMachine);
    this.#executions.push(this.#engine.start(arn, planned.executionName, input));
  }

  /** Reads everything while time stands still. */
  async #read(): Promise<void> {
    await this.#work.around(async () => this.#motoWorld.readAll());
    this.#watch.look();
  }

  async #look(point: Point, call: Call): Promise<void> {
    await this.#motoWorld.readVisible();
    this.#watch.look();
    const release = this.#releases[this.#scenario.actors.findIndex((actor) => actor === point.who)];
    if (!release || call.operation !== 'PutParameter' || point.state !== 'Publish release') return;
    const { Name: name, Value: value } = call.input;
    if (name === parameters.latest(release.image)) this.#watch.lookAtFlip(release, value);
  }

  #after(point: Point): Promise<void> | undefined {
    const { stopAfter, stopSweepAfter, sweepDuring, use } = this.#scenario;
    if (this.#comesTo(stopAfter, point)) this.#executions[0]?.stop();
    if (this.#comesTo(stopSweepAfter, point)) this.#sweeps.at(-1)?.stop();
    if (use && this.#comesTo(use.after, point)) return this.#use(use.by);
    return this.#comesTo(sweepDuring, point) ? this.#sweep({}) : undefined;
  }

  #comesTo(wanted: string | undefined, point: Point): boolean {
    if (wanted === undefined || this.#reached.has(wanted) || wanted !== nameOfPoint(point)) return false;
    this.#reached.add(wanted);
    return true;
  }

  /** In the last target, whose AMI is the last one made. */
  async #use(by: Use): Promise<void> {
    const target = targetsOf(this.#ground).at(-1);
    const [release] = this.#releases;
    const [imageId] = target && release ? this.#watch.madeIn(target, release) : [];
    if (!target || imageId === undefined) throw new Error('There is no AMI that anybody could use.');
    this.#endUse = await by(this.#motoWorld.observerOf(target), await this.#moto.observer(target), imageId);
  }

  /** Judges what the releases say of themselves; right at their end their lists are exact, later things may vanish. */
  #judge(ends: readonly (End | undefined)[], exactly: boolean): void {
    for (const [index, execution] of this.#executions.entries()) {
      const end = ends[index];
      const release = this.#releases[index];
      if (!release) continue;
      if (end === undefined || !this.#scenario.ends.includes(end)) {
        const where = execution.history.path.at(-1);
        const left = namedBy(execution).map(({ resourceId, why }) => `${resourceId}: ${why}`);
        if (exactly)
          this.#wrong.push(
            [`${release.releaseId} ended in ${where} (${end ?? 'no known end'})`, ...left].join('; '),
          );
      } else if (stands(end)) {
        if (!exactly) this.#wrong.push(...this.#oracle.ofReleased(release, end));
      } else if (this.#sweeps.length === 0 && end !== 'stopped') {
        const named = end === 'rollback not verified' || this.#isDeceived ? undefined : namedBy(execution);
        this.#wrong.push(...this.#oracle.ofUndone(release, named, exactly));
      }
    }
  }

  /** AWS itself told `Verify rollback` something that was not so: no list can be right then, and the sweep has to be. */
  get #isDeceived(): boolean {
    return this.#scenario.faults.some(
      ({ kind, at }) => at.startsWith('Verify rollback') && ['stale', 'empty'].includes(kind),
    );
  }

  #judgeLatest(ends: readonly (End | undefined)[]): void {
    const unclear = new Set<string>();
    for (const [index, execution] of this.#executions.entries()) {
      const end = ends[index];
      const release = this.#releases[index];
      if (!release || stands(end)) continue;
      if (end === 'stopped' || end === 'rollback not verified' || this.#isDeceived)
        for (const place of this.#oracle.traces(release).keys()) unclear.add(place);
      for (const leftover of namedBy(execution))
        if ([release.releaseId, parameters.latest(release.image)].includes(leftover.resourceId))
          unclear.add(targetName(leftover));
    }
    this.#wrong.push(...this.#oracle.ofLatest(this.#standing(ends), unclear));
  }

  /** A scenario whose faults never struck says nothing. */
  #judgeSuite(): void {
    const { stopAfter, stopSweepAfter, sweepDuring, use } = this.#scenario;
    for (const point of [stopAfter, stopSweepAfter, sweepDuring, use?.after])
      if (point !== undefined && !this.#reached.has(point))
        this.#wrong.push(`suite: ${point} was never reached`);
    this.#wrong.push(...this.#strikes.unmet.map((fault) => `suite: no call met ${nameOfFault(fault)}`));
  }

  #standing(ends: readonly (End | undefined)[]): Release[] {
    return this.#releases.filter((_release, index) => stands(ends[index]));
  }

  /** As the event of its end asks for. */
  async #sweepWhatWasStopped(): Promise<void> {
    const execution = this.#executions[0]?.arn;
    await this.#sweep({ execution });
    if (this.#scenario.stopSweepAfter !== undefined) await this.#sweep({ execution });
  }

  /** Whatever is left goes with the next sweep, once nothing fails any more and nobody uses it. */
  async #sweepTheRest(ends: readonly (End | undefined)[]): Promise<void> {
    const gone = this.#releases.filter((_release, index) => !stands(ends[index]));
    const left = gone.some((release) => [...this.#oracle.traces(release).values()].flat().length > 0);
    const isDoubtful = ends.some((end) => end !== 'released' && end !== 'rolled back');
    if (!left && !isDoubtful) return;
    this.#strikes.lift();
    await this.#endUse?.();
    await this.#sweep({});
    await this.#settle();
    for (const release of gone) {
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids) this.#wrong.push(`${target}: ${id} is left after the next sweep`);
    }
    this.#wrong.push(
      ...this.#oracle
        .ofLatest(this.#standing(ends), new Set())
        .map((wrong) => `after the next sweep ${wrong}`),
    );
  }

  /** Runs a sweep to its end; what it says of itself must be true. */
  async #sweep(request: object): Promise<void> {
    const arn = machineArn(this.#ground.hub, NAMES.sweepMachine);
    const execution = this.#engine.start(arn, `sweep-${this.#sweeps.length + 1}`, request);
    this.#sweeps.push(execution);
    await execution.outcome;
    await this.#read();
    if (execution.history.path.at(-1) !== 'Swept') return;
    const { report } = z
      .object({ report: sweepReportSchema })
      .parse(execution.history.outputs.get('Report sweep'));
    const kept = new Set(report.kept.map(({ releaseId }) => releaseId));
    for (const [index, release] of this.#releases.entries()) {
      const isReleased = this.#executions[index]?.history.path.at(-1)?.startsWith('Released') === true;
      if (isReleased && report.removed.some(({ releaseId }) => releaseId === release.releaseId))
        this.#wrong.push(`${execution.name} removed something of ${release.releaseId}`);
      if (isReleased || kept.has(release.releaseId)) continue;
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids)
          this.#wrong.push(`${execution.name} says that all is swept, but ${target} has ${id}`);
    }
  }

  /** Waits until whatever was set in motion has come to rest. */
  async #settle(): Promise<void> {
    await this.#world.clock.sleep(SETTLE_MS);
    await this.#read();
  }
}
