/** Decides which versions are marked, and where `latest` goes; only reads. */
import { tagsOf } from '../amis/release-images.ts';
import { describeAmi } from '../amis/usable.ts';
import { clientsFor } from '../aws/clients.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { compareVersions, isPrerelease } from '../configuration/version.ts';
import { VERSION_PATTERN } from '../configuration/settings.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parameters } from '../contract/names.ts';
import type { ReleasedRecord } from '../contract/releases.ts';
import type {
  DisabledAmi,
  MarkedAmi,
  MarkedVersion,
  PointedImage,
  PointedTarget,
} from '../contract/repoints.ts';
import { TAGS } from '../contract/tags.ts';
import { type Target, targetName } from '../contract/targets.ts';
import { readParameter } from '../publication/publication.ts';
import type { Releases } from './choose.ts';
import { type RecordedAmi, amiIn, lookAtAmi, whyNotEverywhere } from './look.ts';
import type { AskedRepoint } from './request.ts';

/** The versions to mark, and of each the release that it is marked for. */
export type Chosen = ReadonlyMap<ReleasedRecord, string | undefined>;

export interface PlannedRepoint {
  readonly versions: readonly MarkedVersion[];
  readonly latest: readonly PointedImage[];
}

/** Plans one request against what was released, in the targets that the factory has now. */
export class Repointing {
  readonly #asked: AskedRepoint;
  readonly #releases: Releases;
  readonly #deployed: ReadonlySet<string>;
  /** The version that a rollback goes back to. */
  #to: ReleasedRecord | undefined;

  readonly #unrecorded: () => Promise<readonly DisabledAmi[]>;

  /** @param unrecorded what revocations disabled that wrote no record; asked for only where it may be told, and once */
  constructor(
    asked: AskedRepoint,
    releases: Releases,
    deployed: readonly Target[],
    unrecorded: () => Promise<readonly DisabledAmi[]>,
  ) {
    this.#asked = asked;
    this.#releases = releases;
    this.#deployed = new Set(deployed.map(targetName));
    let found: Promise<readonly DisabledAmi[]> | undefined;
    this.#unrecorded = async () => (found ??= unrecorded());
  }

  /** @throws PackleaderError InvalidRequest, with the reason */
  async choose(): Promise<Chosen> {
    const asked = this.#asked;
    if (asked.action === 'rollback') return this.#chooseAbove(asked.image, asked.to);
    const record = this.#recorded(asked.image, asked.version);
    if (asked.action === 'restore') return new Map([[record, undefined]]);
    const children = asked.children
      ? this.#releases.standingOn([record.releaseId])
      : new Map<string, string>();
    const found = [...children].flatMap(([releaseId, base]) => {
      const child = this.#releases.get(releaseId);
      return child ? [[child, base] as const] : [];
    });
    return new Map([[record, undefined] as const, ...found]);
  }

  /** What changes in every target. @throws PackleaderError InvalidRequest, with the reason */
  async plan(chosen: Chosen): Promise<PlannedRepoint> {
    const versions: MarkedVersion[] = [];
    for (const [record, because] of chosen) versions.push(await this.#mark(record, because));
    const images = [...new Set([...chosen.keys()].map(({ image }) => image))];
    const about = this.#asked.action === 'rollback' ? [this.#asked.image] : images;
    const latest: PointedImage[] = [];
    for (const image of about) {
      const pointed = await this.#point(image, chosen);
      if (pointed.targets.length > 0) latest.push(pointed);
    }
    return { versions, latest };
  }

  /** Accounts that hold what is marked, and are no targets any more. */
  leftOut(chosen: Chosen): string[] {
    const all = [...chosen.keys()].flatMap(({ images }) => images.map(targetName));
    return [...new Set(all)].filter((target) => !this.#deployed.has(target));
  }

  #recorded(image: string, version: string): ReleasedRecord {
    const record = this.#releases.get(`${image}@${version}`);
    if (record) return record;
    const newest = this.#releases.of(image)[0];
    throw refused(
      newest
        ? `${image}@${version} was never released everywhere: it has no record; the newest that has is ${newest.releaseId}.`
        : `No release of ${image} has a record: it was never released everywhere.`,
    );
  }

  #here(record: ReleasedRecord): RecordedAmi[] {
    return record.images.filter((ami) => this.#deployed.has(targetName(ami)));
  }

  #union(records: readonly ReleasedRecord[]): RecordedAmi[] {
    const all = records.flatMap((record) => this.#here(record));
    return [...new Map(all.map((ami) => [targetName(ami), ami])).values()];
  }

  /** Everything above the version that is gone back to: `latest` shows the newest that stands, and that must be it. */
  async #chooseAbove(image: string, to: string | undefined): Promise<Chosen> {
    const standing = this.#releases.standing(image);
    const [current, ...older] = standing;
    const wanted = to === undefined ? undefined : this.#recorded(image, to);
    if (!current) throw refused(`No version of ${image} stands: there is nothing to go back from.`);
    const revocation = wanted && this.#releases.revocationOf(wanted.releaseId);
    if (wanted && revocation)
      throw refused(
        `${wanted.releaseId} is revoked since ${revocation.at}${revocation.reason === undefined ? '' : `: ${revocation.reason}`}. Restore it first, or go back further.`,
      );
    const reasons: string[] = [];
    for (const candidate of wanted ? [wanted] : older) {
      const why = await whyNotEverywhere(candidate, this.#here(current));
      if (why === undefined) {
        this.#to = candidate;
        const above = standing.filter(({ version }) => compareVersions(version, candidate.version) > 0);
        return new Map(above.map((record) => [record, undefined]));
      }
      reasons.push(`${candidate.releaseId} cannot be gone back to: ${why}.`);
    }
    throw refused(
      reasons.length > 0
        ? reasons.slice(0, REASONS).join(' ')
        : `${current.releaseId} is the only version of ${image} that stands: there is none to go back to.`,
    );
  }

  async #mark(record: ReleasedRecord, because: string | undefined): Promise<MarkedVersion> {
    const asked = this.#asked;
    const { releaseId, image, version } = record;
    const revocation = this.#releases.revocationOf(releaseId);
    const looked = await inEveryTarget(this.#here(record), async (ami) => ({
      ami,
      found: await lookAtAmi(ami, {
        action: asked.action === 'restore' ? 'restore' : 'revoke',
        disable: asked.action === 'revoke' && asked.disable,
        disabled: revocation?.disabled ?? [],
        unrecorded: this.#unrecorded,
      }),
    }));
    if (asked.action === 'restore') {
      const gone = looked.find(({ found }) => found === undefined);
      if (gone)
        throw refused(
          `${releaseId} cannot stand again: its AMI ${gone.ami.imageId} is gone from ${targetName(gone.ami)}.`,
        );
      if (!revocation && looked.every(({ found }) => found === 'unchanged'))
        throw refused(`${releaseId} is not revoked: there is nothing to restore.`);
    }
    const amis = looked.flatMap(({ found }): MarkedAmi[] =>
      found === undefined || found === 'unchanged' ? [] : [found],
    );
    return { releaseId, image, version, ...(because !== undefined && { because }), amis };
  }

  /** Where `latest` of an image goes, in which targets; in none when it stays. */
  async #point(image: string, chosen: Chosen): Promise<PointedImage> {
    const nothing = { image, version: null, targets: [] };
    const { action } = this.#asked;
    const marked = [...chosen.keys()].filter((record) => record.image === image);
    const to = this.#to ?? (await this.#newestAfter(image, marked));
    if (action === 'restore' && (!to || !marked.includes(to))) return nothing;
    const targets = this.#union([...marked, ...(to ? [to] : [])]);
    const pointed = await inEveryTarget(targets, async (target): Promise<PointedTarget[]> => {
      const { accountId, region, stage } = target;
      const was = this.#below(await this.#shown(image, target), image, target);
      const imageId = to ? (amiIn(to, target)?.imageId ?? null) : null;
      if (was?.imageId === imageId || !this.#moves(was, to, marked)) return [];
      return [{ accountId, region, stage, imageId, was }];
    });
    return { image, version: to?.version ?? null, targets: pointed.flat() };
  }

  /** The newest version that stands then, and that every target has in which something is marked. */
  async #newestAfter(image: string, marked: readonly ReleasedRecord[]): Promise<ReleasedRecord | undefined> {
    const revived = this.#asked.action === 'restore';
    const standing = revived
      ? this.#releases
          .of(image)
          .filter((one) => marked.includes(one) || !this.#releases.revocationOf(one.releaseId))
      : this.#releases.standing(image).filter((one) => !marked.includes(one));
    const unique = this.#union(marked);
    for (const record of standing)
      if ((await whyNotEverywhere(record, unique, revived && marked.includes(record))) === undefined)
        return record;
    return undefined;
  }

  async #shown(image: string, target: Target): Promise<PointedTarget['was']> {
    const { ssm, ec2 } = clientsFor(target);
    const imageId = await readParameter(ssm, parameters.latest(image));
    if (imageId === undefined) return null;
    const known = this.#releases.of(image).find((record) => amiIn(record, target)?.imageId === imageId);
    if (known) return { imageId, version: known.version };
    // A release that runs now has no record yet; what a person set there may be no release.
    const found = await describeAmi(ec2, imageId);
    const tags = found && tagsOf(found);
    const version = tags?.get(TAGS.image) === image ? (tags.get(TAGS.version) ?? null) : null;
    return { imageId, version };
  }

  /**
   * A newer version that has no record is of a release that runs: if that is withdrawn, `latest` goes back to what stands now, which must not
   * be what is revoked meanwhile. So that counts as shown; who lets `latest` show another one leaves a newer version there.
   */
  #below(was: PointedTarget['was'], image: string, target: Target): PointedTarget['was'] {
    const [newest] = this.#releases.standing(image);
    const ami = newest && amiIn(newest, target);
    if (!ami || this.#asked.action === 'restore') return was;
    const isRunning =
      typeof was?.version === 'string' &&
      !this.#releases.get(`${image}@${was.version}`) &&
      isNewerThan(newest, was.version);
    return isRunning ? { imageId: ami.imageId, version: newest.version } : was;
  }

  /** Whether `latest` is moved away from what it shows. */
  #moves(
    was: PointedTarget['was'],
    to: ReleasedRecord | undefined,
    marked: readonly ReleasedRecord[],
  ): boolean {
    const { action } = this.#asked;
    const isMarkedNow = marked.some(({ version }) => version === was?.version);
    if (action === 'revoke') return isMarkedNow;
    const isNewer = typeof was?.version === 'string' && to !== undefined && isNewerThan(to, was.version);
    // What a person set is left alone by a restoration; a rollback was asked for by one.
    if (action === 'restore') return was === null || (was.version !== null && !isNewer);
    return (
      isMarkedNow || !isNewer || this.#releases.revocationOf(`${to?.image}@${was.version}`) !== undefined
    );
  }
}

const isNewerThan = (record: ReleasedRecord, version: string): boolean =>
  VERSION_PATTERN.test(version) && !isPrerelease(version) && compareVersions(version, record.version) > 0;

/** So many versions say why they cannot be gone back to. */
const REASONS = 5;

const refused = (why: string): PackleaderError => new PackleaderError(ERRORS.invalidRequest, why);
