/** Where the time of a release went, and what it cost, as lines. */
import pMap from 'p-map';
import {
  type HubOptions,
  type ReleaseResult,
  type ReleaseTimeline,
  releaseTimeline,
} from '../../client/client.ts';
import { ClientError } from '../../client/errors.ts';
import { stageIn } from '../../core/contract/state-names.ts';
import { targetName } from '../../core/contract/targets.ts';
import { type Cell, inColumns } from './columns.ts';
import type { Output } from './output.ts';
import { count, duration } from './words.ts';

/** Images whose histories are read at the same time. */
const READS = 5;
/** What took less is not worth a line. */
const SHORTEST_MS = 1_000;

/** By release id; one that cannot be read any more is missing, because the release itself is told all the same. */
export async function timelinesOf(
  { releases }: ReleaseResult,
  options: HubOptions,
): Promise<ReadonlyMap<string, ReleaseTimeline>> {
  const read = await pMap(
    releases,
    async ({ releaseId, executionArn }): Promise<[string, ReleaseTimeline][]> => {
      try {
        return executionArn === null ? [] : [[releaseId, await releaseTimeline(executionArn, options)]];
      } catch (error) {
        if (error instanceof ClientError) return [];
        throw error;
      }
    },
    { concurrency: READS },
  );
  return new Map(read.flat());
}

/** The result with what is known of each image's time. */
export const withTimelines = (result: ReleaseResult, timelines: ReadonlyMap<string, ReleaseTimeline>) => ({
  ...result,
  releases: result.releases.map((release) => ({
    ...release,
    timeline: timelines.get(release.releaseId) ?? null,
  })),
});

/** A line for each state that took a second or more, with the bakes of each stage below it, and one for the cost. */
export function timelineLines({ states, bakes, billed, cost }: ReleaseTimeline, output: Output): string[] {
  const rows = states.flatMap(({ state, ...times }): Cell[][] => {
    const own = lengthOf(times);
    if (own !== undefined && own < SHORTEST_MS) return [];
    const stage = stageIn(state, 'bake');
    const of = stage === undefined ? [] : bakes.filter((bake) => bake.stage === stage);
    return [
      [state, spent(own)],
      ...of.map((bake): Cell[] => [
        `  ${targetName(bake)}`,
        spent(lengthOf(bake)),
        bake.error === null ? '' : { text: bake.error, style: 'red' },
      ]),
    ];
  });
  const builds = count(billed.buildMinutes, 'build minute');
  const text = `about $${cost.toFixed(2)} by list prices: ${builds}, without builder instances`;
  return [...inColumns(rows, output, 4), ...inColumns([[{ text, style: 'dim' }]], output, 4)];
}

const lengthOf = ({ startedAt, stoppedAt }: { startedAt: string; stoppedAt: string | null }) =>
  stoppedAt === null ? undefined : Date.parse(stoppedAt) - Date.parse(startedAt);

const spent = (ms: number | undefined): string => (ms === undefined ? 'not ended' : duration(ms));
