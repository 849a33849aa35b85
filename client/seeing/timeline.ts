/** Where the time of a release went, state by state and bake by bake, and what it cost. */
import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import pMap from 'p-map';
import * as z from 'zod';
import { NAMES } from '../../core/contract/names.ts';
import { stageIn } from '../../core/contract/state-names.ts';
import type { Timeline } from '../../core/contract/timeline.ts';
import { timelineOf } from '../../core/releases/timeline.ts';
import { asClientError } from '../errors.ts';
import { allEvents } from '../history.ts';
import { type HubOptions, findExecution } from '../hub.ts';

/** Executions of batches that are read at the same time. */
const READS = 5;

/**
 * Reads the history of a release of one image, and of each batch of its bakes: a call each, or more where they are long. Step
 * Functions keeps histories for 90 days; the record of a release keeps what they told.
 *  @param release `<image>@<version>`, or the ARN of the execution of `packleader-release-image`
 *  @throws ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function releaseTimeline(release: string, options: HubOptions = {}): Promise<Timeline> {
  const { execution, client } = await findExecution(release, options);
  const told = await eventsOf(execution.arn, client, options.signal);
  const batches = await pMap(
    batchesIn(told),
    async ({ arn, stage }) => ({ stage, events: await eventsOf(arn, client, options.signal) }),
    { concurrency: READS },
  );
  return timelineOf(told, batches);
}

async function eventsOf(arn: string, client: SFNClient, signal?: AbortSignal): Promise<HistoryEvent[]> {
  try {
    return await allEvents(arn, client, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot read ${arn}`);
  }
}

const submittedSchema = z.looseObject({ ExecutionArn: z.string() });

/** The executions of `packleader-bake-batch` that were started, each for a stage. */
function batchesIn(events: readonly HistoryEvent[]): { readonly arn: string; readonly stage: string }[] {
  const found = new Map<string, string>();
  let stage = '';
  for (const { stateEnteredEventDetails: entered, taskSubmittedEventDetails: submitted } of events) {
    stage = stageIn(entered?.name ?? '', 'bake') ?? stage;
    const started = submittedSchema.safeParse(documentOf(submitted?.output));
    if (started.success && started.data.ExecutionArn.includes(`:${NAMES.bakeBatchMachine}:`))
      found.set(started.data.ExecutionArn, stage);
  }
  return [...found].map(([arn, of]) => ({ arn, stage: of }));
}

function documentOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}
