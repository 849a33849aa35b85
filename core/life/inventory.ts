import { CreateTagsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { chunks } from '../aws/chunks.ts';
import type { TargetClients } from '../aws/clients.ts';
import { TAGS } from '../contract/tags.ts';
import type { Target } from '../contract/targets.ts';
import { type CensusOptions, censusOf } from './census.ts';
import { factoryAmis } from './seen.ts';

/** What one look at one target found. */
export interface Inventory {
  readonly amis: number;
  readonly used: number;
  /** Why it cannot be told what is unused; undefined when it can. */
  readonly unread?: string;
}

/** As many resources as EC2 tags in one call.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html */
const RESOURCES_PER_CALL = 1_000;

/**
 * Tags every AMI of the factory with when it was looked at, and those in use with that they are. Where a source could not be read,
 * only what is used is tagged: the AMIs look older than they are, and nothing of them goes.
 *  @param now ISO 8601
 *  @throws PackleaderError Throttled or ConnectionLost, as long as a repetition may mend it
 */
export async function takeInventory(
  clients: TargetClients,
  target: Target,
  { now, ...options }: CensusOptions & { readonly now: string },
): Promise<Inventory> {
  const { ec2 } = clients;
  const [found, { used, unread }] = await Promise.all([factoryAmis(ec2, target), censusOf(clients, options)]);
  const bases = new Set(found.map(({ ami }) => ami.sourceAmi));
  const isUsed = (imageId: string) => used.has(imageId) || bases.has(imageId);
  const ids = found.map(({ ami }) => ami.imageId);
  const usedIds = ids.filter(isUsed);
  const tag = (key: string) => ({ Key: key, Value: now });
  if (unread.length > 0) {
    await tagAll(ec2, usedIds, [tag(TAGS.lastUsed)]);
  } else {
    await tagAll(ec2, usedIds, [tag(TAGS.lastUsed), tag(TAGS.lastUsedRuntime)]);
    await tagAll(
      ec2,
      ids.filter((id) => !isUsed(id)),
      [tag(TAGS.lastUsedRuntime)],
    );
  }
  const why = unread.map(({ source, why: said }) => `${source}: ${said}`).join('; ');
  return { amis: ids.length, used: usedIds.length, ...(why !== '' && { unread: why }) };
}

async function tagAll(
  ec2: EC2Client,
  ids: readonly string[],
  Tags: { Key: string; Value: string }[],
): Promise<void> {
  for (const Resources of chunks(ids, RESOURCES_PER_CALL)) {
    await ec2.send(new CreateTagsCommand({ Resources, Tags }));
  }
}
