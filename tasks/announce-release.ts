import * as z from 'zod';
import { approvalsIn, approvedSchema } from '../core/contract/approvals.ts';
import { type Comparison, comparedSchema, comparisonSchema } from '../core/contract/comparison.ts';
import { errorOutputSchema } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import {
  type Announced,
  MOST_AMIS_SAID,
  bakedBatchesSchema,
  plannedReleaseSchema,
  resolvedSchema,
} from '../core/contract/releases.ts';
import { sbomsSchema } from '../core/contract/sboms.ts';
import { amiSchema, targetName } from '../core/contract/targets.ts';
import { testedSchema } from '../core/contract/tests.ts';
import { scanSchema, scannedSchema } from '../core/contract/vulnerabilities.ts';
import { announce } from '../core/aws/events.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { buildersOf } from '../core/releases/builders.ts';
import { readJson, readPlan, writeJson } from '../core/releases/plan-store.ts';
import { differenceLines, nothingCompared } from '../core/releases/compare.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { releasedRecord } from '../core/releases/released-record.ts';
import { type Spent, spentUntilAnnounced } from '../core/releases/spent.ts';

/** How many differences the event tells; the others are counted. */
const TOLD = 10;

const eventSchema = plannedReleaseSchema.extend({
  amis: z.record(z.string(), z.array(amiSchema)),
  /** Missing in executions that a state machine of an older deployment runs, as are those below. */
  resolved: resolvedSchema.optional(),
  baked: z.record(z.string(), bakedBatchesSchema).optional(),
  executionArn: z.string().optional(),
  startedAt: z.string().optional(),
  announcedAt: z.string().optional(),
  /** What the comparison came to, or why there is none; missing where nobody compares. */
  compared: z.union([comparedSchema, errorOutputSchema]).optional(),
  /** What the scan came to; missing where nobody scans. */
  scanned: scannedSchema.optional(),
  /** What was tested, by stage; missing where nothing can be. */
  tested: z.record(z.string(), testedSchema).optional(),
  /** Who approved which stage; missing where nobody is asked. */
  approved: approvedSchema.optional(),
});
type Event = z.infer<typeof eventSchema>;

/** Tells the world: writes the record that "what changed since the last release", and "is there a newer source AMI", are
 *  measured from, and puts one `Image Released` event on the bus. The record outlives the plan and the execution, so
 *  it holds what both know of the release, and where the time went.
 *  In      { release, plan: { bucket, prefix }, amis: { dev: [{ accountId, region, imageId }], prod: … }, resolved: { dev: { batches,
 *            bases } }, baked: { dev: [{ bakes: [{ builder: ['m7i.large'] }] }] }, compared, scanned, tested, approved: { prod: { by, at,
 *            reason, answeredIn } }, executionArn, startedAt, announcedAt }
 *  Out     { announced: true, releaseId, image, version, …, amis: { dev: […] } }: the release, with its first ten AMIs
 *  Errors  AnnouncementFailed (EventBridge did not take the event)
 *  Repeat  safe for the record; an event may be put twice, with the same `releaseId`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 *          https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html */
export async function handler(event: unknown): Promise<Announced> {
  const {
    release,
    plan,
    amis,
    baked,
    compared,
    scanned,
    approved = {},
    ...execution
  } = parseEvent(eventSchema, event);
  const builders = buildersOf(execution.resolved ?? {}, baked ?? {});
  const images = Object.entries(amis).flatMap(([stage, list]) =>
    list.map((ami) => ({ stage, ...ami, ...builders.get(targetName(ami)) })),
  );
  const comparison = await comparisonOf(plan, compared);
  const sboms = await sbomsOf(plan, compared);
  if (!release.prerelease) {
    const planned = await readPlan({ bucket: plan.bucket, key: keys.plan(plan.prefix) });
    const record = releasedRecord(planned, images, {
      ...execution,
      comparison,
      sboms,
      vulnerabilities: await scanOf(plan, scanned),
      approvals: approvalsIn(approved),
      spent: await spentIn(execution),
    });
    await writeJson({ bucket: plan.bucket, key: keys.released(release.image, release.version) }, record);
  }
  const { executionArn } = execution;
  const told = comparison && {
    differences: comparison.count,
    firstDifferences: differenceLines(comparison, TOLD),
  };
  await announce(NAMES.released, {
    ...release,
    ...(executionArn !== undefined && { executionArn }),
    images,
    ...told,
  });
  const said = Object.groupBy(images.slice(0, MOST_AMIS_SAID), ({ stage }) => stage);
  return {
    announced: true,
    ...release,
    amis: Object.fromEntries(
      Object.entries(said).map(([stage, list = []]) => [
        stage,
        list.map(({ accountId, region, imageId }) => ({ accountId, region, imageId })),
      ]),
    ),
  };
}

/** Nothing where an older deployment does not say which execution it is. */
async function spentIn({
  executionArn,
  executionName,
  resolved,
  announcedAt,
}: Pick<Event, 'executionArn' | 'executionName' | 'resolved' | 'announcedAt'>): Promise<Spent> {
  return executionArn === undefined || resolved === undefined || announcedAt === undefined
    ? {}
    : spentUntilAnnounced({ executionArn, executionName, resolved, announcedAt });
}

async function comparisonOf(
  { bucket, prefix }: Event['plan'],
  compared: Event['compared'],
): Promise<Comparison | undefined> {
  if (compared === undefined) return undefined;
  if ('Error' in compared)
    return nothingCompared(
      `${compared.Error}: ${messageIn({ name: compared.Error, cause: compared.Cause })}`,
    );
  return compared.compared === 0
    ? undefined
    : comparisonSchema.parse(await readJson({ bucket, key: keys.comparison(prefix) }));
}

async function sbomsOf({ bucket, prefix }: Event['plan'], compared: Event['compared']) {
  if (compared === undefined || 'Error' in compared || compared.sboms === 0) return undefined;
  return sbomsSchema.parse(await readJson({ bucket, key: keys.sboms(prefix) })).sboms;
}

async function scanOf({ bucket, prefix }: Event['plan'], scanned: Event['scanned']) {
  if (scanned === undefined || scanned.sboms === 0) return undefined;
  return scanSchema.parse(await readJson({ bucket, key: keys.vulnerabilities(prefix) }));
}
