/** Those who use AMIs: they come, launch what they find by every way there is, keep it for a while, and go. */
import { parameters } from '../../core/contract/names.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { type Image, type Region, type World, imageState } from '../../sandbox/aws/world.ts';
import { addParameter } from '../../sandbox/rehearsal/own-things.ts';
import { valueOf } from '../faults/oracle/world-facts.ts';
import { DAY_MS } from '../fixtures/sandbox/retiring.ts';
import { IMAGES, TARGETS } from './hub.ts';
import type { Random } from './random.ts';

const TYPE = 'm7i.large';
const CUSTOMER = '777777777777';

/** Begins a use; returns what ends it. */
type Use = (place: Region, imageId: string, name: string) => () => void;

export class Teams {
  readonly #world: World;
  readonly #random: Random;
  readonly #pace: number;
  readonly #endings: { readonly at: number; readonly end: () => void }[] = [];
  #count = 0;

  /** @param pace How much sooner everything ends than usual */
  constructor(world: World, random: Random, pace: number) {
    this.#pace = pace;
    this.#world = world;
    this.#random = random;
  }

  /** What has had its time ends. */
  end(): void {
    const now = this.#world.clock.milliseconds();
    for (const one of this.#endings.filter(({ at }) => at <= now)) {
      this.#endings.splice(this.#endings.indexOf(one), 1);
      one.end();
    }
  }

  /** Somebody begins to use an AMI that can be launched; mostly the newest one, sometimes one that is on its way out. */
  begin(): void {
    const target = this.#random.pick(TARGETS);
    const image = this.#random.pick(IMAGES);
    if (!target || image === undefined) return;
    const place = this.#world.region(target.accountId, target.region);
    const latest = valueOf(place, parameters.latest(image));
    const imageId = this.#random.chance(0.7) ? latest : this.#random.pick(this.#launchable(place))?.imageId;
    if (imageId === undefined) return;
    const use = this.#random.pick(this.#uses(target));
    this.#keep(
      use?.(place, imageId, this.#name()),
      this.#random.between(0.5, this.#random.chance(0.1) ? 60 : 8),
    );
  }

  /** Somebody names an AMI that is disabled by now: whoever launches it fails, until it is restored. */
  wantBack(): void {
    const target = this.#random.pick(TARGETS);
    if (!target) return;
    const place = this.#world.region(target.accountId, target.region);
    const disabled = this.#random.pick(ours(place).filter((one) => one.disabled));
    if (disabled) this.#keep(this.#template(target)(place, disabled.imageId, this.#name()), 10);
  }

  /** Somebody takes the tag away that lets an AMI go. */
  keepForGood(): void {
    const places = TARGETS.map((target) => this.#world.region(target.accountId, target.region));
    const image = this.#random.pick(places.flatMap((place) => this.#launchable(place)));
    image?.tags.delete(TAGS.autoCleanup);
  }

  #name(): string {
    this.#count += 1;
    return `team-${this.#count}`;
  }

  #keep(end: (() => void) | undefined, days: number): void {
    if (end) this.#endings.push({ at: this.#world.clock.milliseconds() + (days * DAY_MS) / this.#pace, end });
  }

  #launchable(place: Region): Image[] {
    const now = this.#world.clock.milliseconds();
    return ours(place).filter((image) => imageState(image, now) === 'available');
  }

  #uses(target: Target): Use[] {
    return [
      this.#instance(),
      this.#instance(),
      this.#fleet(target),
      this.#fleet(target),
      this.#template(target),
      this.#parameter(target),
      launchConfiguration,
      group,
      share,
    ];
  }

  /** Running or stopped. */
  #instance(): Use {
    const { clock } = this.#world;
    return (place, imageId, name) => {
      const asked = this.#random.chance(0.3) ? 'stop' : 'run';
      place.instances.set(`i-${name}`, {
        instanceId: `i-${name}`,
        imageId,
        instanceType: TYPE,
        architecture: 'x86_64',
        securityGroupIds: [],
        volumeIds: [],
        launchedAt: clock.milliseconds(),
        asked,
        askedAt: clock.milliseconds(),
        httpTokens: 'required',
        tags: new Map(),
      });
      return () => void place.instances.delete(`i-${name}`);
    };
  }

  #template(target: Target): Use {
    const { clock } = this.#world;
    return (place, imageId, name) => {
      place.launchTemplates.set(`lt-${name}`, {
        launchTemplateId: `lt-${name}`,
        name,
        createdBy: `arn:aws:iam::${target.accountId}:role/${name}`,
        defaultVersion: 1,
        versions: [{ number: 1, createdAt: clock.milliseconds(), instanceType: TYPE, imageId }],
        createdAt: clock.milliseconds(),
        tags: new Map(),
      });
      return () => void place.launchTemplates.delete(`lt-${name}`);
    };
  }

  /** One template that gets a version after the other, more than the ten that EC2 looks at by itself; an old one goes by and by. */
  #fleet(target: Target): Use {
    const id = `lt-fleet-${targetName(target)}`;
    return (place, imageId) => {
      const fleet = place.launchTemplates.get(id);
      if (!fleet) {
        this.#template(target)(place, imageId, id.slice('lt-'.length));
        return () => {};
      }
      const number = Math.max(...fleet.versions.map((one) => one.number)) + 1;
      fleet.versions.push({
        number,
        createdAt: this.#world.clock.milliseconds(),
        instanceType: TYPE,
        imageId,
      });
      fleet.defaultVersion = number;
      const end = (): void => {
        // The version that a fleet launches stays until there is another one.
        if (fleet.defaultVersion === number) this.#keep(end, 1);
        else
          fleet.versions.splice(
            fleet.versions.findIndex((one) => one.number === number),
            1,
          );
      };
      return end;
    };
  }

  #parameter(target: Target): Use {
    return (place, imageId, name) => {
      addParameter(this.#world, target, `/${name}/ami`, imageId);
      return () => void place.parameters.delete(`/${name}/ami`);
    };
  }
}

export const ours = (place: Region): Image[] =>
  [...place.images.values()].filter(({ tags }) => /^(released|revoked)$/.test(tags.get(TAGS.state) ?? ''));

function launchConfiguration(place: Region, imageId: string, name: string): () => void {
  place.launchConfigurations.set(name, { name, imageId, instanceType: TYPE });
  return () => void place.launchConfigurations.delete(name);
}

function group(place: Region, imageId: string, name: string): () => void {
  place.autoScalingGroups.set(name, { name, overrides: [{ imageId }] });
  return () => void place.autoScalingGroups.delete(name);
}

function share(place: Region, imageId: string): () => void {
  const users = place.images.get(imageId)?.launchPermissions.users;
  users?.add(CUSTOMER);
  return () => void users?.delete(CUSTOMER);
}
