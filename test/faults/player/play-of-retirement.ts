/** Plays one inventory, one run that retires or one that takes back; and the days after it, on which nothing fails any more. */
import { NAMES, parameters } from '../../../core/contract/names.ts';
import { targetName } from '../../../core/contract/targets.ts';
import type { Execution } from '../../../sandbox/engine/engine.ts';
import { machineArn } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import { orphansLeft, theirsLost } from '../oracle/orphan-facts.ts';
import { type RetireEnd, retireEndOf } from '../oracle/retire-ends.ts';
import {
  AGING,
  type AgingName,
  LEAVING,
  STAYING,
  type Standing,
  imageOf,
  overlooked,
  releaseIdOf,
  remainsOf,
  standingOf,
  standingsOf,
} from '../oracle/retire-facts.ts';
import { binRule } from '../../fixtures/sandbox/bin-rules.ts';
import { type Baseline, IMAGE, targetsOf } from './baseline.ts';
import type { Environment } from './environment.ts';
import { deceives } from './faults.ts';
import type { InjectionPoint } from './injection-points.ts';
import { ReachedPoints } from './reached-points.ts';
import type { Played, Retire, Scenario } from './scenario.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Longer than AWS takes to show what it has accepted. */
const SHOWN_MS = MINUTE;
/** Longer than a function of one that was stopped may go on. */
const SETTLE_MS = 61 * MINUTE;
/** Restored, which counts as a use for a day; then deprecated, disabled and deregistered, each with a day's grace. */
const DAYS = 7;

/** What is due for them can be taken back. */
const REVERSIBLE: readonly AgingName[] = ['to deprecate', 'to disable'];
const NAMES_OF_ALL = [...LEAVING, ...STAYING];
/** What is done in a run that nothing disturbs. */
const AFTER: Readonly<Record<AgingName, Standing>> = {
  'to deprecate': 'deprecated',
  'to disable': 'disabled',
  'to deregister': 'gone',
  'to restore': 'available',
  'to enable': 'available',
  used: 'available',
  kept: 'available',
  latest: 'available',
};
/** The version that somebody takes back: no run has deregistered it yet. */
const UNDONE: AgingName = 'to deregister';

export class PlayOfRetirement {
  readonly #environment: Environment;
  readonly #baseline: Baseline;
  readonly #scenario: Scenario & { readonly retire: Retire };
  readonly #reached = new ReachedPoints();
  readonly #found: string[] = [];
  readonly #moments = new Set<string>();
  readonly #runs: Execution[] = [];
  /** Whether somebody began to use an AMI, and while what goes on now went on. */
  #used: 'before' | 'meanwhile' | undefined;

  constructor(
    environment: Environment,
    baseline: Baseline,
    scenario: Scenario & { readonly retire: Retire },
  ) {
    this.#environment = environment;
    this.#baseline = baseline;
    this.#scenario = scenario;
  }

  async run(): Promise<Played> {
    const { world, plan } = this.#environment;
    const { retire } = this.#scenario;
    if (retire.run !== 'inventory') await this.#start('before', 'inventory').outcome;
    if (retire.gone) {
      await this.#start('before-retirement', 'retirement').outcome;
      await world.clock.sleep(SHOWN_MS);
    }
    if (retire.user && !retire.user.after) {
      await this.#beginUse();
      this.#used = 'before';
    }
    const before = this.#standings();
    const own = this.#begin(retire.run === 'inventory' ? 'inventory' : 'retirement', retire.run);
    const ends = await Promise.all(
      this.#runs.map(async (one) => ({
        one,
        end: retireEndOf(one, await one.outcome),
        cause: await causeOf(one),
      })),
    );
    const [first] = ends;
    if (first?.end === 'stopped') await world.clock.sleep(SETTLE_MS);
    if (first) this.#judgeEnd(first.one, first.end, first.cause);
    if (retire.run === 'inventory') {
      await world.clock.sleep(SHOWN_MS);
      this.#judgeInventory(own, first?.end);
    } else if (first && this.#runs.length === 1) this.#judgeRun(before, first.end, first.cause);
    const missed = this.#judgeSuite();
    plan.lift();
    await this.#daysAfter();
    return { violations: this.#violations(), missed };
  }

  /** A tag says that an AMI was looked at only when everything was that may use it. */
  #judgeInventory({ startedAt }: Execution, end: RetireEnd | undefined): void {
    const { world } = this.#environment;
    if (this.#isDeceived) return;
    this.#found.push(...overlooked(world, this.#baseline, startedAt));
    if (end !== 'taken') return;
    for (const target of targetsOf(this.#baseline))
      for (const name of NAMES_OF_ALL)
        if (imageOf(world, target, name)?.tags.get('LastUsedRuntime') !== startedAt)
          this.#found.push(`${targetName(target)}: ${name} was not looked at, although everything was`);
  }

  /** What was due is done everywhere, or nowhere, or is named. */
  #judgeRun(before: ReadonlyMap<AgingName, Standing[]>, end: RetireEnd | undefined, cause: string): void {
    const { world } = this.#environment;
    const { run } = this.#scenario.retire;
    if (end === 'restored') {
      this.#mustAll(UNDONE, 'available');
      this.#mustBePublished(UNDONE);
    }
    if (run === 'undo' || this.#isDeceived) return;
    if (end === 'retired')
      for (const name of NAMES_OF_ALL)
        if (!this.#isUsed(name)) this.#mustAll(name, this.#after(name));
        else if (this.#used === 'before') this.#mustAll(name, 'available');
    if (end === 'retired') this.#found.push(...this.#orphans().map((id) => `${id} is left of nothing`));
    if (end !== 'retirement incomplete') return;
    for (const [name, was] of before) {
      const is = standingsOf(world, this.#baseline, name);
      if (new Set(is).size === 1 || is.join() === was.join()) continue;
      const named = targetsOf(this.#baseline).some((target) => {
        const imageId = imageOf(world, target, name)?.imageId;
        return imageId !== undefined && cause.includes(imageId);
      });
      if (!named || (this.#mayBeTakenBack && REVERSIBLE.includes(name)))
        this.#found.push(`${name} is ${is.join(' here and ')} there, and not named`);
    }
  }

  /** Where it could not come back, a version is not deregistered anywhere. */
  #after(name: AgingName): Standing {
    return this.#scenario.retire.noRule && name === 'to deregister' ? 'disabled' : AFTER[name];
  }

  #mustBePublished(name: AgingName): void {
    const { world } = this.#environment;
    for (const target of targetsOf(this.#baseline)) {
      const stored = world
        .region(target.accountId, target.region)
        .parameters.get(parameters.version(IMAGE, AGING[name]))
        ?.versions.at(-1)?.value;
      if (stored !== imageOf(world, target, name)?.imageId)
        this.#found.push(`${targetName(target)}: ${name} was restored, and its parameter is ${stored}`);
    }
  }

  #mustAll(name: AgingName, wanted: Standing): void {
    const is = standingsOf(this.#environment.world, this.#baseline, name);
    if (is.some((one) => one !== wanted)) this.#found.push(`${name} is ${is.join(' and ')}, not ${wanted}`);
  }

  /** Nothing fails any more: what is used is there, and what is due goes. */
  async #daysAfter(): Promise<void> {
    const { world } = this.#environment;
    const last = targetsOf(this.#baseline).at(-1);
    if (this.#scenario.retire.noRule && last)
      world.region(last.accountId, last.region).bin.rules.push(binRule('EBS_SNAPSHOT'));
    for (let day = 0; day < DAYS && (day === 0 || this.#left().length > 0); day += 1) {
      await world.clock.sleep(DAY);
      for (const run of ['inventory', 'retirement'] as const) {
        const execution = this.#start(`day-${day}-${run}`, run);
        const end = retireEndOf(execution, await execution.outcome);
        if (end !== 'taken' && end !== 'retired')
          this.#found.push(`on day ${day + 1} a ${run} ended in ${end}: ${await causeOf(execution)}`);
      }
      for (const name of NAMES_OF_ALL) {
        const is = standingsOf(world, this.#baseline, name);
        if (new Set(is).size > 1)
          this.#found.push(`on day ${day + 1} ${name} is ${is.join(' here and ')} there`);
      }
    }
    this.#found.push(
      ...this.#left().map((what) => `a week later there is ${what}`),
      ...theirsLost(world, this.#baseline).map((what) => `${what} is gone, which somebody needs`),
    );
    for (const name of NAMES_OF_ALL)
      if (STAYING.includes(name) || this.#isUsed(name)) this.#mustAll(name, 'available');
  }

  #orphans(): string[] {
    return orphansLeft(this.#environment.world, this.#baseline);
  }

  #left(): string[] {
    const versions = LEAVING.filter((name) => !this.#isUsed(name)).flatMap((name) =>
      remainsOf(this.#environment.world, this.#baseline, name),
    );
    return [...versions, ...this.#orphans()];
  }

  #isUsed(name: AgingName): boolean {
    return this.#used !== undefined && this.#scenario.retire.user?.of === name;
  }

  #standings(): Map<AgingName, Standing[]> {
    return new Map(
      NAMES_OF_ALL.map((name) => [name, standingsOf(this.#environment.world, this.#baseline, name)]),
    );
  }

  /** Only steps are refused, and nothing that takes them back. */
  get #mayBeTakenBack(): boolean {
    return this.#scenario.faults.every(({ point }) =>
      /:(EnableImageDeprecation|DisableImage)$/.test(point.operation),
    );
  }

  /** AWS itself showed something that was not so. */
  get #isDeceived(): boolean {
    return this.#scenario.faults.some(deceives);
  }

  #judgeEnd({ name, history }: Execution, end: RetireEnd | undefined, cause: string): void {
    const { ends } = this.#scenario.retire;
    if (end === undefined || ends?.includes(end) === false)
      this.#found.push(`${name} ended in ${history.path.at(-1)} (${end}): ${cause}`);
  }

  #violations(): string[] {
    return [...new Set([...this.#moments, ...this.#environment.flaws, ...this.#found])];
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

  /** At no moment is something gone that is used, that everybody gets, or that somebody keeps. */
  observed(_point: InjectionPoint, call: Call): void {
    if (!/^(DeregisterImage|DisableImage|DeleteSnapshot)$/.test(call.operation)) return;
    const { world } = this.#environment;
    const at = world.clock.now().toISOString();
    for (const target of targetsOf(this.#baseline)) {
      for (const name of ['used', 'kept', 'latest', 'to restore', 'to enable'] as const) {
        const is = standingOf(world, target, name);
        if (is === 'gone' || (is === 'disabled' && name !== 'to enable'))
          this.#moments.add(`at ${at} ${name} is ${is} in ${targetName(target)}`);
      }
      for (const name of LEAVING) {
        const is = standingsOf(world, this.#baseline, name);
        if (is.includes('gone') && is.some((one) => one === 'available' || one === 'deprecated'))
          this.#moments.add(`at ${at} ${name} is gone, and in another target nobody even disabled it`);
        if (this.#isUsed(name) && is.includes('gone'))
          this.#moments.add(`at ${at} ${name} is gone, although something uses it`);
        if (
          this.#isUsed(name) &&
          this.#used === 'before' &&
          name !== 'to deregister' &&
          is.includes('disabled')
        )
          this.#moments.add(`at ${at} ${name} is disabled, although something used it before`);
      }
      this.#judgeSnapshots(target, at);
    }
  }

  #judgeSnapshots({ accountId, region }: { accountId: string; region: string }, at: string): void {
    const { world } = this.#environment;
    const place = world.region(accountId, region);
    for (const { imageId, blockDevices } of place.images.values())
      for (const { snapshotId } of blockDevices)
        if (!place.snapshots.has(snapshotId))
          this.#moments.add(`at ${at} ${snapshotId} of ${imageId} is gone`);
  }

  after(point: InjectionPoint): Promise<void> | undefined {
    const { stopAfter, retire } = this.#scenario;
    if (this.#reached.comesTo(stopAfter, point)) this.#runs[0]?.stop();
    if (this.#reached.comesTo(retire.other?.after, point) && retire.other)
      this.#begin('other', retire.other.run);
    if (this.#reached.comesTo(retire.user?.after, point)) return this.#beginUse();
    return undefined;
  }

  /** Only what can still be used: nobody begins to use what is gone. */
  async #beginUse(): Promise<void> {
    const { user } = this.#scenario.retire;
    const target = targetsOf(this.#baseline).at(-1);
    const image = user && target && imageOf(this.#environment.world, target, user.of);
    if (!user || !target || !image) return;
    await this.#environment.use(user.by, target, image.imageId);
    this.#used = 'meanwhile';
  }

  #begin(name: 'inventory' | 'retirement' | 'other', run: Retire['run']): Execution {
    const execution = this.#start(name, run);
    this.#runs.push(execution);
    return execution;
  }

  #start(name: string, run: Retire['run']): Execution {
    const machine = run === 'inventory' ? NAMES.inventoryMachine : NAMES.retireMachine;
    const request =
      run === 'undo' ? { undo: releaseIdOf(UNDONE) } : run === 'inventory' ? {} : { mostPercent: 100 };
    return this.#environment.engine.start(machineArn(this.#baseline.hub, machine), name, request);
  }

  /** A scenario whose faults no call met says nothing. Returns whether it missed something. */
  #judgeSuite(): boolean {
    const { stopAfter, retire, mayMiss } = this.#scenario;
    const { unmet } = this.#environment.plan;
    const missed = this.#reached.missed([stopAfter, retire.other?.after, retire.user?.after], unmet);
    if (mayMiss !== true) this.#found.push(...missed);
    return missed.length > 0;
  }
}

async function causeOf({ outcome }: Execution): Promise<string> {
  const ended = await outcome;
  return ended.status === 'FAILED' ? `${ended.error}: ${ended.cause}` : '';
}
