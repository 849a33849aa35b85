/** Plays one scenario: a world, one or two releases, faults, sweeps; and says what was wrong with how it went. */
import { NAMES, parameters } from '../../core/contract/names.ts';
import type { Release } from '../../core/contract/releases.ts';
import { PIVOT } from '../../core/contract/state-names.ts';
import { sweepReportSchema } from '../../core/contract/sweeps.ts';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { forgetClients } from '../../core/aws/clients.ts';
import { bindSandbox } from '../../sandbox/bind.ts';
import type { Engine, Execution } from '../../sandbox/engine/engine.ts';
import { machineArn } from '../../sandbox/rehearsal/rehearsal.ts';
import type { Call, Sandbox } from '../../sandbox/sandbox.ts';
import * as z from 'zod';
import { engineFor } from './engine-for.ts';
import { everythingElse } from './facts.ts';
import { misblamed, untold, untoldBatch, wrongParent } from './explanation.ts';
import { type Actor, type Ground, IMAGE, type Past, type Size, newWorld, targetsOf } from './ground.ts';
import { type Fault, Injection, type RecordedCall, nameOfFault } from './injection.ts';
import { Places, type Point, nameOfPoint } from './points.ts';
import { type Turns, Turnstile } from './turnstile.ts';
import { USERS, type User } from './users.ts';
import { type End, Oracle, endOf, namedBy, stands } from './verdict.ts';
import { Watch } from './watch.ts';

export interface Scenario {
  /** Stable, and readable; the command line takes it. */
  readonly id: string;
  readonly category: string;
  readonly size: Size;
  readonly past: Past;
  readonly actors: readonly Actor[];
  readonly faults: readonly Fault[];
  /** The first release's execution is stopped right after this call. */
  readonly stopAfter?: Point;
  /** Its own time limit ends it there, and not a person. */
  readonly timesOut?: true;
  /** The event of its end starts a sweep. Without it, only the schedule does. */
  readonly sweptAtOnce?: boolean;
  /** The sweep's execution is stopped right after this call of it. */
  readonly stopSweepAfter?: Point;
  /** A scheduled sweep runs from its beginning to its end while this call waits for its answer. */
  readonly sweepDuring?: Point;
  /** How two releases take turns. */
  readonly turns?: Turns;
  /** The ends that are allowed; any good one by default. */
  readonly ends?: readonly End[];
  /** Nothing lasts, so the first sweep must end well. */
  readonly sweeps?: 'well';
  /** From the moment it is published on, this uses the AMI of the first target. */
  readonly usedBy?: User;
  /** Starts with the commit, and not with the planned release of the image. */
  readonly whole?: true;
  /** The Map that fails as a whole when something in it does. */
  readonly fragileMap?: string;
  /** A fault strikes what was seen while nothing else happened: it may find nothing to strike. */
  readonly mayMiss?: true;
}

export interface Played {
  readonly violations: readonly string[];
  /** Whether some fault found nothing to strike. */
  readonly missed: boolean;
  readonly ends: readonly (End | undefined)[];
  readonly recorded: readonly RecordedCall[];
  /** Those after the latest fault struck for the first time. */
  readonly recordedSinceStrike: readonly RecordedCall[];
  readonly calls: number;
}

const MINUTE = 60_000;
/** Longer than SSM's validation, EC2's changes of state and an AMI that is still being made. */
const SETTLE_MS = 61 * MINUTE;
const HOURS_OF_A_HUNG_BUILD = 24;
/** Of real time; a scenario takes a thousandth of it. */
const PATIENCE_MS = 60_000;

export async function play(ground: Ground, scenario: Scenario, records = false): Promise<Played> {
  const sandbox = newWorld(ground, scenario.past);
  const unbind = bindSandbox(sandbox);
  forgetClients();
  const patience = Promise.withResolvers<Played>();
  const timer = setTimeout(() => {
    patience.resolve({
      violations: ['suite: it did not end'],
      missed: false,
      ends: [],
      recorded: [],
      recordedSinceStrike: [],
      calls: sandbox.callCount,
    });
  }, PATIENCE_MS);
  try {
    return await Promise.race([new Play(sandbox, ground, scenario, records).run(), patience.promise]);
  } finally {
    clearTimeout(timer);
    sandbox.clock.end();
    unbind();
    forgetClients();
  }
}

class Play {
  readonly #sandbox: Sandbox;
  readonly #ground: Ground;
  readonly #scenario: Scenario;
  readonly #watch: Watch;
  readonly #oracle: Oracle;
  readonly #injection: Injection;
  readonly #turnstile: Turnstile | undefined;
  readonly #executions: Execution[] = [];
  readonly #reached = new Set<Point>();
  #before: ReadonlyMap<string, string>;
  /** The AMI that something uses. */
  #used: { readonly target: Target; readonly imageId: string } | undefined;
  readonly #wrong: string[] = [];
  #engine: Engine | undefined;
  #sweeps: Execution[] = [];

  constructor(sandbox: Sandbox, ground: Ground, scenario: Scenario, records: boolean) {
    this.#sandbox = sandbox;
    this.#ground = ground;
    this.#scenario = scenario;
    const { actors, faults, turns } = scenario;
    const names = new Map(
      actors.flatMap((actor) => {
        const { planned, startedBy } = ground.releases[actor];
        return [planned.executionName, startedBy].map((name) => [name, actor] as const);
      }),
    );
    this.#before = everythingElse(sandbox.world, this.#releases);
    this.#watch = new Watch(sandbox.world, ground, this.#releases);
    this.#oracle = new Oracle(sandbox, ground, this.#watch);
    this.#turnstile = turns && new Turnstile(turns);
    this.#injection = new Injection({
      faults,
      records,
      places: new Places((name) => names.get(name) ?? 'sweep'),
      before: (point) => this.#turnstile?.pass(point),
      after: (point, call) => this.#after(point, call),
    });
    this.#injection.install(sandbox);
  }

  get #releases() {
    return this.#scenario.actors.map((actor) => this.#ground.releases[actor].planned.release);
  }

  async run(): Promise<Played> {
    const { actors, sweptAtOnce, stopAfter, stopSweepAfter, sweepDuring } = this.#scenario;
    const { whole, fragileMap } = this.#scenario;
    this.#engine = await engineFor(this.#sandbox, this.#ground, this.#injection, fragileMap);
    const parent = whole && (await this.#startWhole(this.#engine));
    if (!whole) for (const actor of actors) await this.#start(actor);
    const ends = await Promise.all(
      this.#executions.map(async (execution, index) => {
        const end = endOf(execution, await execution.outcome);
        this.#turnstile?.leave(actors[index]);
        return end;
      }),
    );
    if (parent) this.#wrong.push(...wrongParent(parent, this.#scenario, stands(ends[0])));
    this.#watch.look();
    this.#judge(ends, true);
    await this.#judgeTelling(ends);
    if (sweptAtOnce === true) {
      for (const [index, execution] of this.#executions.entries())
        if (ends[index] !== 'released') await this.#sweep({ execution: execution.arn });
    }
    await this.#settle();
    this.#judge(ends, false);
    this.#judgeLatest(ends);
    const unreached = [stopAfter, stopSweepAfter, sweepDuring].filter(
      (point) => point !== undefined && !this.#reached.has(point),
    );
    const { unmet } = this.#injection;
    if (this.#scenario.mayMiss !== true) {
      this.#wrong.push(...unmet.map((fault) => `suite: no call met ${nameOfFault(fault)}`));
      for (const point of unreached)
        if (point) this.#wrong.push(`suite: ${nameOfPoint(point)} was never reached`);
    }
    await this.#sweepTheRest(ends);
    this.#judgeUsed();
    this.#wrong.push(...differences(this.#before, everythingElse(this.#sandbox.world, this.#releases)));
    return {
      violations: [...new Set([...this.#watch.violations, ...this.#wrong])],
      missed: unmet.length + unreached.length > 0,
      ends,
      recorded: this.#injection.recorded,
      recordedSinceStrike: this.#injection.recordedSinceStrike,
      calls: this.#sandbox.callCount,
    };
  }

  async #start(actor: Actor): Promise<void> {
    const { clock } = this.#sandbox;
    const { planned, input, startedAt } = this.#ground.releases[actor];
    await clock.sleep(startedAt - clock.milliseconds());
    const arn = machineArn(this.#ground.hub, NAMES.releaseImageMachine);
    const execution = this.#engine?.start(arn, planned.executionName, input);
    if (execution) this.#executions.push(execution);
  }

  /** From the commit to the end of everything; the release of the image is the first of the executions, if it came to it. */
  async #startWhole(engine: Engine): Promise<Execution> {
    const { startedBy, planned } = this.#ground.releases.A;
    const parent = engine.start(machineArn(this.#ground.hub, NAMES.releaseMachine), startedBy, {
      image: IMAGE,
    });
    await parent.outcome;
    const own = engine.executions.find(({ name }) => name === planned.executionName);
    if (own) this.#executions.push(own);
    return parent;
  }

  #after(point: Point, call: Call): Promise<void> | undefined {
    this.#watch.lookAfter(call.mutating);
    const release = this.#releases[this.#scenario.actors.findIndex((actor) => actor === point.who)];
    if (release && call.operation === 'PutParameter' && point.state === 'Publish release') {
      const { Name: name, Value: value } = call.input;
      if (name === parameters.latest(release.image)) this.#watch.lookAtFlip(release, value);
    }
    if (release && point.state === 'Publish release') this.#letUse(release);
    const { stopAfter, stopSweepAfter, sweepDuring } = this.#scenario;
    if (this.#comesTo(stopAfter, point)) {
      const [execution] = this.#executions;
      if (this.#scenario.timesOut) execution?.timeOut();
      else execution?.stop();
    }
    if (this.#comesTo(stopSweepAfter, point)) this.#sweeps.at(-1)?.stop();
    return this.#comesTo(sweepDuring, point) ? this.#sweep({}) : undefined;
  }

  #letUse(release: Release): void {
    const { usedBy } = this.#scenario;
    const [target] = targetsOf(this.#ground);
    if (usedBy === undefined || this.#used || !target) return;
    const [imageId = ''] = this.#watch.madeIn(target, release);
    USERS[usedBy](this.#sandbox.world, target, imageId);
    this.#used = { target, imageId };
    this.#before = everythingElse(this.#sandbox.world, this.#releases);
  }

  /** What is used is kept, and tagged unless nobody could see what uses it. */
  #judgeUsed(): void {
    if (!this.#used) return;
    const { target, imageId } = this.#used;
    const image = this.#sandbox.world.region(target.accountId, target.region).images.get(imageId);
    const state = image?.tags.get(TAGS.state);
    if (image === undefined) this.#wrong.push(`${imageId} is used by ${this.#scenario.usedBy}, but is gone`);
    else if (state !== STATES.quarantined)
      this.#wrong.push(`${imageId} is used by ${this.#scenario.usedBy}, but its state is ${state}`);
  }

  #comesTo(wanted: Point | undefined, point: Point): boolean {
    if (!wanted || this.#reached.has(wanted) || nameOfPoint(wanted) !== nameOfPoint(point)) return false;
    this.#reached.add(wanted);
    return true;
  }

  /** Judges what the releases say of themselves; right at their end their lists are exact, later things may vanish. */
  #judge(ends: readonly (End | undefined)[], exactly: boolean): void {
    for (const [index, execution] of this.#executions.entries()) {
      const end = ends[index];
      const release = this.#releases[index];
      if (!release || end === 'stopped') continue;
      if (end === undefined || this.#scenario.ends?.includes(end) === false) {
        const where = execution.history.path.at(-1);
        if (!exactly) this.#wrong.push(`${release.releaseId} ended in ${where} (${end ?? 'no known end'})`);
      } else if (stands(end)) {
        if (!exactly) this.#wrong.push(...this.#oracle.ofReleased(release, end));
      } else if (this.#sweeps.length === 0) {
        const named = end === 'rollback not verified' || this.#isDeceived ? undefined : namedBy(execution);
        this.#wrong.push(...this.#oracle.ofUndone(release, named, exactly));
      }
    }
  }

  /** AWS itself told `Verify rollback` something that was not so: no list can be right then, and the sweep has to be. */
  get #isDeceived(): boolean {
    return this.#scenario.faults.some(
      ({ kind, point }) => point.state === 'Verify rollback' && /^(stale|partial)/.test(kind),
    );
  }

  async #judgeTelling(ends: readonly (End | undefined)[]): Promise<void> {
    const { faults, ends: expected, category } = this.#scenario;
    for (const [index, execution] of this.#executions.entries()) {
      if (ends[index] !== 'rolled back') continue;
      const releaseId = this.#releases[index]?.releaseId ?? '';
      if (expected?.length === 1) this.#wrong.push(...untold(this.#sandbox, releaseId));
      if (category === 'one fault')
        this.#wrong.push(...misblamed(this.#ground, await execution.outcome, faults));
      if (category === 'a batch fails') this.#wrong.push(...untoldBatch(await execution.outcome));
    }
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

  #standing(ends: readonly (End | undefined)[]) {
    return this.#releases.filter((_release, index) => stands(ends[index]));
  }

  /** Whatever is left goes with the next sweep, once nothing fails any more. */
  async #sweepTheRest(ends: readonly (End | undefined)[]): Promise<void> {
    const gone = this.#releases.filter((_release, index) => !stands(ends[index]));
    const left = () => gone.some((release) => [...this.#oracle.traces(release).values()].flat().length > 0);
    const isDoubtful =
      this.#isDeceived ||
      this.#executions.some((_execution, index) => !['released', 'rolled back'].includes(ends[index] ?? ''));
    if (!left() && !isDoubtful) return;
    this.#injection.lift();
    await this.#sweep({});
    await this.#sandbox.clock.sleep(10 * MINUTE);
    this.#watch.look();
    const kept = this.#used && targetName(this.#used.target);
    for (const release of gone) {
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids)
          if (target !== kept || !/^(ami|snap)-/.test(id))
            this.#wrong.push(`${target}: ${id} is left after the next sweep`);
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
    const execution = this.#engine?.start(arn, `sweep-${this.#sweeps.length + 1}`, request);
    if (!execution) return;
    this.#sweeps.push(execution);
    const { status } = await execution.outcome;
    const end = execution.history.path.at(-1) ?? '';
    const { faults, fragileMap } = this.#scenario;
    const isOfReleases = faults.every(({ point }) => point.state === 'Sweep each release');
    if (status !== 'ABORTED' && !['Swept', 'Sweep incomplete', 'Not swept'].includes(end))
      this.#wrong.push(`${execution.name} ended in ${end}`);
    if (end === 'Not swept' && isOfReleases && fragileMap === undefined)
      this.#wrong.push(`${execution.name} ended in ${end}, although other releases could be swept`);
    if (this.#scenario.sweeps === 'well' && end !== 'Swept')
      this.#wrong.push(`${execution.name} ended in ${end}, although nothing lasted that kept it`);
    if (end !== 'Swept' || this.#isSweepDeceived) return;
    const { report } = z
      .object({ report: sweepReportSchema })
      .parse(execution.history.outputs.get('Report sweep'));
    const kept = new Set(report.kept.map(({ releaseId }) => releaseId));
    for (const release of this.#releases.filter(({ releaseId }) => !kept.has(releaseId))) {
      if (this.#isReleased(release.releaseId)) continue;
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids)
          this.#wrong.push(`${execution.name} says that all is swept, but ${target} has ${id}`);
    }
    for (const { releaseId } of report.removed)
      if (this.#isReleased(releaseId) || !this.#releases.some((one) => one.releaseId === releaseId))
        this.#wrong.push(`${execution.name} removed something of ${releaseId}`);
  }

  /** AWS told the sweep something that was not so: it cannot know, and the next one has to. */
  get #isSweepDeceived(): boolean {
    return this.#scenario.faults.some(
      ({ kind, point }) => point.who === 'sweep' && /^(stale|partial)/.test(kind),
    );
  }

  #isReleased(releaseId: string): boolean {
    const index = this.#releases.findIndex((one) => one.releaseId === releaseId);
    const end = this.#executions[index]?.history.path.at(-1);
    return end === PIVOT.behind || end?.startsWith('Released') === true;
  }

  /** Waits until whatever was set in motion has come to rest. */
  async #settle(): Promise<void> {
    const { clock, world } = this.#sandbox;
    await clock.sleep(SETTLE_MS);
    const running = (): boolean =>
      [...world.regions.values()].some(({ builds }) =>
        [...builds.values()].some(({ status }) => status === 'IN_PROGRESS'),
      );
    for (let hour = 0; hour < HOURS_OF_A_HUNG_BUILD && running(); hour++) await clock.sleep(SETTLE_MS);
    this.#watch.look();
  }
}

export function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const wrong: string[] = [];
  for (const [id, thing] of before) {
    if (!after.has(id)) wrong.push(`${id} is gone`);
    else if (after.get(id) !== thing) wrong.push(`${id} was ${thing}, is ${after.get(id)}`);
  }
  for (const [id, thing] of after) if (!before.has(id)) wrong.push(`${id} is new: ${thing}`);
  return wrong;
}
