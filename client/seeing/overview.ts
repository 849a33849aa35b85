/** All that can be seen of a factory at once: what `packleader page` shows. */
import pMap from 'p-map';
import { targetName } from '../../core/contract/targets.ts';
import type { ReleasedRecord } from '../../core/contract/releases.ts';
import type { Revocation } from '../../core/contract/repoints.ts';
import { ReleaseNotFound } from '../errors.ts';
import { isRevoked } from '../../core/repoints/revocations.ts';
import { type HubOptions, hubOf } from '../hub.ts';
import { listReleases } from '../list.ts';
import type { Outcome } from '../result.ts';
import { getRelease } from '../wait.ts';
import type { Timeline } from '../../core/contract/timeline.ts';
import { releaseTimeline } from './timeline.ts';
import { type StagedTarget, type WhereOptions, type Whereabouts, lookAround } from './where.ts';

export interface OverviewOptions extends Omit<WhereOptions, 'image'> {
  /** How many releases at most, the newest; 1,000 by default. */
  readonly limit?: number;
  /** Of how many of the newest executions the histories are read: what failed, and where the time went; 25 by default. */
  readonly timelines?: number;
  /** Told how much has been read. */
  readonly onProgress?: (what: string) => void;
}

/** A release of one image, whatever became of it. */
export interface SeenRelease {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  readonly outcome: Outcome;
  readonly prerelease: boolean;
  readonly commit: string;
  readonly repository: string | null;
  readonly branch: string | null;
  readonly reason: string | null;
  /** Who asked for it, as they said; null where nobody did, and of what the hub has no record of. */
  readonly startedBy: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Null while it runs, and when nothing tells it. */
  readonly stoppedAt: string | null;
  /** Of the base that it is built on, when that is of this factory. */
  readonly builtOn: string | null;
  readonly error: { readonly name: string; readonly cause: string } | null;
  /** Why it is revoked; null when it stands. */
  readonly revoked: string | null;
  /** Null where there is none, or none any more. */
  readonly amis: readonly (StagedTarget & { readonly imageId: string | null })[];
  /** By its record, or else by its history; null when that was not read, or is forgotten. */
  readonly timeline: Timeline | null;
}

export interface Overview {
  /** ISO 8601. */
  readonly seenAt: string;
  readonly hub: string;
  /** Newest first. */
  readonly releases: readonly SeenRelease[];
  readonly where: Whereabouts;
}

const READS = 5;

/**
 * Reads the records, the newest executions and every target; changes nothing.
 *  @throws HubNotFound, HubUnknown, AccessDenied, NoCredentials, RecordUnreadable, Throttled, HubUnreachable
 */
export async function releaseOverview(options: OverviewOptions = {}): Promise<Overview> {
  const { limit = 1_000, timelines = 25, now = () => new Date(), onProgress = () => {} } = options;
  const { target: hub } = await hubOf(options);
  onProgress('reading the records, and looking into the targets');
  const { where, versions, records, revocations, client } = await lookAround(options);
  onProgress(`reading the newest ${timelines} executions`);
  const executed = await executedReleases(timelines, { ...options, hub, client });
  const released = versions.slice(0, limit).flatMap(({ releaseId, startedAt }, index): SeenRelease[] => {
    const record = records[index];
    if (!record) return [];
    const revocation = revocations.get(releaseId);
    // A retry is another execution than the one that is listed: what that came to says nothing of it.
    const execution = executed.find(({ executionArn }) => executionArn === record.executionArn);
    return [
      {
        ...seenIn(record, releaseId, record.startedAt ?? startedAt),
        revoked: isRevoked(revocation) ? whyRevoked(revocation) : null,
        timeline: record.timeline ?? execution?.release.timeline ?? null,
      },
    ];
  });
  const recorded = new Set(versions.map(({ releaseId }) => releaseId));
  const others = executed.flatMap(({ release }) => (recorded.has(release.releaseId) ? [] : [release]));
  return {
    seenAt: now().toISOString(),
    hub: targetName(hub),
    releases: [...released, ...others].toSorted(
      (a, b) => b.startedAt.localeCompare(a.startedAt) || a.image.localeCompare(b.image),
    ),
    where,
  };
}

const whyRevoked = ({ reason, because, by }: Revocation): string =>
  reason ?? (because === undefined ? `by a ${by}` : `with ${because}`);

function seenIn(record: ReleasedRecord, releaseId: string, startedAt: string): SeenRelease {
  const { image, version, commit, repository, prerelease, branch, reason, startedBy, announcedAt, images } =
    record;
  return {
    releaseId,
    image,
    version,
    outcome: 'released',
    prerelease,
    commit,
    repository,
    branch: branch ?? null,
    reason: reason ?? null,
    startedBy: startedBy ?? null,
    startedAt,
    stoppedAt: announcedAt ?? null,
    builtOn: images.find(({ builtOn }) => builtOn !== undefined)?.builtOn ?? null,
    error: null,
    revoked: null,
    amis: images.map(({ stage, accountId, region, imageId }) => ({ stage, accountId, region, imageId })),
    timeline: null,
  };
}

interface ExecutedRelease {
  readonly release: SeenRelease;
  /** Of `packleader-release-image`; null when it was never begun. */
  readonly executionArn: string | null;
}

/** The images of the newest executions of `packleader-release`, those that failed among them. */
async function executedReleases(limit: number, options: HubOptions): Promise<ExecutedRelease[]> {
  if (limit === 0) return [];
  const listed = await listReleases({ ...options, limit });
  const read = await pMap(
    listed,
    async (handle) => {
      const { releases } = await getRelease(handle, options);
      return Promise.all(
        releases.map(async (release): Promise<ExecutedRelease> => {
          const { releaseId, image, version, outcome, prerelease, commit, error, targets, executionArn } =
            release;
          const timeline = executionArn === null ? null : await timelineOf(executionArn, options);
          const seen = {
            releaseId,
            image,
            version,
            outcome,
            prerelease,
            commit,
            error,
            repository: null,
            branch: null,
            reason: null,
            startedBy: null,
            startedAt: timeline?.states[0]?.startedAt ?? handle.startedAt,
            stoppedAt:
              timeline?.states.at(-1)?.stoppedAt ?? (outcome === 'running' ? null : handle.stoppedAt),
            builtOn: null,
            revoked: null,
            amis: targets.map(({ stage, accountId, region, imageId }) => ({
              stage,
              accountId,
              region,
              imageId,
            })),
            timeline,
          };
          return { release: seen, executionArn };
        }),
      );
    },
    { concurrency: READS },
  );
  return read.flat();
}

/** Step Functions forgets a history after 90 days. */
async function timelineOf(executionArn: string, options: HubOptions): Promise<Timeline | null> {
  try {
    return await releaseTimeline(executionArn, options);
  } catch (error) {
    if (error instanceof ReleaseNotFound) return null;
    throw error;
  }
}
