/** Watches a year: whatever goes is judged at that moment by what the world holds, and at the end by what the rule says. */
import { type RetentionRules, graceDaysOf } from '../../core/configuration/retention.ts';
import { NAMES, parameters } from '../../core/contract/names.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import type { Image, Region } from '../../sandbox/aws/world.ts';
import { currentState } from '../../sandbox/engine/call-site.ts';
import type { Call, Sandbox } from '../../sandbox/sandbox.ts';
import { usersIn } from '../faults/oracle/life-facts.ts';
import { valueOf } from '../faults/oracle/world-facts.ts';
import { DAY_MS } from '../fixtures/sandbox/retiring.ts';
import { TARGETS } from './hub.ts';
import { ours } from './teams.ts';

/** One AMI that was ever released. */
interface Known {
  readonly target: Target;
  readonly image: string;
  readonly version: string;
  readonly releaseId: string;
  readonly createdAt: number;
  readonly snapshotIds: readonly string[];
  /** When something was last seen to use it. */
  usedAt: number;
  isGone: boolean;
}

export class Watch {
  readonly #sandbox: Sandbox;
  readonly #rules: RetentionRules;
  readonly #known = new Map<string, Known>();
  /** What was used when the run that goes on now began. */
  #usedBefore: ReadonlySet<string> = new Set();
  readonly violations = new Set<string>();

  constructor(sandbox: Sandbox, rules: RetentionRules) {
    this.#sandbox = sandbox;
    this.#rules = rules;
    // Before any other interceptor: only what really reaches AWS gets here.
    sandbox.intercept(async (call, next) => {
      if (currentState()?.machine === NAMES.retireMachine) this.#judge(call);
      const answer = await next();
      if (call.operation === 'DeregisterImage') this.#note(call);
      return answer;
    });
  }

  get made(): number {
    return this.#known.size;
  }

  get removed(): number {
    return [...this.#known.values()].filter(({ isGone }) => isGone).length;
  }

  /** Every AMI that was released, and which of them is used now. */
  look(): ReadonlySet<string> {
    const used = new Set<string>();
    for (const { target, place } of this.#places())
      for (const one of ours(place)) {
        const key = keyOf(target, one.imageId);
        if (!this.#known.has(key)) this.#known.set(key, knownFrom(target, one));
        if (usersIn(this.#sandbox.world, place, one.imageId).length > 0) used.add(key);
      }
    return used;
  }

  /** These were used during a whole inventory that was complete. */
  use(used: ReadonlySet<string>): void {
    for (const key of used) {
      const known = this.#known.get(key);
      if (known) known.usedAt = this.#now;
    }
  }

  /** Somebody took back what was done to a version: it counts as used. */
  restored(releaseId: string): void {
    for (const [key, known] of this.#known) {
      if (known.releaseId !== releaseId || known.isGone) continue;
      known.usedAt = this.#now;
      if (this.#imageOf(key)?.disabled === true)
        this.wrong(`${key} of ${releaseId} was restored, but is disabled`);
    }
  }

  beginRun(): void {
    this.#usedBefore = this.look();
  }

  /** After a run that says that all is done, a version is as far in one account as in any other. */
  endRun(isComplete: boolean): void {
    for (const [releaseId, all] of this.#versions()) {
      const states = new Set(all.map(([key]) => this.#stateOf(key)));
      const isHalfGone = states.has('gone') && states.has('available');
      const isUsed = all.some(([key]) => this.#usedBefore.has(key));
      if ((isComplete && states.size > 1) || (isHalfGone && !isUsed))
        this.wrong(`${releaseId} is ${[...states].join(' here and ')} there`);
    }
  }

  /** Once nothing has failed and changed for long enough: what is left has a reason to be. */
  judgeEnd(): void {
    this.look();
    for (const [releaseId, all] of this.#versions()) {
      const [[, { image, version }] = ['', { image: '', version: '' }]] = all;
      const rule = this.#rules[image];
      const isGone = all.every(([, known]) => known.isGone);
      if (isGone || !rule) continue;
      const days = rule.unusedDays + 2 * graceDaysOf(rule) + SLACK_DAYS;
      const lately = Math.max(...all.map(([, known]) => known.usedAt)) + days * DAY_MS;
      const young = version.includes('-') ? rule.prereleaseDays : rule.minAgeDays;
      const age = Math.max(...all.map(([, { createdAt }]) => createdAt)) + (young + days) * DAY_MS;
      if (this.#whyKept(releaseId, image, version) === undefined && this.#now > Math.max(lately, age))
        this.wrong(`${releaseId} is left, although nothing keeps it`);
    }
    for (const [key, known] of this.#known) {
      const place = this.#placeOf(known.target);
      if (!known.isGone) continue;
      const version = parameters.version(known.image, known.version);
      for (const id of known.snapshotIds.filter((one) => place.snapshots.has(one)))
        this.wrong(`${id} is left of ${key}`);
      if (place.parameters.has(version)) this.wrong(`${version} is left of ${key}`);
    }
  }

  wrong(what: string): void {
    this.violations.add(`${this.#sandbox.clock.now().toISOString().slice(0, 16)} ${what}`);
  }

  /** At the moment at which AWS would do it. */
  #judge({ operation, accountId, region, input }: Call): void {
    if (operation !== 'DeregisterImage' && operation !== 'DisableImage') return;
    const key = keyOf({ accountId, region }, String(input['ImageId']));
    const known = this.#known.get(key);
    if (!known) return this.wrong(`${operation} of ${key}, which was never released`);
    const { image, version, releaseId } = known;
    const rule = this.#rules[image];
    const users = usersIn(this.#sandbox.world, this.#placeOf(known.target), String(input['ImageId']));
    // What began to be used while the run went on can be disabled for a day, and never deregistered.
    const counts = operation === 'DeregisterImage' || this.#usedBefore.has(key);
    if (users.length > 0 && counts) this.wrong(`${operation} of ${key}, which ${users.join(', ')} uses`);
    const kept = this.#whyKept(releaseId, image, version, operation === 'DisableImage');
    if (kept !== undefined) this.wrong(`${operation} of ${key} of ${releaseId}: ${kept}`);
    if (!rule) return this.wrong(`${operation} of ${key}, which no rule is about`);
    const youngest = version.includes('-') ? rule.prereleaseDays : rule.minAgeDays;
    if (this.#now < known.createdAt + youngest * DAY_MS)
      this.wrong(`${operation} of ${key}, which is too young`);
    if (this.#now < known.usedAt + rule.unusedDays * DAY_MS)
      this.wrong(`${operation} of ${key}, which was used at ${new Date(known.usedAt).toISOString()}`);
    if (operation === 'DeregisterImage' && this.#imageOf(key)?.disabled === false)
      this.wrong(`${operation} of ${key}, which could be launched until then`);
  }

  #note({ accountId, region, input }: Call): void {
    const known = this.#known.get(keyOf({ accountId, region }, String(input['ImageId'])));
    if (known) known.isGone = true;
  }

  /** Why a version must stay as a whole, beside its age. */
  #whyKept(releaseId: string, image: string, version: string, mayBeUsedSince = false): string | undefined {
    const own = [...this.#known].filter(([, known]) => known.releaseId === releaseId && !known.isGone);
    const amis = own.flatMap(([key]) => this.#imageOf(key) ?? []);
    if (amis.some(({ tags }) => tags.get(TAGS.autoCleanup) !== 'true')) return 'somebody keeps it for good';
    const used = own.find(([key, { target }]) => {
      const isUsed = usersIn(this.#sandbox.world, this.#placeOf(target), key.split(' ')[1] ?? '').length > 0;
      return isUsed && (!mayBeUsedSince || this.#usedBefore.has(key));
    });
    if (used) return `${used[0]} is used`;
    const latest = this.#places().flatMap(({ place }) => valueOf(place, parameters.latest(image)) ?? []);
    if (own.some(([key]) => latest.includes(key.split(' ')[1] ?? ''))) return 'it is latest';
    if (version.includes('-')) return undefined;
    const standing = [...this.#known.values()].filter((one) => one.image === image && !one.isGone);
    const released = new Set(standing.map((one) => one.version).filter((one) => !one.includes('-')));
    const newest = [...released].toSorted().toReversed().slice(0, this.#rules[image]?.keepNewest);
    return newest.includes(version) ? 'it is one of the newest' : undefined;
  }

  #versions(): [string, [string, Known][]][] {
    return [...Map.groupBy(this.#known, ([, { releaseId }]) => releaseId)];
  }

  #stateOf(key: string): 'gone' | 'disabled' | 'available' {
    const image = this.#imageOf(key);
    return image === undefined ? 'gone' : image.disabled ? 'disabled' : 'available';
  }

  #imageOf(key: string): Image | undefined {
    const known = this.#known.get(key);
    return known && this.#placeOf(known.target).images.get(key.split(' ')[1] ?? '');
  }

  #placeOf({ accountId, region }: Target): Region {
    return this.#sandbox.world.region(accountId, region);
  }

  #places(): { target: Target; place: Region }[] {
    return TARGETS.map((target) => ({ target, place: this.#placeOf(target) }));
  }

  get #now(): number {
    return this.#sandbox.clock.milliseconds();
  }
}

/** Runs are a day apart, and one image goes a day. */
const SLACK_DAYS = 4;

const keyOf = (target: Target, imageId: string): string => `${targetName(target)} ${imageId}`;

const knownFrom = (target: Target, { tags, createdAt, blockDevices }: Image): Known => ({
  target,
  image: tags.get(TAGS.image) ?? '',
  version: tags.get(TAGS.version) ?? '',
  releaseId: tags.get(TAGS.release) ?? '',
  createdAt,
  snapshotIds: blockDevices.map(({ snapshotId }) => snapshotId),
  usedAt: createdAt,
  isGone: false,
});
