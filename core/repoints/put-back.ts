/** Puts back what a repoint found in one target. Whatever was set since by somebody else is left alone. */
import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { disableAmi, enableAmi, marksOf, missingPermissions } from '../amis/mark.ts';
import { describeAmi } from '../amis/usable.ts';
import type { TargetClients } from '../aws/clients.ts';
import { asFact } from '../aws/errors.ts';
import type { Leftover } from '../contract/leftovers.ts';
import { parameters } from '../contract/names.ts';
import type { MarkedAmi, RepointPlan } from '../contract/repoints.ts';
import { TAGS } from '../contract/tags.ts';
import { type Target, targetName } from '../contract/targets.ts';
import { flipLatest } from '../publication/flip-latest.ts';
import { readParameter, writeParameter } from '../publication/publication.ts';
import { stateAfter } from './marks.ts';
import { amisIn, latestIn } from './read-plan.ts';

type Pointed = ReturnType<typeof latestIn>[number];

/** What a plan changes in one target. */
export interface PlannedTarget extends Target {
  readonly amis: readonly MarkedAmi[];
  readonly latest: readonly Pointed[];
}

/** Every target that a plan changes something in. */
export function targetsIn(plan: RepointPlan): PlannedTarget[] {
  const amis = Map.groupBy(amisIn(plan), targetName);
  const latest = Map.groupBy(latestIn(plan), targetName);
  const all = [...amisIn(plan), ...latestIn(plan)].map(
    (one) => [targetName(one), { accountId: one.accountId, region: one.region }] as const,
  );
  return [...new Map(all)].map(([name, target]) => ({
    ...target,
    amis: amis.get(name) ?? [],
    latest: latest.get(name) ?? [],
  }));
}

/**
 * Puts back what was there before in one target, the AMIs first: `latest` can only show one that exists and is enabled; so what was disabled
 * is disabled last. What refuses does not keep the rest. Looks again afterwards: what is not as it was is left.
 */
export async function putBackIn(
  clients: TargetClients,
  { amis, latest, accountId, region }: PlannedTarget,
  plan: RepointPlan,
): Promise<Leftover[]> {
  const refusals = new Map<string, string>();
  const set = stateAfter(plan);
  const attempt = async (id: string, effect: () => Promise<unknown>): Promise<void> => {
    try {
      await effect();
    } catch (error) {
      refusals.set(id, asFact(error).message);
    }
  };
  for (const ami of amis) await attempt(ami.imageId, async () => putBackAmi(clients, ami, set));
  for (const pointed of latest)
    await attempt(parameters.latest(pointed.image), async () => putBackLatestOf(clients, pointed));
  // What latest may still show stays enabled, and so does what is not marked: it could not be restored.
  const isPutBack = refusals.size === 0;
  for (const { imageId, enable } of amis)
    if (enable && isPutBack) await attempt(imageId, async () => disableAmi(clients, imageId));
  const changed = [
    ...(await Promise.all(amis.map(async (ami) => changedOf(clients, ami, set)))).flat(),
    ...(await Promise.all(latest.map(async (pointed) => repointedStill(clients, pointed)))).flat(),
  ];
  return changed.map(([resourceId, why]) => ({
    accountId,
    region,
    resourceId,
    why: refusals.get(resourceId) ?? why,
  }));
}

async function putBackAmi(clients: TargetClients, ami: MarkedAmi, set: string): Promise<void> {
  const { imageId, was, disable } = ami;
  if (disable) await enableAmi(clients, imageId, was.sharedWith ?? []);
  const marks = await marksOf(clients, ami);
  // Also what already shows what it was: the answer may be older than the tag that was set.
  const Resources = [...marks].flatMap(([id, mark]) => (mark === set || mark === was.state ? [id] : []));
  if (Resources.length > 0)
    await clients.ec2.send(
      new CreateTagsCommand({ Resources, Tags: [{ Key: TAGS.state, Value: was.state }] }),
    );
}

async function putBackLatestOf(clients: TargetClients, { image, imageId, was }: Pointed): Promise<void> {
  const latest = parameters.latest(image);
  const shown = await readParameter(clients.ssm, latest);
  if (!isOurs(shown, imageId) || was === null || shown === was.imageId) return;
  // A newer version that was released meanwhile keeps it.
  if (was.version === null) await writeParameter(clients.ssm, latest, was.imageId);
  else await flipLatest(clients, { image, version: was.version }, was.imageId);
}

/** Whether `latest` shows what the plan lets it show. */
const isOurs = (shown: string | undefined, imageId: string | null): boolean => (shown ?? null) === imageId;

type Change = readonly [id: string, why: string];

/** What of an AMI is as the plan wants it, and not as it was. */
async function changedOf(clients: TargetClients, ami: MarkedAmi, set: string): Promise<Change[]> {
  const { imageId, was, disable, enable } = ami;
  const marks = was.state === set ? [] : [...(await marksOf(clients, ami))];
  const state = disable || enable ? (await describeAmi(clients.ec2, imageId))?.State : undefined;
  const missing = disable ? await missingPermissions(clients, imageId, was.sharedWith ?? []) : [];
  return [
    ...marks.flatMap(([id, mark]): Change[] => (mark === set ? [[id, `it is still marked ${set}`]] : [])),
    ...(disable && state === 'disabled' ? [[imageId, 'it is still disabled'] as const] : []),
    ...(enable && state === 'available' ? [[imageId, 'it is still enabled'] as const] : []),
    ...(missing.length > 0 ? [[imageId, 'not everybody can launch it who could before'] as const] : []),
  ];
}

async function repointedStill({ ssm }: TargetClients, { image, imageId, was }: Pointed): Promise<Change[]> {
  const latest = parameters.latest(image);
  const shown = await readParameter(ssm, latest);
  if (was === null || shown === was.imageId || !isOurs(shown, imageId)) return [];
  return [[latest, `it shows ${shown ?? 'nothing'}, and not ${was.imageId}`]];
}
