import type { Image } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { keys } from '../core/contract/keys.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { targetName } from '../core/contract/targets.ts';
import { NAMES } from '../core/contract/names.ts';
import { type Batch, type Plan, type Resolved, plannedReleaseSchema } from '../core/contract/releases.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { announce } from '../core/aws/events.ts';
import { writeLine } from '../core/aws/metrics.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { refuseUnpublishable } from '../core/publication/may-publish.ts';
import { inBatches } from '../core/releases/batches.ts';
import { TAGS } from '../core/contract/tags.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { baseOf } from '../core/releases/released-record.ts';
import { executionName } from '../core/releases/execution-name.ts';
import { readPlan } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { beginRetry } from '../core/releases/retries.ts';
import { tagsOf } from '../core/amis/release-images.ts';
import { resolveSources } from '../core/amis/source-amis.ts';

const eventSchema = plannedReleaseSchema.extend({
  /** The instant the release started, which source AMIs' ages are measured at. */
  startedAt: z.string(),
  executionArn: z.string(),
  /** Whether it may go on with what an attempt before has kept. */
  takesOver: z.boolean().default(false),
  /** Whether AMIs are copied. */
  copies: z.boolean().default(false),
  run: runSchema,
});

type PlannedTarget = Plan['stages'][number]['targets'][number];

/** Finds the AMI that every target's bake starts from, once for the whole release, and pins it. Refuses a release that could
 *  not become `latest`. Then says that it begins.
 *  In      { release, plan: { bucket, prefix }, executionName, executionArn, startedAt }; of a retry the name tells it
 *  Out     { dev: { batches: [{ number, targets: [{ accountId, region, sourceImageId, timeoutMinutes }] }],
 *            bases?: { 'linux-base': '1.4.2026…' }, toBake?: [0], toCopy?: [1] }, prod: … }; what is copied follows what is baked
 *  Errors  SourceAmiNotFound, SourceAmiRefused (deprecated, disabled, too old, revoked, wrong architecture, not one of
 *          the owners), SourceAmisDiffer (two accounts of one region would start from different public AMIs),
 *          BaseImageNotReleased (a base version that is not published in every target), VersionTooLow (a higher
 *          major.minor is published), LatestIsFull (SSM could not store another value of `latest`); of a retry also
 *          InvalidRequest (it was told something else than the first attempt, or may not be retried), LeftoversRemain (of an earlier
 *          attempt) and NotReadyYet (beside a sweep)
 *  Repeat  safe: only reads, and may say once more that the release begins
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html */
export async function handler(event: unknown): Promise<Resolved> {
  const { executionArn: arn, startedAt, run, takesOver, copies, ...planned } = parseEvent(eventSchema, event);
  const { release, plan: location } = planned;
  await refuseBesideRetry(release, run);
  const plan = await readPlan({ bucket: location.bucket, key: keys.plan(location.prefix) });
  const isRetry = planned.executionName !== executionName(release);
  const begun = isRetry ? await beginRetry({ planned, plan, arn, startedAt, takesOver }) : undefined;
  const targets = plan.stages.flatMap((stage) => stage.targets);
  await inEveryTarget(targets, async (target) => refuseUnpublishable(clientsFor(target), release));
  const found = await resolveSources(targets.filter(isBaked), startedAt, release.image, {
    ...(begun && { pins: begun.pins }),
  });
  const sources = withCopies(targets, found);
  const resolved: Resolved = Object.fromEntries(
    plan.stages.map((stage) => {
      const [baked, copied] = [true, false].map((is) =>
        stage.targets.filter((target) => isBaked(target) === is).map((target) => bake(target, sources)),
      );
      const bakes = inBatches(baked ?? []);
      const batches = [
        ...bakes,
        ...inBatches(copied ?? []).map((batch) => ({ ...batch, number: bakes.length + batch.number })),
      ];
      const isKept = begun?.kept.has(stage.name) === true;
      const toMake = isKept ? [] : batches.map((_, index) => index);
      return [
        stage.name,
        {
          batches,
          ...basesOf(stage.targets, sources),
          ...((takesOver || copies) && { toBake: toMake.filter((index) => index < bakes.length) }),
          ...(copies && { toCopy: toMake.filter((index) => index >= bakes.length) }),
        },
      ];
    }),
  );
  await tell(plan, resolved, { executionArn: arn, startedAt });
  return resolved;
}

const isBaked = ({ copy }: PlannedTarget): boolean => copy === undefined;

/** A copy is built on what the AMI was built on that it is of. */
function withCopies(
  targets: readonly PlannedTarget[],
  found: ReadonlyMap<PlannedTarget, Image>,
): ReadonlyMap<PlannedTarget, Image> {
  const byName = new Map([...found].map(([target, image]) => [targetName(target), image]));
  const sources = new Map<PlannedTarget, Image>();
  for (const target of targets) {
    const { copy } = target;
    const image = byName.get(targetName(copy?.from ?? target));
    if (image === undefined) throw new Error(`nothing is baked that ${targetName(target)} could copy`);
    if (copy && copy.from.accountId !== target.accountId && isOfMarketplace(image))
      throw new PackleaderError(
        ERRORS.sourceAmiRefused,
        `${targetName(target)}: the source AMI ${image.ImageId} (${image.Name}) is a product of AWS Marketplace, and EC2 copies nothing that is built on one from ${copy.from.accountId} to another account: set strategy: bake for ${target.accountId}.`,
      );
    sources.set(target, image);
  }
  return sources;
}

const isOfMarketplace = ({ ProductCodes = [] }: Image): boolean =>
  ProductCodes.some(({ ProductCodeType }) => ProductCodeType === 'marketplace');

/** An event decides nothing: a release that nobody hears of begins all the same. */
async function tell(
  { release, branch, reason, startedBy, stages }: Plan,
  resolved: Resolved,
  execution: { readonly executionArn: string; readonly startedAt: string },
): Promise<void> {
  const bases = stages.flatMap(({ name, targets }) =>
    targets.map(({ sourceAmi }) => baseOf(sourceAmi, resolved[name]?.bases)),
  );
  try {
    await announce(NAMES.started, {
      ...release,
      ...execution,
      ...(branch !== undefined && { branch }),
      ...(reason !== undefined && { reason }),
      ...(startedBy !== undefined && { startedBy }),
      stages: stages.flatMap(({ name, targets: { length } }) =>
        length > 0 ? [{ stage: name, targets: length }] : [],
      ),
      builtOn: [...new Set(bases.filter((base) => base !== undefined))],
    });
  } catch (error) {
    writeLine({
      at: 'event not sent',
      event: NAMES.started,
      releaseId: release.releaseId,
      why: String(error),
    });
  }
}

/** All targets start from one version of a base, so its name tells which; what has no tag is no release of this factory. */
function basesOf(
  targets: readonly PlannedTarget[],
  sources: ReadonlyMap<PlannedTarget, Image>,
): Pick<Resolved[string], 'bases'> {
  const found = targets.flatMap((target): [string, string][] => {
    const source = sources.get(target);
    const version = source && tagsOf(source).get(TAGS.version);
    return 'image' in target.sourceAmi && version !== undefined ? [[target.sourceAmi.image, version]] : [];
  });
  return found.length === 0 ? {} : { bases: Object.fromEntries(found) };
}

function bake(target: PlannedTarget, sources: ReadonlyMap<PlannedTarget, Image>): Batch['targets'][number] {
  const { accountId, region, timeoutMinutes } = target;
  return { accountId, region, sourceImageId: sources.get(target)?.ImageId ?? '', timeoutMinutes };
}
