/** Which versions stay and which go, from what was seen: no call, no clock, the same answer for the same question. */
import { type Retention, type RetentionRules, graceDaysOf } from '../configuration/retention.ts';
import { compareVersions, isPrerelease } from '../configuration/version.ts';
import { STATES } from '../contract/tags.ts';
import { type Target, targetName } from '../contract/targets.ts';
import { PHASES, type Phase, type SeenAmi } from './seen.ts';

export interface Seen {
  /** ISO 8601. */
  readonly now: string;
  readonly rules: RetentionRules;
  readonly amis: readonly SeenAmi[];
  /** Targets that could not be read, with the reason: nothing can be told about any version then. */
  readonly unread: readonly (Target & { readonly why: string })[];
  /** By image, the versions that `latest` points at in some target. */
  readonly latest: ReadonlyMap<string, ReadonlySet<string>>;
  /** Who uses which AMI, by {@link amiName}, as far as it was looked for beyond the tags. */
  readonly users?: ReadonlyMap<string, readonly string[]>;
  /** Why a version could not come back once it is deregistered, by its release, as far as somebody asks that it can. */
  readonly lost?: ReadonlyMap<string, string>;
  /** How many of a target's AMIs one run may disable, and deregister, in per cent. */
  readonly mostPercent?: number;
}

/** What is next for a version; `restore` takes back what was done to one that is wanted after all. */
export const STEPS = ['deprecate', 'disable', 'deregister', 'restore'] as const;
export type Step = (typeof STEPS)[number];

/** What becomes of one version, everywhere. */
export interface Verdict {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  /** How far all of its AMIs are; undefined when they may be launched like any other. */
  readonly phase?: Phase;
  /** What is due now; undefined when it stays as it is. */
  readonly step?: Step;
  readonly why: string;
  /** When the next step is due if nothing changes, ISO 8601; undefined when it stays for good. */
  readonly dueAt?: string;
  readonly amis: readonly SeenAmi[];
}

export interface Decision {
  /** Why nothing may be done in this run, whatever the verdicts say. */
  readonly stopped?: string;
  readonly verdicts: readonly Verdict[];
}

const DAY_MS = 86_400_000;
/** An inventory that is older tells nothing about now. */
const FRESH_MS = 3_600_000;
const MOST_PERCENT = 10;

/** An AMI is told from others by its place as well: ids are made by each region. */
export const amiName = (ami: Target & { readonly imageId: string }): string =>
  `${targetName(ami)}/${ami.imageId}`;

/**
 * Decides about every version as a whole: one AMI that must stay keeps all of it, everywhere. What cannot be told counts as used.
 */
export function decide(seen: Seen): Decision {
  const versions = [...Map.groupBy(seen.amis, ({ releaseId }) => releaseId)];
  const standing = standingOf(seen);
  const verdicts = versions
    .map(([releaseId, amis]) => judge(releaseId, amis, seen, standing))
    .toSorted((a, b) => (a.releaseId < b.releaseId ? -1 : 1));
  const stopped = whyStopped(seen, verdicts);
  return { ...(stopped !== undefined && { stopped }), verdicts };
}

/** What may be done now. */
export const dueOf = ({ stopped, verdicts }: Decision): Verdict[] =>
  stopped === undefined ? verdicts.filter(({ step }) => step !== undefined) : [];

interface Standing {
  /** Why a version is kept for what it is among the others, by its release. */
  readonly places: ReadonlyMap<string, string>;
  /** The children of an AMI, by {@link amiName}. */
  readonly children: ReadonlyMap<string, readonly string[]>;
}

function standingOf({ amis, rules, latest }: Seen): Standing {
  const places = new Map<string, string>();
  const children = new Map<string, string[]>();
  for (const ami of amis) {
    if (ami.sourceAmi === undefined) continue;
    const base = amiName({ ...ami, imageId: ami.sourceAmi });
    children.set(base, [...(children.get(base) ?? []), ami.imageId]);
  }
  const released = amis.filter(
    ({ releaseState, version }) =>
      releaseState === STATES.released && isVersion(version) && !isPrerelease(version),
  );
  for (const [image, own] of Map.groupBy(released, (ami) => ami.image)) {
    const keep = rules[image]?.keepNewest;
    if (keep === undefined) continue;
    const order = [...new Set(own.map(({ version }) => version))].toSorted(compareVersions).toReversed();
    for (const [index, version] of order.slice(0, keep).entries())
      places.set(`${image}@${version}`, `it is number ${index + 1} of the ${keep} newest that are kept`);
    for (const current of latest.get(image) ?? []) {
      const older = isVersion(current)
        ? order.filter((version) => compareVersions(version, current) < 0)
        : order;
      for (const version of older.slice(0, keep - 1))
        if (!places.has(`${image}@${version}`))
          places.set(`${image}@${version}`, `latest, which is ${current}, could go back to it`);
    }
  }
  for (const [image, { pinned = [] }] of Object.entries(rules))
    for (const version of pinned) places.set(`${image}@${version}`, 'an image is built on it by its version');
  // Whatever it is, and however old: consumers get it now.
  for (const [image, versions] of latest)
    for (const version of versions) places.set(`${image}@${version}`, 'it is latest');
  return { places, children };
}

function isVersion(version: string): boolean {
  try {
    return compareVersions(version, version) === 0;
  } catch {
    return false;
  }
}

function judge(
  releaseId: string,
  amis: readonly SeenAmi[],
  seen: Seen,
  { places, children }: Standing,
): Verdict {
  const { image = '', version = '' } = amis[0] ?? {};
  const phase = phaseOf(amis);
  const about = { releaseId, image, version, amis, ...(phase && { phase }) };
  const stays = (why: string): Verdict => ({ ...about, why });
  const rule = seen.rules[image];
  if (rule === undefined) return stays('its image has no retention in every stage and target');
  const odd = amis.map((ami) => oddity(ami)).find((why) => why !== undefined);
  if (odd !== undefined) return stays(odd);
  const wanted = places.get(releaseId) ?? needed(amis, seen, children);
  if (wanted !== undefined) {
    // Some of its AMIs may be further than the rest: one that was begun with is enough.
    const begun = amis.some(({ retirement }) => retirement !== undefined);
    return begun ? { ...about, step: 'restore', why: wanted } : stays(wanted);
  }
  const verdict = due(about, rule, seen);
  const lost = verdict.step === 'deregister' ? seen.lost?.get(releaseId) : undefined;
  return lost === undefined ? verdict : stays(lost);
}

/** The states of what may be retired. */
export const RETIRED: readonly string[] = [STATES.released, STATES.revoked, STATES.imported];

/** What keeps packleader off an AMI altogether. */
function oddity(ami: SeenAmi): string | undefined {
  const { imageId, autoCleanup, releaseState = 'nothing', retirement, state } = ami;
  if (!autoCleanup) return `${imageId} has no tag AutoCleanup=true`;
  if (!RETIRED.includes(releaseState)) return `${imageId} is ${releaseState}, not released`;
  if (retirement === 'unreadable') return `the tag packleader:retirement of ${imageId} cannot be read`;
  if (state === 'disabled' && retirement === undefined) return `${imageId} was disabled by somebody else`;
  if (state !== 'available' && state !== 'disabled') return `${imageId} is ${state}`;
  if (ami.isProtected) return `${imageId} is protected from being deregistered`;
  const unreadable = [ami.createdAt, ami.lastUsed, ami.lastLaunched].find(
    (at) => at !== undefined && Number.isNaN(Date.parse(at)),
  );
  return unreadable === undefined ? undefined : `${imageId} was used at ${unreadable}, which is no time`;
}

function needed(
  amis: readonly SeenAmi[],
  { users, now, rules }: Seen,
  children: Standing['children'],
): string | undefined {
  for (const ami of amis) {
    const [child] = children.get(amiName(ami)) ?? [];
    if (child !== undefined) return `${child} was built on ${ami.imageId}`;
    const [user] = users?.get(amiName(ami)) ?? [];
    if (user !== undefined) return `${ami.imageId} is used by ${user}`;
  }
  if (amis.every(({ retirement }) => retirement === undefined)) return undefined;
  const enabled = amis.find((ami) => isPhase(ami, 'disabled') && ami.state === 'available');
  if (enabled) return `${enabled.imageId} was disabled, and can be launched again`;
  // Used again since its end began, anywhere: a restoration that was interrupted has got to some of them only.
  const unusedMs = (rules[amis[0]?.image ?? '']?.unusedDays ?? 0) * DAY_MS;
  const again = amis.find((ami) => Date.parse(now) < usedAt(ami) + unusedMs);
  return again && `${again.imageId} was used at ${new Date(usedAt(again)).toISOString()}`;
}

const isPhase = ({ retirement }: SeenAmi, phase: Phase): boolean =>
  retirement !== undefined && retirement !== 'unreadable' && retirement.phase === phase;

/** When something last used an AMI; one that nothing ever used began to be unused when it was made. */
function usedAt({ createdAt, lastUsed, lastLaunched }: SeenAmi): number {
  return Math.max(
    ...[createdAt, lastUsed, lastLaunched].flatMap((at) => (at === undefined ? [] : Date.parse(at))),
  );
}

/** The least that all of its AMIs have in common: a step that was interrupted is taken again. */
function phaseOf(amis: readonly SeenAmi[]): Phase | undefined {
  const ranks = amis.map(({ retirement }) =>
    retirement === undefined || retirement === 'unreadable' ? -1 : PHASES.indexOf(retirement.phase),
  );
  return PHASES[Math.min(...ranks)];
}

function due(
  about: Pick<Verdict, 'releaseId' | 'image' | 'version' | 'amis' | 'phase'>,
  rule: Retention,
  { now }: Seen,
): Verdict {
  const { amis, version, phase } = about;
  const grace = graceDaysOf(rule) * DAY_MS;
  const latest = (of: (ami: SeenAmi) => number) => Math.max(...amis.map(of));
  const minAge =
    (isVersion(version) && isPrerelease(version) ? rule.prereleaseDays : rule.minAgeDays) * DAY_MS;
  const unusedAt = latest((ami) => usedAt(ami)) + rule.unusedDays * DAY_MS;
  const oldAt = latest(({ createdAt }) => Date.parse(createdAt)) + minAge;
  const since = latest((ami) => begunAt(ami, phase));
  const dueMs = Math.max(unusedAt, oldAt, phase === undefined ? 0 : since + grace);
  const dueAt = new Date(dueMs).toISOString();
  const step =
    phase === 'disabled'
      ? 'deregister'
      : phase === 'deprecated' || !rule.deprecateFirst
        ? 'disable'
        : 'deprecate';
  if (Date.parse(now) >= dueMs)
    return { ...about, step, why: `nothing has used it for ${rule.unusedDays} days`, dueAt };
  const why =
    phase !== undefined && dueMs > Math.max(unusedAt, oldAt)
      ? `it is ${phase} since ${new Date(since).toISOString()}, and the next step, to ${step}, is due at ${dueAt}`
      : oldAt >= unusedAt
        ? `it is younger than ${minAge / DAY_MS} days`
        : `it was used in the last ${rule.unusedDays} days`;
  return { ...about, why, dueAt };
}

/** When a phase of an AMI began. One that is further says nothing: where a step was interrupted, it does not wait for another grace. */
function begunAt({ retirement }: SeenAmi, phase: Phase | undefined): number {
  if (retirement === undefined || retirement === 'unreadable') return 0;
  return retirement.phase === phase ? Date.parse(retirement.since) : 0;
}

function whyStopped(seen: Seen, verdicts: readonly Verdict[]): string | undefined {
  const [unread] = seen.unread;
  if (unread) {
    const more = seen.unread.length > 1 ? ` (and ${seen.unread.length - 1} more targets)` : '';
    return `${targetName(unread)} could not be read: ${unread.why}${more}. Nothing goes anywhere, because a version goes everywhere or nowhere.`;
  }
  return staleness(seen) ?? excess(seen, verdicts);
}

/** Of every AMI that a rule is about; one that is younger than the last inventory has not been seen by it yet. */
function staleness({ amis, rules, now }: Seen): string | undefined {
  const at = Date.parse(now);
  const stale = amis.find(({ image, createdAt, lastUsedRuntime = '' }) => {
    if (rules[image] === undefined || at - Date.parse(createdAt) < FRESH_MS) return false;
    const looked = Date.parse(lastUsedRuntime);
    // A time to come is as wrong as none.
    return !(at - looked <= FRESH_MS && looked - at <= FRESH_MS);
  });
  if (!stale) return undefined;
  const when = stale.lastUsedRuntime === undefined ? 'never' : `at ${stale.lastUsedRuntime}`;
  return `whether ${stale.imageId} in ${targetName(stale)} is used was last looked for ${when}, more than an hour ago. Nothing goes until packleader-inventory has looked everywhere.`;
}

/** A slip that makes everything look unused must not empty an account. Each image may lose one version in any run. */
function excess(
  { amis, mostPercent = MOST_PERCENT }: Seen,
  verdicts: readonly Verdict[],
): string | undefined {
  for (const [target, own] of Map.groupBy(amis, targetName)) {
    const images = new Set(own.map(({ image }) => image)).size;
    const most = Math.max(images, Math.floor((own.length * mostPercent) / 100));
    for (const step of ['disable', 'deregister'] as const) {
      const going = verdicts
        .filter((verdict) => verdict.step === step)
        .flatMap((verdict) => verdict.amis.filter((ami) => targetName(ami) === target)).length;
      if (going > most)
        return `it would ${step} ${going} of the ${own.length} AMIs in ${target}, and one run may ${step} ${most}. See why so many are unused; if that is right, let one run do more: packleader retire --most-percent ${Math.ceil((100 * going) / own.length)}.`;
    }
  }
  return undefined;
}
