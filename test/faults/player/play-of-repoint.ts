/** Plays one repoint in one environment: alone, beside another one, or beside a release; and says what was wrong with how it went. */
import { NAMES, parameters } from '../../../core/contract/names.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import { machineArn } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import { type End, endOf, stands } from '../oracle/ends.ts';
import { InvariantMonitor } from '../oracle/invariant-monitor.ts';
import { type RepointEnd, repointEndOf } from '../oracle/repoint-ends.ts';
import {
  type Facts,
  LATEST,
  factsAfter,
  factsOf,
  nameOfFact,
  notRemembered,
  notTold,
  othersThan,
  rememberedOf,
} from '../oracle/repoint-facts.ts';
import { flawsOf, valueOf } from '../oracle/world-facts.ts';
import { type Baseline, IMAGE, targetsOf } from './baseline.ts';
import type { Environment } from './environment.ts';
import { deceives } from './faults.ts';
import type { InjectionPoint } from './injection-points.ts';
import { ReachedPoints } from './reached-points.ts';
import type { Asked, Played, Repoint, Scenario } from './scenario.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Longer than a function of one that was stopped may go on. */
const SETTLE_MS = 61 * MINUTE;

interface Ended {
  readonly asked: Asked;
  readonly execution: Execution;
  readonly end: RepointEnd | undefined;
  /** What it says of itself, where it failed. */
  readonly cause: string;
}

export class PlayOfRepoint {
  readonly #environment: Environment;
  readonly #baseline: Baseline;
  readonly #scenario: Scenario & { readonly repoint: Repoint };
  readonly #monitor: InvariantMonitor;
  readonly #reached = new ReachedPoints();
  readonly #found: string[] = [];
  readonly #begun: { readonly asked: Asked; readonly execution: Execution }[] = [];
  #release: Execution | undefined;
  /** The first of them waits for the release from here on, and the release for it up to here. */
  readonly #arrived = Promise.withResolvers<void>();

  constructor(
    environment: Environment,
    baseline: Baseline,
    scenario: Scenario & { readonly repoint: Repoint },
  ) {
    this.#environment = environment;
    this.#baseline = baseline;
    this.#scenario = scenario;
    this.#monitor = new InvariantMonitor(environment.world, baseline, [baseline.releases.A.planned.release]);
  }

  async run(): Promise<Played> {
    const { world } = this.#environment;
    const { repoint, actors } = this.#scenario;
    if (repoint.earlier) {
      await this.#start('earlier', repoint.earlier).outcome;
      await world.clock.sleep(DAY);
    }
    this.#remove();
    const before = this.#facts();
    const remembered = rememberedOf(world, this.#baseline);
    if (actors.length > 0) this.#startRelease();
    if (!repoint.amid) this.#begin('repoint', repoint);
    const end = this.#release && endOf(this.#release, await this.#release.outcome);
    const ended: Ended[] = [];
    for (const one of this.#begun) ended.push(await endedOf(one));
    if (ended[0]?.end === 'stopped') await world.clock.sleep(SETTLE_MS);
    this.#judge({ ended, before, remembered, end });
    const missed = this.#judgeSuite();
    await this.#askAgain(ended, before, end);
    return { violations: this.#violations(), missed };
  }

  #remove(): void {
    const { gone, becomes } = this.#scenario.repoint;
    const target = targetsOf(this.#baseline).at(-1);
    if (!gone || !target) return;
    const place = this.#environment.world.region(target.accountId, target.region);
    const name = parameters.version(IMAGE, becomes.latest);
    if (gone === 'AMI') place.images.delete(valueOf(place, name) ?? '');
    else place.parameters.delete(name);
  }

  #facts(): Facts {
    return factsOf(this.#environment.world, this.#baseline);
  }

  /** What is there once every account has followed a request; a release that stands beside it is newer. */
  #after(before: Facts, asked: Asked | undefined, end: End | undefined): Facts {
    const { world } = this.#environment;
    const facts = new Map(asked ? factsAfter(before, world, this.#baseline, asked) : before);
    if (!stands(end)) return facts;
    for (const target of targetsOf(this.#baseline)) {
      const [made] = this.#monitor.madeIn(target, this.#baseline.releases.A.planned.release);
      facts.set(nameOfFact(target, LATEST), made ?? 'nothing');
    }
    return facts;
  }

  #judge(course: {
    readonly ended: readonly Ended[];
    readonly before: Facts;
    readonly remembered: string;
    readonly end: End | undefined;
  }): void {
    const { ended, before, remembered, end } = course;
    const { world } = this.#environment;
    for (const one of ended) this.#judgeEnd(one);
    const followed = ended.findLast((one) => one.end?.startsWith('repointed') === true);
    const seen = this.#facts();
    const after = this.#after(before, followed?.asked ?? ended[0]?.asked, end);
    const without = this.#after(before, undefined, end);
    if (followed) {
      this.#found.push(...othersThan(after, seen).values());
      // Beside a newer release there may be nothing that moves.
      const moves =
        !stands(end) &&
        before.get(latestOfFirst(this.#baseline)) !== after.get(latestOfFirst(this.#baseline));
      if (followed.end === 'repointed')
        this.#found.push(
          ...notRemembered(world, this.#baseline, followed.asked),
          ...notTold(world, this.#baseline, followed.asked, moves),
        );
    } else {
      this.#judgeUndone(ended, { seen, after, without });
      const isStopped = ended.some((one) => one.end === 'stopped');
      if (!isStopped && rememberedOf(world, this.#baseline) !== remembered)
        this.#found.push('it is remembered or told, but was not done');
    }
    if (stands(end)) this.#judgeRelease();
  }

  /** Nothing of it is half done, unless the end says so and names it. */
  #judgeUndone(
    ended: readonly Ended[],
    { seen, after, without }: Record<'seen' | 'after' | 'without', Facts>,
  ): void {
    const half = othersThan(without, seen);
    const unclear = ended.find(({ end }) => end === 'stopped' || end === 'not verified');
    const incomplete = ended.find(({ end }) => end === 'not put back');
    if (unclear) {
      for (const [name, what] of half)
        if (seen.get(name) !== after.get(name) && !isBetween(seen.get(name))) this.#found.push(what);
    } else if (incomplete) {
      const named = namedIn(incomplete.cause);
      if (this.#isDeceived) return;
      for (const [name, what] of half) if (!isNamed(named, name)) this.#found.push(`${what}, and not named`);
      for (const name of named)
        if (!half.has(name) && !name.endsWith(' everything'))
          this.#found.push(`${name} is named, but is as it was`);
    } else if (!this.#isDeceived) this.#found.push(...half.values());
  }

  /** AWS showed what puts back something that was not so: no list can be right then. */
  get #isDeceived(): boolean {
    return this.#scenario.faults.some(
      (fault) => fault.point.state === 'Put back versions' && deceives(fault),
    );
  }

  #judgeEnd({ execution, end, cause }: Ended): void {
    const { ends } = this.#scenario.repoint;
    const isAllowed = execution.name !== 'repoint' || ends === undefined || (end && ends.includes(end));
    if (end === undefined || isAllowed !== true)
      this.#found.push(`${execution.name} ended in ${execution.history.path.at(-1)} (${end}): ${cause}`);
  }

  #judgeRelease(): void {
    const { release } = this.#baseline.releases.A.planned;
    for (const { name, targets } of this.#baseline.stages)
      for (const target of targets)
        this.#found.push(...flawsOf(this.#environment.world, target, release, name));
  }

  /** Whatever the end: once nothing fails any more, whoever asks for the same has it. */
  async #askAgain(ended: readonly Ended[], before: Facts, end: End | undefined): Promise<void> {
    const [first] = ended;
    const isDone = ended.some((one) => one.end === 'repointed');
    if (!first || isDone || this.#scenario.repoint.gone) return;
    const { world, plan } = this.#environment;
    plan.lift();
    await world.clock.sleep(SETTLE_MS);
    const { asked } = first;
    const again = await endedOf({ asked, execution: this.#start('again', asked.request) });
    const wrong = [...othersThan(this.#after(before, asked, end), this.#facts()).values()];
    wrong.push(...notRemembered(world, this.#baseline, asked));
    // A restoration that has come to its end is none any more.
    const isRestoration = asked.request.restore !== undefined;
    if (again.end !== 'repointed' && (!isRestoration || again.end !== 'not repointed'))
      wrong.push(`it ended in ${again.execution.history.path.at(-1)}: ${again.cause}`);
    this.#found.push(...wrong.map((what) => `asked for again: ${what}`));
    // Where nobody could look, nothing is named.
    if (wrong.length === 0 && first.end !== 'not verified')
      await this.#restore(asked, before, namedIn(first.cause));
  }

  /**
   * However often it took to revoke a version: a restoration gives back all that it had, and who could launch it; but for what an
   * incomplete end has named, which a person was told of.
   */
  async #restore({ request }: Asked, before: Facts, named: ReadonlySet<string>): Promise<void> {
    if (request.revoke === undefined) return;
    await this.#environment.world.clock.sleep(SETTLE_MS);
    await this.#start('restore', { restore: request.revoke }).outcome;
    for (const [name, what] of othersThan(before, this.#facts()))
      if (!isNamed(named, name)) this.#found.push(`restored: ${what}`);
  }

  #violations(): string[] {
    return [...new Set([...this.#monitor.violations, ...this.#environment.flaws, ...this.#found])];
  }

  whereItIs(): Played {
    const states = this.#environment.engine.executions
      .filter(({ history }) => !history.ended)
      .map(({ name, history }) => `${name} is in ${history.path.at(-1)}`);
    return {
      violations: [...this.#violations(), `suite: it did not end: ${states.join(', ')}`],
      missed: false,
    };
  }

  before(_point: InjectionPoint): undefined {}

  observed(_point: InjectionPoint, call: Call): void {
    this.#monitor.checkAfter(call.mutating);
  }

  after(point: InjectionPoint): Promise<void> | undefined {
    const { stopAfter, repoint } = this.#scenario;
    if (this.#reached.comesTo(stopAfter, point)) this.#begun[0]?.execution.stop();
    if (this.#reached.comesTo(repoint.other?.after, point) && repoint.other)
      this.#begin('other', repoint.other);
    if (this.#reached.comesTo(repoint.amid, point)) return this.#beginAmid();
    if (this.#reached.comesTo(repoint.until, point)) return this.#waitForRelease();
    return undefined;
  }

  async #beginAmid(): Promise<void> {
    const { repoint } = this.#scenario;
    const { outcome } = this.#begin('repoint', repoint);
    await (repoint.until ? Promise.race([this.#arrived.promise, outcome]) : outcome);
  }

  async #waitForRelease(): Promise<void> {
    this.#arrived.resolve();
    await this.#release?.outcome;
  }

  #begin(name: 'repoint' | 'other', asked: Asked): Execution {
    const execution = this.#start(name, asked.request);
    this.#begun.push({ asked, execution });
    return execution;
  }

  #start(name: string, request: object): Execution {
    return this.#environment.engine.start(
      machineArn(this.#baseline.hub, NAMES.repointMachine),
      name,
      request,
    );
  }

  #startRelease(): void {
    const { planned, input } = this.#baseline.releases.A;
    const arn = machineArn(this.#baseline.hub, NAMES.releaseImageMachine);
    this.#release = this.#environment.engine.start(arn, planned.executionName, input);
  }

  /** A scenario whose faults no call met says nothing. Returns whether it missed something. */
  #judgeSuite(): boolean {
    const { stopAfter, repoint, mayMiss } = this.#scenario;
    const { unmet } = this.#environment.plan;
    const missed = this.#reached.missed(
      [stopAfter, repoint.other?.after, repoint.amid, repoint.until],
      unmet,
    );
    if (mayMiss !== true) this.#found.push(...missed);
    return missed.length > 0;
  }
}

function latestOfFirst(baseline: Baseline): string {
  const [target] = targetsOf(baseline);
  return target ? nameOfFact(target, LATEST) : '';
}

/** Disabled and not yet enabled again, or enabled and not yet shared again. */
const isBetween = (fact: string | undefined): boolean => /^\w+, \w+, for \d+$/.test(fact ?? '');

async function endedOf({ asked, execution }: Pick<Ended, 'asked' | 'execution'>): Promise<Ended> {
  const outcome = await execution.outcome;
  const cause = outcome.status === 'FAILED' ? `${outcome.error}: ${outcome.cause}` : '';
  return { asked, execution, end: repointEndOf(execution, outcome), cause };
}

/** By itself, or with all that its target holds. */
const isNamed = (named: ReadonlySet<string>, fact: string): boolean =>
  named.has(fact) || named.has(`${fact.split(' ')[0]} everything`);

/** Everything that an incomplete end names, as facts are named. */
function namedIn(cause: string): Set<string> {
  const all = cause.matchAll(/(?<place>\d{12}\/[a-z0-9-]+) (?<resourceId>[^\s:]+): /g);
  return new Set([...all].map(({ groups }) => `${groups?.['place']} ${groups?.['resourceId']}`));
}
