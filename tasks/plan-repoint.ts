import * as z from 'zod';
import { runningExecutions } from '../core/aws/executions.ts';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import type { RepointAnswer, RepointPlan } from '../core/contract/repoints.ts';
import { accountIdSchema, regionSchema } from '../core/contract/targets.ts';
import { writeJson } from '../core/releases/plan-store.ts';
import { readRecords } from '../core/releases/read-records.ts';
import { claimImage } from '../core/repoints/claims.ts';
import { Releases } from '../core/repoints/choose.ts';
import { disabledUnrecorded } from '../core/repoints/disabled-unrecorded.ts';
import { type PlannedRepoint, Repointing } from '../core/repoints/plan.ts';
import { parseRepoint } from '../core/repoints/request.ts';
import { readRevocations } from '../core/repoints/revocations.ts';

const eventSchema = z.object({
  /** What was asked for; a person may have typed it, so it is judged on its own. */
  request: z.unknown(),
  execution: z.object({ id: z.string(), name: z.string(), startedAt: z.string() }),
  bucket: z.string(),
  /** The factory's targets: accounts by region. */
  deployed: z.record(regionSchema, z.array(accountIdSchema)),
});

/** Of lists of releases, executions and targets so many are told; together they fit into the state's document. */
const TOLD = 500;

/** Decides which versions are revoked or stand again and where `latest` goes, and writes down what is there before. Refuses what
 *  not every account could follow, and whoever comes beside another one that is at work on the same image.
 *  In      { request: { rollback, to? } | { revoke, reason, children?, disable? } | { restore }, execution: { id, name,
 *            startedAt }, bucket, deployed: { 'eu-west-1': [accountId] } }
 *  Out     { dryRun, answer: { action, versions, amiCount, switchedCount, latest, builtOnThem, running, leftOut }, plan: { bucket, key } }
 *  Errors  InvalidRequest (with the reason), NotReadyYet (EC2 does not show an AMI now), Throttled, ConnectionLost (retried)
 *  Repeat  safe: claims what it has claimed, and writes the same plan as long as nothing was changed
 *  @see    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export async function handler(event: unknown): Promise<{
  dryRun: boolean;
  answer: RepointAnswer;
  plan: { bucket: string; key: string };
}> {
  const { request, execution, bucket, deployed } = parseEvent(eventSchema, event);
  const asked = parseRepoint(request);
  const targets = Object.entries(deployed).flatMap(([region, accounts]) =>
    accounts.map((accountId) => ({ accountId, region })),
  );
  const choice = async () => {
    const releases = new Releases(await readRecords(bucket), await readRevocations(bucket));
    const repointing = new Repointing(asked, releases, targets, async () => disabledUnrecorded(bucket));
    return { releases, repointing, chosen: await repointing.choose() };
  };
  let { releases, repointing, chosen } = await choice();
  if (!asked.dryRun) {
    const images = new Set([asked.image, ...[...chosen.keys()].map(({ image }) => image)]);
    // In one order, so that of two that want the same images one gets all of them.
    for (const image of [...images].toSorted())
      await claimImage(image, { bucket, executionArn: execution.id, now: execution.startedAt });
    // What another one has changed before its end is seen only now.
    ({ releases, repointing, chosen } = await choice());
  }
  const planned = await repointing.plan(chosen);
  const plan = { bucket, key: keys.repointPlan(execution.name) };
  const document: RepointPlan = {
    action: asked.action,
    ...(asked.reason !== undefined && { reason: asked.reason }),
    executionArn: execution.id,
    startedAt: execution.startedAt,
    ...planned,
    versions: [...planned.versions],
    latest: [...planned.latest],
  };
  if (!asked.dryRun) await writeJson(plan, document);
  const releaseIds = [...chosen.keys()].map(({ releaseId }) => releaseId);
  const builtOnThem = asked.action === 'restore' ? [] : [...releases.standingOn(releaseIds).keys()];
  const images = new Set(planned.versions.map(({ image }) => image).concat(asked.image));
  const running = await runningExecutions(execution.id, NAMES.releaseImageMachine);
  return {
    dryRun: asked.dryRun,
    answer: {
      action: asked.action,
      dryRun: asked.dryRun,
      ...told(planned),
      builtOnThem: builtOnThem.slice(0, TOLD),
      running: running
        .map(({ name = '' }) => name)
        .filter((name) => [...images].some((image) => name.startsWith(`${image}-`)))
        .slice(0, TOLD),
      leftOut: repointing.leftOut(chosen).slice(0, TOLD),
    },
    plan,
  };
}

function told({
  versions,
  latest,
}: PlannedRepoint): Pick<RepointAnswer, 'versions' | 'amiCount' | 'switchedCount' | 'latest'> {
  const amis = versions.flatMap((version) => version.amis);
  return {
    versions: versions.map(({ releaseId }) => releaseId).slice(0, TOLD),
    amiCount: amis.length,
    switchedCount: amis.filter(({ enable, disable }) => enable !== undefined || disable === true).length,
    latest: latest
      .map(({ image, version, targets }) => ({
        image,
        from: [...new Set(targets.map(({ was }) => was?.version ?? was?.imageId ?? 'nothing'))].slice(0, 3),
        to: version,
        targetCount: targets.length,
      }))
      .slice(0, TOLD),
  };
}
