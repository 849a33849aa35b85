/** Whether a Recycle Bin would keep what is deregistered, and for how long. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { askSigned } from '../aws/signed-json.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';

const KINDS = ['EC2_IMAGE', 'EBS_SNAPSHOT'] as const;
type Kind = (typeof KINDS)[number];

const tagsSchema = z
  .array(z.object({ ResourceTagKey: z.string(), ResourceTagValue: z.string().default('') }))
  .default([]);

/** As much of a retention rule as decides whether it keeps something; a period is in days, the only unit there is. */
const ruleSchema = z.object({
  ResourceType: z.string(),
  Status: z.string(),
  RetentionPeriod: z.object({ RetentionPeriodValue: z.number() }),
  ResourceTags: tagsSchema,
  ExcludeResourceTags: tagsSchema,
});
type Rule = z.infer<typeof ruleSchema>;

const listSchema = z.object({
  Rules: z.array(z.object({ Identifier: z.string() })).default([]),
  NextToken: z.string().nullish(),
});

/** The rules of one region, of both kinds. */
export type BinRules = readonly Rule[];

/**
 * Every retention rule of a region for AMIs and for snapshots.
 *  @throws PackleaderError AccessDenied, Throttled, ConnectionLost, AwsCallFailed
 *  @see https://docs.aws.amazon.com/recyclebin/latest/APIReference/API_GetRule.html
 */
export async function binRules(client: EC2Client): Promise<BinRules> {
  const rules: Rule[] = [];
  for (const ResourceType of KINDS)
    for (const id of await identifiersOf(client, ResourceType))
      rules.push(answer(ruleSchema, await ask(client, 'GET', `/rules/${encodeURIComponent(id)}`)));
  return rules;
}

async function identifiersOf(client: EC2Client, ResourceType: Kind): Promise<string[]> {
  const ids: string[] = [];
  let NextToken: string | null | undefined;
  do {
    const body = { ResourceType, ...(typeof NextToken === 'string' && { NextToken }) };
    const page = answer(listSchema, await ask(client, 'POST', '/list-rules', body));
    ids.push(...page.Rules.map(({ Identifier }) => Identifier));
    ({ NextToken } = page);
  } while (typeof NextToken === 'string' && NextToken !== '');
  return ids;
}

const ask = async (
  client: EC2Client,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<unknown> =>
  askSigned({ client, service: 'rbin', called: 'The Recycle Bin', method, path, ...(body && { body }) });

function answer<T>(schema: z.ZodType<T>, answered: unknown): T {
  const read = schema.safeParse(answered);
  if (read.success) return read.data;
  throw new PackleaderError(
    ERRORS.awsCallFailed,
    `the Recycle Bin answered what is no rule: ${z.prettifyError(read.error)}`,
  );
}

type Tags = ReadonlyMap<string, string>;

/**
 * Why an AMI that is deregistered with its snapshots could not come back; undefined when all of it would be kept. Snapshots that are
 * kept for a shorter time would take the AMI with them.
 *  @see https://docs.aws.amazon.com/ebs/latest/userguide/recycle-bin-factors.html
 */
export function whyNotKept(
  rules: BinRules,
  ami: { readonly imageId: string; readonly tags: Tags; readonly snapshots: ReadonlyMap<string, Tags> },
): string | undefined {
  const days = daysKept(rules, 'EC2_IMAGE', ami.tags);
  if (days === 0) return `no rule of the Recycle Bin keeps ${ami.imageId}`;
  for (const [snapshotId, tags] of ami.snapshots) {
    const kept = daysKept(rules, 'EBS_SNAPSHOT', tags);
    if (kept === 0) return `no rule of the Recycle Bin keeps ${snapshotId} of ${ami.imageId}`;
    if (kept < days)
      return `the Recycle Bin keeps ${snapshotId} for ${kept} days only, and ${ami.imageId}, which is made of it, for ${days}`;
  }
  return undefined;
}

/** Of several rules the longest counts; 0 when none keeps it. */
function daysKept(rules: BinRules, kind: Kind, tags: Tags): number {
  const has = ({ ResourceTagKey, ResourceTagValue }: Rule['ResourceTags'][number]): boolean =>
    tags.get(ResourceTagKey) === ResourceTagValue;
  const keeping = rules.filter(
    ({ ResourceType, Status, ResourceTags, ExcludeResourceTags }) =>
      ResourceType === kind &&
      Status === 'available' &&
      (ResourceTags.length === 0 || ResourceTags.some(has)) &&
      !ExcludeResourceTags.some(has),
  );
  return Math.max(0, ...keeping.map(({ RetentionPeriod }) => RetentionPeriod.RetentionPeriodValue));
}
