import type { Image } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { keys } from '../core/contract/keys.ts';
import { type Batch, type Plan, type Resolved, plannedReleaseSchema } from '../core/contract/releases.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { refuseUnpublishable } from '../core/publication/may-publish.ts';
import { inBatches } from '../core/releases/batches.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { executionName } from '../core/releases/execution-name.ts';
import { readPlan } from '../core/releases/plan-store.ts';
import { refuseHastyRetry } from '../core/releases/retries.ts';
import { resolveSources } from '../core/amis/source-amis.ts';

const eventSchema = plannedReleaseSchema.extend({
  /** The instant the release started, which source AMIs' ages are measured at. */
  startedAt: z.string(),
  executionArn: z.string(),
});

type PlannedTarget = Plan['stages'][number]['targets'][number];

/** Finds the AMI that every target's bake starts from, once for the whole release, and pins it. Refuses a release that could
 *  not become `latest`.
 *  In      { release, plan: { bucket, prefix }, executionName, executionArn, startedAt }; of a retry the name tells it
 *  Out     { dev: { batches: [{ number, targets: [{ accountId, region, sourceImageId, timeoutMinutes }] }] }, prod: … }
 *  Errors  SourceAmiNotFound, SourceAmiRefused (deprecated, disabled, too old, revoked, wrong architecture, not one of
 *          the owners), SourceAmisDiffer (two accounts of one region would start from different public AMIs),
 *          BaseImageNotReleased (a base version that is not published in every target), VersionTooLow (a higher
 *          major.minor is published), LatestIsFull (SSM could not store another value of `latest`); of a retry also
 *          InvalidRequest and NotReadyYet (something of an earlier attempt is left or at work)
 *  Repeat  safe: only reads
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html */
export async function handler(event: unknown): Promise<Resolved> {
  const {
    release,
    plan: location,
    executionName: name,
    executionArn,
    startedAt,
  } = parseEvent(eventSchema, event);
  const plan = await readPlan({ bucket: location.bucket, key: keys.plan(location.prefix) });
  if (name !== executionName(release))
    await refuseHastyRetry({ release, plan, name, arn: executionArn, startedAt });
  const targets = plan.stages.flatMap((stage) => stage.targets);
  await inEveryTarget(targets, async (target) => refuseUnpublishable(clientsFor(target), release));
  const sources = await resolveSources(targets, startedAt, release.image);
  return Object.fromEntries(
    plan.stages.map((stage) => [
      stage.name,
      { batches: inBatches(stage.targets.map((target) => bake(target, sources))) },
    ]),
  );
}

function bake(target: PlannedTarget, sources: ReadonlyMap<PlannedTarget, Image>): Batch['targets'][number] {
  const { accountId, region, timeoutMinutes } = target;
  return { accountId, region, sourceImageId: sources.get(target)?.ImageId ?? '', timeoutMinutes };
}
