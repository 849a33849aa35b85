/** Compares what releases and sweeps say of themselves with what the oracle sees. */
import * as z from 'zod';
import { parameters } from '../../../core/contract/names.ts';
import type { Release } from '../../../core/contract/releases.ts';
import { sourcesIn } from '../../../core/releases/release-outcome.ts';
import { PIVOT, STATE_NAMES } from '../../../core/contract/state-names.ts';
import { sweepReportSchema } from '../../../core/contract/sweeps.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import type { World } from '../../../sandbox/aws/world.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import type { Outcome } from '../../../sandbox/engine/outcome.ts';
import { type End, endOf, namedBy, stands } from '../oracle/ends.ts';
import { blamesNobody, misblamed, unannounced } from '../oracle/explanation.ts';
import type { InvariantMonitor } from '../oracle/invariant-monitor.ts';
import { Oracle } from '../oracle/oracle.ts';
import { keptUntil } from '../oracle/world-facts.ts';
import type { Baseline } from './baseline.ts';
import { deceives } from './faults.ts';
import type { Scenario } from './scenario.ts';

type Ends = readonly (End | undefined)[];

/** What runs while a scenario is played. */
export interface Course {
  /** Of the actors, in their order. */
  readonly executions: readonly Execution[];
  readonly sweeps: readonly Execution[];
}

const keptSchema = z.object({ takenOver: z.object({ kept: z.literal(true) }) });

export class Judge {
  readonly #scenario: Scenario;
  readonly #baseline: Baseline;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #course: Course;
  /** What was wrong. */
  readonly found: string[] = [];

  constructor(
    scenario: Scenario,
    baseline: Baseline,
    world: World,
    monitor: InvariantMonitor,
    course: Course,
  ) {
    this.#scenario = scenario;
    this.#baseline = baseline;
    this.#world = world;
    this.#oracle = new Oracle(world, baseline, monitor);
    this.#course = course;
  }

  finds(...violations: readonly string[]): void {
    this.found.push(...violations);
  }

  get #releases(): Release[] {
    return this.#scenario.actors.map((actor) => this.#baseline.releases[actor].planned.release);
  }

  /** AWS showed `Verify rollback` something that was not so: no list can be right then, and the sweep has to be. */
  get #isDeceived(): boolean {
    return this.#scenario.faults.some((fault) => fault.point.state === 'Verify rollback' && deceives(fault));
  }

  /** Something keeps the undo from taking back what was given. */
  get #isHindered(): boolean {
    return this.#scenario.faults.some(({ point }) => point.state === 'Withdraw publication');
  }

  /** AWS showed the sweep something that was not so: it cannot know, and the next one has to. */
  get #isSweepDeceived(): boolean {
    return this.#scenario.faults.some((fault) => fault.point.who === 'sweep' && deceives(fault));
  }

  /** What the releases say of themselves; right at their end their lists are exact, later things may vanish. */
  judgeEnds(ends: Ends, exactly: boolean): void {
    const { executions, sweeps } = this.#course;
    for (const [index, execution] of executions.entries()) {
      const end = ends[index];
      const release = this.#releases[index];
      if (!release) continue;
      if (!this.#isAllowed(end)) {
        if (!exactly) this.finds(wrongEnd(release, execution, end));
      } else if (stands(end)) {
        if (!exactly && end) this.finds(...this.#oracle.ofReleased(release, end));
      } else if (sweeps.length === 0 && end !== 'stopped') {
        const named = end === 'rollback not verified' || this.#isDeceived ? undefined : namedBy(execution);
        this.finds(...this.#oracle.ofUndone(release, named, exactly, this.#isHindered));
      }
    }
  }

  /** A retry that stands was baked from what the first attempt would have been, where that got so far. */
  judgeSources(first: Execution, [end]: Ends): void {
    const [release] = this.#releases;
    if (!release || !stands(end)) return;
    const pinned = sourcesIn(first.history.outputs.get(STATE_NAMES.resolveSourceAmis));
    for (const [target, flaw] of this.#oracle.otherSources(release, pinned))
      this.finds(`${target}: ${flaw}, and not from what the first attempt began with`);
  }

  /** What was released with the AMIs of an attempt that waited was handed over by that, and not undone by it. */
  judgeHandedOver({ name, history }: Execution, [end]: Ends): void {
    const taken: unknown = this.#course.executions[0]?.history.outputs.get(STATE_NAMES.takeOverAmis);
    const isKept = keptSchema.safeParse(taken).success;
    const last = history.path.at(-1);
    if (isKept && stands(end) && last !== STATE_NAMES.handedOver)
      this.finds(`${name} ended in ${last}, and its retry is released`);
  }

  /** Of an attempt that was redriven beside its retry. That it touched nothing is what becomes of the retry. */
  async judgeRedriven(first: Execution): Promise<void> {
    const end = endOf(first, await first.outcome);
    if (end !== 'rollback not verified') this.finds(`the redriven ${first.name} ended ${String(end)}`);
  }

  #isAllowed(end: End | undefined): boolean {
    return end !== undefined && this.#scenario.ends?.includes(end) !== false;
  }

  /** What a rollback tells the world: on the event bus, and in its cause. */
  async judgeReports(ends: Ends): Promise<void> {
    const { faults, ends: expected, blames } = this.#scenario;
    const mayNotAnnounce = faults.some(
      ({ point, kind }) => point.state === 'Announce rollback' && kind === 'denied',
    );
    for (const [index, execution] of this.#course.executions.entries()) {
      if (ends[index] !== 'rolled back') continue;
      const releaseId = this.#releases[index]?.releaseId ?? '';
      if (expected?.length === 1 && !mayNotAnnounce) this.finds(...unannounced(this.#world, releaseId));
      const outcome = await execution.outcome;
      if (blames === 'the account') this.finds(...misblamed(this.#baseline, outcome, faults));
      if (blames === 'an account') this.finds(...blamesNobody(outcome));
    }
  }

  /** A builder is kept where it has to be, and nowhere else; the rollback says how to reach it. */
  async judgeKept(ends: Ends): Promise<void> {
    const { failingProvisioner, keeps } = this.#scenario;
    const [release] = this.#releases;
    const [first] = this.#baseline.stages;
    if (!release || failingProvisioner === undefined) return;
    const outcome = await this.#course.executions[0]?.outcome;
    for (const { name, targets } of this.#baseline.stages)
      for (const target of targets) {
        const until = keptUntil(this.#world, target, release);
        const where = targetName(target);
        const mayBe = name === first?.name && name === failingProvisioner;
        if (until !== undefined && !mayBe) this.finds(`${where}: a builder is kept`);
        if (mayBe && keeps !== undefined && keeps !== (until !== undefined))
          this.finds(`${where}: the builder is ${keeps ? 'not ' : ''}kept`);
        const tells = outcome?.status === 'FAILED' && outcome.cause.includes(`${where}: the builder i-`);
        if (until !== undefined && ends[0] === 'rolled back' && !this.#isDeceived && !tells)
          this.finds(`${where}: nobody is told how to reach the builder that is kept`);
      }
  }

  /** It is gone when its time is over, though nobody sweeps. */
  judgeOutlived(): void {
    for (const release of this.#releases)
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids.filter((one) => one.startsWith('i-')))
          this.finds(`${target}: ${id} has outlived its time`);
  }

  judgeLatest(ends: Ends): void {
    const unclear = new Set<string>();
    for (const [index, execution] of this.#course.executions.entries()) {
      const end = ends[index];
      const release = this.#releases[index];
      if (!release || stands(end)) continue;
      if (end === 'stopped' || end === 'rollback not verified' || this.#isDeceived)
        for (const place of this.#oracle.traces(release).keys()) unclear.add(place);
      for (const leftover of namedBy(execution))
        if ([release.releaseId, parameters.latest(release.image)].includes(leftover.resourceId))
          unclear.add(targetName(leftover));
    }
    this.finds(...this.#oracle.ofLatest(this.#standing(ends), unclear));
  }

  #standing(ends: Ends): Release[] {
    return this.#releases.filter((_release, index) => stands(ends[index]));
  }

  #gone(ends: Ends): Release[] {
    return this.#releases.filter((_release, index) => !stands(ends[index]));
  }

  /** Whether something may be left. */
  isSweepNeeded(ends: Ends): boolean {
    const isLeft = this.#gone(ends).some((one) => [...this.#oracle.traces(one).values()].flat().length > 0);
    const isDoubtful = this.#course.executions.some(
      (_execution, index) => !['released', 'rolled back'].includes(ends[index] ?? ''),
    );
    return isLeft || isDoubtful || this.#isDeceived;
  }

  /** After a sweep that nothing kept from its work: only the AMI and snapshots that somebody uses are left. */
  judgeSwept(ends: Ends, used: { readonly target: Target } | undefined): void {
    const kept = used && targetName(used.target);
    for (const release of this.#gone(ends)) {
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids)
          if (target !== kept || !/^(ami|snap)-/.test(id))
            this.finds(`${target}: ${id} is left after the next sweep`);
    }
    const wrong = this.#oracle.ofLatest(this.#standing(ends), new Set());
    this.finds(...wrong.map((what) => `after the next sweep ${what}`));
  }

  /** What is used is kept, and says so once somebody could look. */
  judgeUsed({ target, imageId }: { readonly target: Target; readonly imageId: string }): void {
    const image = this.#world.region(target.accountId, target.region).images.get(imageId);
    const state = image?.tags.get(TAGS.state);
    const by = this.#scenario.use?.by;
    if (image === undefined) this.finds(`${imageId} is used by ${by}, but is gone`);
    else if (state !== STATES.quarantined)
      this.finds(`${imageId} is used by ${by}, but its state is ${state}`);
  }

  /** What a sweep says of itself must be true. */
  judgeSweep(execution: Execution, status: Outcome['status']): void {
    const end = execution.history.path.at(-1) ?? '';
    const { faults, fragileMap, sweeps } = this.#scenario;
    const wrong = (what: string): void => this.finds(`${execution.name} ended in ${end}${what}`);
    if (status !== 'ABORTED' && !['Swept', 'Sweep incomplete', 'Not swept'].includes(end)) wrong('');
    const isOfReleases = faults.every(({ point }) => point.state === 'Sweep each release');
    if (end === 'Not swept' && isOfReleases && fragileMap === undefined)
      wrong(', although other releases could be swept');
    if (sweeps === 'well' && end !== 'Swept') wrong(', although nothing lasted that kept it');
    if (end === 'Swept' && !this.#isSweepDeceived) this.#judgeSweepReport(execution);
  }

  /** What a sweep has swept comes to nothing afterwards, either. */
  judgeStaysSwept(): void {
    const last = this.#course.sweeps.at(-1);
    if (last?.history.path.at(-1) === 'Swept' && !this.#isSweepDeceived) this.#judgeWhatIsLeft(last);
  }

  #judgeWhatIsLeft({ name, history }: Execution): void {
    const kept = new Set(reportIn(history).kept.map(({ releaseId }) => releaseId));
    for (const release of this.#releases.filter(({ releaseId }) => !kept.has(releaseId))) {
      if (this.#isReleased(release.releaseId)) continue;
      for (const [target, ids] of this.#oracle.traces(release))
        for (const id of ids) this.finds(`${name} says that all is swept, but ${target} has ${id}`);
    }
  }

  #judgeSweepReport(execution: Execution): void {
    this.#judgeWhatIsLeft(execution);
    const { name, history } = execution;
    const report = reportIn(history);
    for (const { releaseId } of report.removed)
      if (this.#isReleased(releaseId) || !this.#releases.some((one) => one.releaseId === releaseId))
        this.finds(`${name} removed something of ${releaseId}`);
  }

  #isReleased(releaseId: string): boolean {
    const index = this.#releases.findIndex((one) => one.releaseId === releaseId);
    const end = this.#course.executions[index]?.history.path.at(-1);
    return end === PIVOT.behind || end?.startsWith('Released') === true;
  }
}

const reportIn = ({ outputs }: Execution['history']) =>
  z.object({ report: sweepReportSchema }).parse(outputs.get('Report sweep')).report;

function wrongEnd({ releaseId }: Release, execution: Execution, end: End | undefined): string {
  const where = execution.history.path.at(-1);
  const left = namedBy(execution).map(({ resourceId, why }) => `${resourceId}: ${why}`);
  return [`${releaseId} ended in ${where} (${end ?? 'no known end'})`, ...left].join('; ');
}
