/** What must hold at every moment, whatever has failed so far: what a consumer can find is sound. */
import { parameters } from '../../../core/contract/names.ts';
import type { Release } from '../../../core/contract/releases.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { type Image, type Region, type World, imageState } from '../../../sandbox/aws/world.ts';
import { flawsOf, imagesOf, valueOf } from './world-facts.ts';
import { type Baseline, targetsOf } from '../player/baseline.ts';

export class InvariantMonitor {
  readonly #world: World;
  readonly #baseline: Baseline;
  readonly #releases: readonly Release[];
  readonly #seen = new Set<string>();
  #checkedAt = 0;
  /** Where `latest` was seen. */
  readonly #shown = new Set<string>();
  /** Before the first release there was none, and there is none again when that is undone. */
  readonly #mayGo: boolean;
  readonly #made = new Map<string, Set<string>>();
  /** What was wrong at some moment; each thing once. */
  readonly violations = new Set<string>();

  constructor(world: World, baseline: Baseline, releases: readonly Release[]) {
    this.#world = world;
    this.#baseline = baseline;
    this.#releases = releases;
    const [target] = targetsOf(baseline);
    const [release] = releases;
    this.#mayGo =
      target === undefined ||
      release === undefined ||
      valueOf(world.region(target.accountId, target.region), parameters.latest(release.image)) === undefined;
  }

  /** Every AMI a release ever made in a target, deregistered ones too. */
  madeIn(target: Target, release: Release): ReadonlySet<string> {
    return this.#made.get(`${targetName(target)} ${release.releaseId}`) ?? new Set();
  }

  /** After a call: the world changes by calls that change something, and with time. */
  checkAfter(changes: boolean): void {
    const now = this.#world.clock.milliseconds();
    if (!changes && now === this.#checkedAt) return;
    this.#checkedAt = now;
    this.check();
  }

  check(): void {
    for (const { targets } of this.#baseline.stages) {
      for (const target of targets) {
        const place = this.#world.region(target.accountId, target.region);
        for (const release of this.#releases) {
          this.#noteMade(place, target, release);
          this.#checkVersion(place, target, release);
        }
        this.#checkLatest(place, target);
      }
    }
  }

  #noteMade(place: Region, target: Target, release: Release): void {
    const key = `${targetName(target)} ${release.releaseId}`;
    const made = this.#made.get(key) ?? new Set<string>();
    this.#made.set(key, made);
    for (const image of imagesOf(place, release)) made.add(image.imageId);
  }

  #checkVersion(place: Region, target: Target, release: Release): void {
    const name = parameters.version(release.image, release.version);
    const value = valueOf(place, name);
    if (value === undefined) return;
    this.#mustBeSound(place, target, name, value);
    const version = place.images.get(value)?.tags.get(TAGS.version);
    if (version !== undefined && version !== release.version)
      this.#wrong(`${targetName(target)}: ${name} points at version ${version}`);
    if (this.#isNew(`${targetName(target)} ${name}`)) this.#mustBeReady(release, name);
  }

  #checkLatest(place: Region, target: Target): void {
    const [release] = this.#releases;
    if (release === undefined) return;
    const name = parameters.latest(release.image);
    const value = valueOf(place, name);
    if (value !== undefined) this.#shown.add(targetName(target));
    else if (!this.#mayGo && this.#shown.has(targetName(target)))
      this.#wrong(`${targetName(target)}: ${name} is gone`);
    if (value === undefined) return;
    this.#mustBeSound(place, target, name, value);
    const pointed = this.#releases.find((one) => this.madeIn(target, one).has(value));
    if (pointed === undefined || !this.#isNew(`${targetName(target)} ${name} ${pointed.releaseId}`)) return;
    this.#mustBeReady(pointed, name);
  }

  /** A release lets consumers follow it only when every target has its version. */
  checkFlip(release: Release, value: unknown): void {
    const name = parameters.latest(release.image);
    const version = parameters.version(release.image, release.version);
    const all = this.#baseline.stages.flatMap(({ targets }) => targets);
    if (!all.some((target) => this.madeIn(target, release).has(String(value)))) return;
    for (const { targets } of this.#baseline.stages) {
      for (const other of targets) {
        if (valueOf(this.#world.region(other.accountId, other.region), version) === undefined)
          this.#wrong(`${name} shows ${release.releaseId} before ${targetName(other)} has it`);
      }
    }
  }

  /** What a parameter points at can be launched, and says what it is. */
  #mustBeSound(place: Region, target: Target, name: string, value: string): void {
    const image = place.images.get(value);
    const flaw = image === undefined ? 'does not exist' : this.#flawOf(image);
    if (flaw !== undefined) this.#wrong(`${targetName(target)}: ${name} points at ${value}, which ${flaw}`);
  }

  #flawOf(image: Image): string | undefined {
    const state = imageState(image, this.#world.clock.milliseconds());
    if (state !== 'available') return `is ${state}`;
    const tag = image.tags.get(TAGS.state);
    return this.#releases.some(({ releaseId }) => image.tags.get(TAGS.release) === releaseId) &&
      tag !== STATES.released &&
      tag !== STATES.quarantined
      ? `is tagged ${tag}`
      : undefined;
  }

  /** At the first moment a consumer can find a release, all targets hold it, though it may be quarantined already. */
  #mustBeReady(release: Release, name: string): void {
    for (const { name: stage, targets } of this.#baseline.stages) {
      for (const target of targets) {
        const [image] = imagesOf(this.#world.region(target.accountId, target.region), release);
        const isKept = image?.tags.get(TAGS.state) === STATES.quarantined;
        const state = isKept ? STATES.quarantined : STATES.released;
        for (const flaw of flawsOf(this.#world, target, release, stage, state))
          this.#wrong(`${name} can be found, but ${flaw}`);
      }
    }
  }

  #isNew(what: string): boolean {
    const before = this.#seen.size;
    return this.#seen.add(what).size > before;
  }

  #wrong(what: string): void {
    this.violations.add(`at ${this.#world.clock.now().toISOString()} ${what}`);
  }
}
