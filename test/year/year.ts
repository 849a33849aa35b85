/**
 * A year of a factory that retires what it made, in minutes: releases every week, teams that come and go, troubles at random, and
 * inventories and runs in the rhythm of their schedules, on a virtual clock.
 */
import { type RetentionRules, graceDaysOf, retentionSchema } from '../../core/configuration/retention.ts';
import { NAMES } from '../../core/contract/names.ts';
import { retireReportSchema } from '../../core/contract/retirements.ts';
import { STATE_NAMES } from '../../core/contract/state-names.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { IMAGES, TARGETS, type YearHub, openYearHub } from './hub.ts';
import { Random } from './random.ts';
import { Teams, ours } from './teams.ts';
import { Troubles } from './troubles.ts';
import { Watch } from './watch.ts';

export interface YearOptions {
  readonly days: number;
  readonly seed: number;
  /** Of the inventory; the deployed schedule says 20 minutes. Nothing goes unless one was taken in the hour before a run. */
  readonly everyMinutes: number;
  /** Everything goes sooner, so that a few weeks show what a year does. */
  readonly isQuick?: boolean;
  readonly onDay?: (day: number, so: Year) => void;
}

export interface Year {
  readonly days: number;
  readonly made: number;
  readonly removed: number;
  /** What happened besides. */
  readonly figures: Readonly<
    Record<'releases' | 'inventories' | 'runs' | 'redRuns' | 'capped' | 'undone' | 'troubles', number>
  >;
  readonly violations: readonly string[];
}

/** Beside these, as everybody has it by default. */
const QUICK = { unusedDays: 2, keepNewest: 2, minAgeDays: 3, prereleaseDays: 2, graceDays: 1 };

const MINUTE_MS = 60_000;
const HOUR = 60;
/** Of the day at which things happen, in minutes. */
const AT = { release: 10 * HOUR, retire: 3 * HOUR, sweep: 5 * HOUR, undo: 14 * HOUR } as const;
const A_DAY = 24 * HOUR;
const USES_A_DAY = 1;
/** How much faster everything happens where it goes sooner. */
const QUICK_PACE = 3;

export async function playYear(options: YearOptions): Promise<Year> {
  const { days, seed, isQuick = false } = options;
  const rule = retentionSchema.parse(isQuick ? QUICK : {});
  const rules: RetentionRules = Object.fromEntries(IMAGES.map((image) => [image, rule]));
  const hub = await openYearHub(rules, `year-${seed}`);
  try {
    return await new Playing(hub, rules, options, days - quietDays(rules)).run();
  } finally {
    hub.close();
  }
}

/** At the end nobody comes and nothing fails, for so long that all that is due can go. */
const quietDays = (rules: RetentionRules): number =>
  Math.max(...Object.values(rules).map((rule) => rule.minAgeDays + rule.unusedDays + 2 * graceDaysOf(rule))) +
  7;

class Playing {
  readonly #hub: YearHub;
  readonly #watch: Watch;
  readonly #teams: Teams;
  readonly #troubles: Troubles;
  readonly #random: Random;
  readonly #options: YearOptions;
  readonly #lively: number;
  readonly #pace: number;
  /** The last run would have done more than one may by itself. */
  #isCapped = false;
  readonly #figures = { releases: 0, inventories: 0, runs: 0, redRuns: 0, capped: 0, undone: 0 };

  constructor(hub: YearHub, rules: RetentionRules, options: YearOptions, lively: number) {
    if (lively < 7)
      throw new Error(`${options.days} days are too few: ${options.days - lively + 7} at least.`);
    const { sandbox } = hub;
    const streamOf = (name: string): Random => new Random(`${options.seed} ${name}`);
    this.#hub = hub;
    this.#options = options;
    this.#lively = lively;
    this.#pace = options.isQuick === true ? QUICK_PACE : 1;
    this.#random = streamOf('days');
    this.#watch = new Watch(sandbox, rules);
    this.#teams = new Teams(sandbox.world, streamOf('teams'), this.#pace);
    this.#troubles = new Troubles(sandbox, streamOf('troubles'));
  }

  async run(): Promise<Year> {
    const { days, everyMinutes, onDay } = this.#options;
    const { clock } = this.#hub.sandbox;
    const startedAt = clock.milliseconds();
    for (let minute = 0; minute < days * A_DAY; minute += everyMinutes) {
      await clock.sleep(startedAt + minute * MINUTE_MS - clock.milliseconds());
      const day = Math.floor(minute / A_DAY);
      const ofDay = minute % A_DAY;
      if (day === this.#lively && ofDay === 0) this.#troubles.end();
      if (day < this.#lively) this.#live(day, ofDay, everyMinutes);
      await this.#inventory();
      if (isNow(AT.retire, ofDay, everyMinutes)) await this.#retire(day);
      if (isNow(AT.undo, ofDay, everyMinutes) && day < this.#lively) await this.#undo();
      if (isNow(AT.sweep, ofDay, everyMinutes)) await this.#hub.start(NAMES.sweepMachine, {}).outcome;
      if (isNow(0, ofDay, everyMinutes)) {
        await this.#hub.forget();
        onDay?.(day, this.#year());
      }
    }
    this.#watch.judgeEnd();
    return this.#year();
  }

  /** What happens of itself. */
  #live(day: number, ofDay: number, everyMinutes: number): void {
    const weekday = day % Math.ceil(7 / this.#pace);
    this.#teams.end();
    const slots = A_DAY / everyMinutes;
    const happens = (timesADay: number): boolean => this.#random.chance((timesADay * this.#pace) / slots);
    if (happens(USES_A_DAY)) this.#teams.begin();
    if (happens(1 / 30)) this.#teams.wantBack();
    if (happens(1 / 120)) this.#teams.keepForGood();
    if (this.#random.chance(1 / 14 / slots)) this.#troubles.beginOutage();
    // The base on one day of the week, what is built on it on the next, and a branch now and then.
    if (!isNow(AT.release, ofDay, everyMinutes)) return;
    if (weekday === 0) this.#release('base', 'main');
    if (weekday === 1) this.#release('app', 'main');
    if (weekday === 2 && this.#random.chance(0.4)) this.#release('app', 'topic');
  }

  /** It goes on while the days do. */
  #release(image: string, branch: string): void {
    this.#figures.releases += 1;
    void this.#hub.release(image, branch).outcome;
  }

  async #inventory(): Promise<void> {
    const before = this.#watch.look();
    const execution = this.#hub.start(NAMES.inventoryMachine, {});
    this.#troubles.mayStop(execution);
    const { status } = await execution.outcome;
    this.#figures.inventories += 1;
    const after = this.#watch.look();
    if (status === 'SUCCEEDED') this.#watch.use(before.intersection(after));
  }

  async #retire(day: number): Promise<void> {
    this.#watch.beginRun();
    // As the runbook says, once somebody has looked why a run would do so much.
    const request = this.#isCapped ? { mostPercent: 100 } : {};
    const execution = this.#hub.start(NAMES.retireMachine, request);
    this.#troubles.mayStop(execution);
    const outcome = await execution.outcome;
    this.#figures.runs += 1;
    const isComplete = outcome.status === 'SUCCEEDED';
    if (!isComplete) this.#figures.redRuns += 1;
    const report = retireReportSchema.safeParse(execution.history.outputs.get(STATE_NAMES.retireVersions));
    this.#isCapped = report.success && report.data.stopped?.includes('--most-percent') === true;
    if (this.#isCapped) this.#figures.capped += 1;
    if (!isComplete && !this.#isCapped && day > this.#lively)
      this.#watch.wrong(`a run was red, although nothing failed: ${JSON.stringify(outcome)}`);
    this.#watch.endRun(isComplete);
    for (const { releaseId, step } of report.success && isComplete ? report.data.done : [])
      if (step === 'restore') this.#watch.restored(releaseId);
  }

  /** Now and then somebody wants a version back that is on its way out. */
  async #undo(): Promise<void> {
    if (!this.#random.chance(1 / 14)) return;
    const { world } = this.#hub.sandbox;
    const begun = TARGETS.flatMap(({ accountId, region }) => ours(world.region(accountId, region)))
      .filter(({ tags }) => tags.has(TAGS.retirement))
      .map(({ tags }) => tags.get(TAGS.release) ?? '');
    const undo = this.#random.pick(begun);
    if (undo === undefined) return;
    const { status } = await this.#hub.start(NAMES.retireMachine, { undo }).outcome;
    this.#figures.undone += 1;
    if (status === 'SUCCEEDED') this.#watch.restored(undo);
  }

  #year(): Year {
    const { made, removed, violations } = this.#watch;
    return {
      days: this.#options.days,
      made,
      removed,
      figures: { ...this.#figures, troubles: this.#troubles.count },
      violations: [...violations],
    };
  }
}

/** Whether a time of the day falls into the slot that begins now. */
const isNow = (at: number, ofDay: number, everyMinutes: number): boolean =>
  at >= ofDay && at < ofDay + everyMinutes;
