/** Plays one scenario in one environment: one or two releases, faults, sweeps; and says what was wrong with how it went. */
import { setTimeout as realSleep } from 'node:timers/promises';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import { STATE_NAMES } from '../../../core/contract/state-names.ts';
import { SETTLING_MINUTES } from '../../../core/contract/limits.ts';
import { executionName } from '../../../core/releases/execution-name.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import { machineArn } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import { type End, endOf, stands } from '../oracle/ends.ts';
import { wrongParent } from '../oracle/explanation.ts';
import { InvariantMonitor } from '../oracle/invariant-monitor.ts';
import { differences, everythingElse } from '../oracle/world-facts.ts';
import { type Actor, type Baseline, IMAGE, targetsOf } from './baseline.ts';
import type { CallHooks, Environment } from './environment.ts';
import type { InjectionPoint } from './injection-points.ts';
import { ReachedPoints } from './reached-points.ts';
import { Judge } from './judge.ts';
import { PlayOfRepoint } from './play-of-repoint.ts';
import { PlayOfRetirement } from './play-of-retirement.ts';
import type { Played, Scenario } from './scenario.ts';
import { StepScheduler } from './step-scheduler.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Longer than SSM's validation, EC2's changes of state and an AMI that is still being made. */
const SETTLE_MS = 61 * MINUTE;
const AFTER_SWEEP_MS = 10 * MINUTE;
const HOURS_OF_A_HUNG_BUILD = 24;
/** Of real time; a scenario takes a tenth of it on the wire, and a thousandth in the sandbox. */
const PATIENCE_MS = 60_000;

/** `prepare` makes the environment, and calls the hooks from the first start of an execution on. */
export async function play(
  baseline: Baseline,
  scenario: Scenario,
  prepare: (hooks: CallHooks) => Promise<Environment>,
): Promise<Played> {
  const environment = await prepare({
    before: (point) => playing.before(point),
    observed: (point, call) => playing.observed(point, call),
    after: (point) => playing.after(point),
  });
  const { repoint, retire } = scenario;
  const playing = repoint
    ? new PlayOfRepoint(environment, baseline, { ...scenario, repoint })
    : retire
      ? new PlayOfRetirement(environment, baseline, { ...scenario, retire })
      : new Play(environment, baseline, scenario);
  const patience = new AbortController();
  try {
    const unending = realSleep(PATIENCE_MS, undefined, { signal: patience.signal });
    return await Promise.race([playing.run(), unending.then(() => playing.whereItIs())]);
  } finally {
    patience.abort();
  }
}

class Play {
  readonly #environment: Environment;
  readonly #baseline: Baseline;
  readonly #scenario: Scenario;
  readonly #monitor: InvariantMonitor;
  readonly #judge: Judge;
  readonly #scheduler: StepScheduler | undefined;
  readonly #executions: Execution[] = [];
  readonly #sweeps: Execution[] = [];
  /** The attempt before the retry. */
  #first: Execution | undefined;
  readonly #reached = new ReachedPoints();
  #before: ReadonlyMap<string, string>;
  /** The AMI that something uses, and what ends the use. */
  #used:
    | { readonly target: Target; readonly imageId: string; readonly end: (() => Promise<void>) | undefined }
    | undefined;

  constructor(environment: Environment, baseline: Baseline, scenario: Scenario) {
    this.#environment = environment;
    this.#baseline = baseline;
    this.#scenario = scenario;
    const { world } = environment;
    this.#before = everythingElse(world, this.#releases);
    this.#monitor = new InvariantMonitor(world, baseline, this.#releases);
    this.#scheduler = scenario.schedule && new StepScheduler(scenario.schedule);
    const course = { executions: this.#executions, sweeps: this.#sweeps };
    this.#judge = new Judge(scenario, baseline, world, this.#monitor, course);
  }

  get #releases() {
    return this.#scenario.actors.map((actor) => this.#baseline.releases[actor].planned.release);
  }

  async run(): Promise<Played> {
    const { actors, whole, sweepsAtOnce = 0 } = this.#scenario;
    const parent = whole && (await this.#startWhole());
    if (!whole) for (const actor of actors) await this.#start(actor);
    const [first] = this.#executions;
    await this.#retry();
    if (first && this.#scenario.retried?.waitedFor) await this.#endWaiting(first);
    const ends = await Promise.all(
      this.#executions.map(async (execution, index) => {
        const end = endOf(execution, await execution.outcome);
        this.#scheduler?.end(actors[index]);
        return end;
      }),
    );
    if (parent) this.#judge.finds(...wrongParent(parent, this.#scenario, stands(ends[0])));
    await this.#observe();
    if (first && this.#scenario.retried) this.#judge.judgeSources(first, ends);
    if (first && this.#scenario.retried?.waitedFor) this.#judge.judgeHandedOver(first, ends);
    if (first && this.#scenario.retried?.redriven) await this.#judge.judgeRedriven(first);
    this.#judge.judgeEnds(ends, true);
    await this.#judge.judgeReports(ends);
    await this.#judge.judgeKept(ends);
    for (let sweeps = 0; sweeps < sweepsAtOnce; sweeps++)
      for (const [index, execution] of this.#executions.entries()) {
        if (ends[index] !== 'released') await this.#sweep({ execution: execution.arn });
        ends[index] = endOf(execution, await execution.outcome);
      }
    await this.#settle();
    this.#judge.judgeStaysSwept();
    this.#judge.judgeEnds(ends, false);
    this.#judge.judgeLatest(ends);
    const missed = this.#judgeSuite();
    await this.#sweepTheRest(ends);
    await this.#outliveKept(ends);
    this.#judge.finds(...differences(this.#before, everythingElse(this.#environment.world, this.#releases)));
    return { violations: this.#violations(), missed };
  }

  #violations(): string[] {
    return [...new Set([...this.#monitor.violations, ...this.#environment.flaws, ...this.#judge.found])];
  }

  /** For a scenario that does not end. */
  whereItIs(): Played {
    const states = this.#environment.engine.executions
      .filter(({ history }) => !history.ended)
      .map(({ name, history }) => `${name} is in ${history.path.at(-1)}`);
    const violation = `suite: it did not end: ${states.join(', ')}`;
    return { violations: [...this.#violations(), violation], missed: false };
  }

  before(point: InjectionPoint): Promise<void> | undefined {
    return this.#scheduler?.admit(point);
  }

  observed(point: InjectionPoint, call: Call): void {
    this.#monitor.checkAfter(call.mutating);
    const release = this.#releases[this.#scenario.actors.findIndex((actor) => actor === point.who)];
    if (!release || call.operation !== 'PutParameter' || point.state !== 'Publish release') return;
    const { Name: name, Value: value } = call.input;
    if (name === parameters.latest(release.image)) this.#monitor.checkFlip(release, value);
  }

  after(point: InjectionPoint): Promise<void> | undefined {
    const { stopAfter, timesOut, stopSweepAfter, redriveAfter, sweepDuring, use } = this.#scenario;
    if (this.#reached.comesTo(stopAfter, point)) {
      const [execution] = this.#executions;
      if (timesOut) execution?.timeOut();
      else execution?.stop();
    }
    if (this.#reached.comesTo(stopSweepAfter, point)) this.#sweeps.at(-1)?.stop();
    if (this.#reached.comesTo(redriveAfter, point)) this.#executions[0]?.redrive();
    if (this.#reached.comesTo(this.#scenario.retried?.redriven, point)) this.#first?.redrive();
    if (this.#reached.comesTo(this.#scenario.retried?.amid, point)) this.#startRetry();
    if (this.#reached.comesTo(use?.after, point)) return this.#beginUse();
    return this.#reached.comesTo(sweepDuring, point) ? this.#sweep({}) : undefined;
  }

  async #beginUse(): Promise<void> {
    const { by = '', in: place } = this.#scenario.use ?? {};
    const [release] = this.#releases;
    const target = targetsOf(this.#baseline).find((one) => targetName(one) === place);
    const [imageId] = target && release ? this.#monitor.madeIn(target, release) : [];
    if (!target || imageId === undefined)
      throw new Error(`There is no AMI in ${place} that ${by} could use.`);
    const end = await this.#environment.use(by, target, imageId);
    this.#used = { target, imageId, end };
    // What never ends was there before, as far as the end is concerned.
    if (end === undefined) this.#before = everythingElse(this.#environment.world, this.#releases);
  }

  async #start(actor: Actor): Promise<void> {
    const { world, engine } = this.#environment;
    const { planned, input, startedAt } = this.#baseline.releases[actor];
    await world.clock.sleep(startedAt - world.clock.milliseconds());
    const arn = machineArn(this.#baseline.hub, NAMES.releaseImageMachine);
    this.#executions.push(engine.start(arn, planned.executionName, input));
  }

  /** Retries the first release once it has ended; its execution is the retry from then on. */
  async #retry(): Promise<void> {
    const { retried } = this.#scenario;
    const [first] = this.#executions;
    if (!retried || !first) return;
    if (retried.waitedFor) await this.#untilItWaits(first);
    else await first.outcome;
    this.#first = first;
    if (retried.swept === 'at once') await this.#sweep({ execution: first.arn });
    const { clock } = this.#environment.world;
    if (!retried.tooEarly) await clock.sleep(SETTLING_MINUTES * MINUTE);
    if (retried.newerSource) {
      await clock.sleep(DAY);
      this.#environment.publishNewer?.();
    }
    if (retried.swept === 'by schedule') await this.#sweep({});
    if (!retried.amid) this.#startRetry();
  }

  async #untilItWaits({ history }: Execution): Promise<void> {
    const { clock } = this.#environment.world;
    while (!history.ended && history.path.at(-1) !== STATE_NAMES.awaitRetry) await clock.sleep(MINUTE);
  }

  /** What a retry has not taken over is still what the attempt makes of it that waits for one. */
  async #endWaiting(first: Execution): Promise<void> {
    const [retry] = this.#executions;
    await Promise.all([first.outcome, retry?.outcome]);
    if (retry && !retry.history.path.includes(STATE_NAMES.takeOverAmis)) this.#executions[0] = first;
  }

  #startRetry(): void {
    const { planned, input } = this.#baseline.releases.A;
    const name = executionName(planned.release, 2);
    const again = { ...Object(input), executionName: name };
    const arn = machineArn(this.#baseline.hub, NAMES.releaseImageMachine);
    this.#executions[0] = this.#environment.engine.start(arn, name, again);
  }

  /** From the commit to the end of everything; the release of the image is the first of the executions, if it came to it. */
  async #startWhole(): Promise<Execution> {
    const { engine } = this.#environment;
    const { startedBy, planned } = this.#baseline.releases.A;
    const arn = machineArn(this.#baseline.hub, NAMES.releaseMachine);
    const parent = engine.start(arn, startedBy, { image: IMAGE });
    await parent.outcome;
    const own = engine.executions.find(({ name }) => name === planned.executionName);
    if (own) this.#executions.push(own);
    return parent;
  }

  async #observe(): Promise<void> {
    await this.#environment.observe();
    this.#monitor.check();
  }

  /** A scenario whose faults no call met says nothing. Returns whether it missed something. */
  #judgeSuite(): boolean {
    const { stopAfter, stopSweepAfter, redriveAfter, sweepDuring, use, retried, mayMiss } = this.#scenario;
    const { unmet } = this.#environment.plan;
    const missed = this.#reached.missed(
      [stopAfter, stopSweepAfter, redriveAfter, sweepDuring, use?.after, retried?.amid, retried?.redriven],
      unmet,
    );
    if (mayMiss !== true) this.#judge.finds(...missed);
    return missed.length > 0;
  }

  /** Whatever is left goes with the next sweep, once nothing fails any more; what is used goes with the one after its use. */
  async #sweepTheRest(ends: readonly (End | undefined)[]): Promise<void> {
    if (!this.#judge.isSweepNeeded(ends)) return;
    this.#environment.plan.lift();
    await this.#sweepOnceMore();
    if (this.#used) this.#judge.judgeUsed(this.#used);
    this.#judge.judgeSwept(ends, this.#used);
    if (this.#used?.end === undefined) return;
    await this.#used.end();
    await this.#sweepOnceMore();
    this.#judge.judgeSwept(ends, undefined);
  }

  /** A builder that was kept ends itself; what it needed goes with the next sweep. */
  async #outliveKept(ends: readonly (End | undefined)[]): Promise<void> {
    const { keepHours } = this.#baseline;
    if (keepHours === undefined || this.#scenario.failingProvisioner === undefined) return;
    this.#environment.plan.lift();
    await this.#environment.world.clock.sleep((keepHours + 1) * 60 * MINUTE);
    this.#judge.judgeOutlived();
    await this.#sweepOnceMore();
    this.#judge.judgeSwept(ends, undefined);
  }

  async #sweepOnceMore(): Promise<void> {
    await this.#sweep({});
    await this.#environment.world.clock.sleep(AFTER_SWEEP_MS);
    await this.#observe();
  }

  /** Runs a sweep to its end; what it says of itself must be true. */
  async #sweep(request: object): Promise<void> {
    const arn = machineArn(this.#baseline.hub, NAMES.sweepMachine);
    const execution = this.#environment.engine.start(arn, `sweep-${this.#sweeps.length + 1}`, request);
    this.#sweeps.push(execution);
    const { status } = await execution.outcome;
    await this.#observe();
    this.#judge.judgeSweep(execution, status);
  }

  /** Waits until whatever was set in motion has come to rest. */
  async #settle(): Promise<void> {
    const { clock, regions } = this.#environment.world;
    await clock.sleep(SETTLE_MS);
    const running = (): boolean =>
      [...regions.values()].some(({ builds }) =>
        [...builds.values()].some(({ status }) => status === 'IN_PROGRESS'),
      );
    for (let hour = 0; hour < HOURS_OF_A_HUNG_BUILD && running(); hour++) await clock.sleep(SETTLE_MS);
    await this.#observe();
  }
}
