import pMap from 'p-map';
import { eventsOf } from '../aws/executions.ts';
import { NAMES } from '../contract/names.ts';
import type { Resolved } from '../contract/releases.ts';
import { PIVOT } from '../contract/state-names.ts';
import type { Timeline } from '../contract/timeline.ts';
import { batchExecutionName } from './batches.ts';
import { executionArn } from './execution-name.ts';
import { timelineOf } from './timeline.ts';

/** Histories that are read at the same time. */
const READS = 5;

/** What a record says of the time that a release took: one of both. */
export interface Spent {
  /** Until it was announced. */
  readonly timeline?: Timeline;
  /** Why nobody knows. */
  readonly notTimed?: string;
}

/**
 * Where the time of a release went, as it is about to be announced: what its execution has done, and those of its batches. Nothing
 * of it is worth a release that stands and that nobody hears of, so what cannot be read is said and never thrown.
 */
export async function spentUntilAnnounced(of: {
  readonly executionArn: string;
  readonly executionName: string;
  readonly resolved: Resolved;
  /** When the state that announces was entered, ISO 8601. */
  readonly announcedAt: string;
}): Promise<Spent> {
  const baked = Object.entries(of.resolved).flatMap(([stage, { batches, toBake }]) =>
    (toBake ?? batches.keys().toArray()).flatMap((index) => {
      const { number } = batches[index] ?? {};
      return number === undefined
        ? []
        : [{ stage, name: batchExecutionName(of.executionName, stage, number) }];
    }),
  );
  try {
    const told = await eventsOf(of.executionArn, { data: false });
    const end = told.findLastIndex(({ stateEnteredEventDetails: entered }) => entered?.name === PIVOT.behind);
    const batches = await pMap(
      baked,
      async ({ stage, name }) => {
        const arn = executionArn(of.executionArn, NAMES.bakeBatchMachine, name);
        return { stage, events: await eventsOf(arn, { data: true }) };
      },
      { concurrency: READS },
    );
    const { states, ...rest } = timelineOf(end === -1 ? told : told.slice(0, end), batches);
    // Step Functions may not show yet what has only just happened: the state before has ended by then.
    return {
      timeline: {
        ...rest,
        states: states.map((state) => ({ ...state, stoppedAt: state.stoppedAt ?? of.announcedAt })),
      },
    };
  } catch (error) {
    return { notTimed: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
