/** What a release would change where another version stands: for whoever is to approve it. */
import pMap from 'p-map';
import * as z from 'zod';
import { packageChanges } from '../amis/package-list.ts';
import { MOST_APPROVAL_HOURS } from '../contract/limits.ts';
import { BAKE_FILES, keys } from '../contract/keys.ts';
import {
  type Plan,
  type Release,
  type ReleasedRecord,
  type StatedSetting,
  releasedRecordSchema,
} from '../contract/releases.ts';
import { type Ami, targetName } from '../contract/targets.ts';
import { isRevoked, readRevocations } from '../repoints/revocations.ts';
import { listKeys, listObjects, readBytes, readJson } from './plan-store.ts';
import { readRecordKey } from './read-records.ts';
import { settingDifferences } from './setting-differences.ts';
import { startOf } from './release-status.ts';

/** So many are told; the others are counted. */
const TOLD = 10;
const READS = 25;
/** What a bake of the release left was written in this time. */
const LONGEST_RELEASE_MS = (2 * 24 + MOST_APPROVAL_HOURS) * 3_600_000;

/** As the event tells it. */
export interface WhatChanged {
  readonly what: 'packages' | 'configuration';
  /** Null where that cannot be said; `first` then says why. */
  readonly count: number | null;
  readonly first: string[];
}

/** The newest version that stands in a stage; undefined before the first one. */
export async function standingIn(
  bucket: string,
  image: string,
  stage: string,
): Promise<ReleasedRecord | undefined> {
  const revoked = await readRevocations(bucket, image);
  const found = (await listKeys(bucket, keys.releasedOf(image))).flatMap((key) => {
    const record = readRecordKey(key);
    return record && !isRevoked(revoked.get(`${image}@${record.version}`)) ? [{ key, ...record }] : [];
  });
  for (const { key } of found.toSorted((one, other) => +other.startedAt - +one.startedAt)) {
    const record = releasedRecordSchema.parse(await readJson({ bucket, key }));
    if (record.images.some((ami) => ami.stage === stage)) return record;
  }
  return undefined;
}

/** Configuration: in the targets of the stage. */
export function configurationChanges(before: ReleasedRecord, plan: Plan, stage: string): WhatChanged {
  const planned = plan.stages.find(({ name }) => name === stage)?.targets.map(targetName) ?? [];
  const both = before.images.map(targetName).filter((target) => planned.includes(target));
  const differences = settingDifferences(before.configuration, plan.configuration, both);
  if (!differences) return unknown('configuration', `the record of ${before.releaseId} holds none`);
  const lines = differences.map(
    ({ setting, before: one, after }) => `${setting}: ${shown(one)} becomes ${shown(after)}`,
  );
  return { what: 'configuration', count: lines.length, first: lines.slice(0, TOLD) };
}

/** Packages: in an AMI that was just baked, against one that stands in the stage. */
export async function changedPackages(
  bucket: string,
  before: ReleasedRecord,
  { release, stage, ami }: { readonly release: Release; readonly stage: string; readonly ami: Ami },
): Promise<WhatChanged> {
  const standing = before.images.find((image) => image.stage === stage);
  if (!standing) return unknown('packages', 'there is no AMI to compare with');
  const [one, other] = await Promise.all([
    packagesOf(bucket, before, standing),
    packagesOf(bucket, release, ami),
  ]);
  if ('why' in one) return unknown('packages', `${before.releaseId}: ${one.why}`);
  if ('why' in other) return unknown('packages', `${release.releaseId}: ${other.why}`);
  const lines = packageChanges(one.text, other.text).map(
    ({ name, before: old, after }) =>
      `${name}: ${old ?? 'not installed'} becomes ${after ?? 'not installed'}`,
  );
  return { what: 'packages', count: lines.length, first: lines.slice(0, TOLD) };
}

const unknown = (what: WhatChanged['what'], why: string): WhatChanged => ({
  what,
  count: null,
  first: [why],
});

const shown = (stated: Pick<StatedSetting, 'value'> | null): string =>
  stated === null ? 'none' : JSON.stringify(stated.value);

const manifestSchema = z.object({ builds: z.array(z.object({ artifact_id: z.string() })) });

/** What the bake that made an AMI left says which AMI that was. */
async function packagesOf(
  bucket: string,
  { version }: Pick<Release, 'version'>,
  { accountId, region, imageId }: Ami,
): Promise<{ readonly text: string } | { readonly why: string }> {
  const from = startOf(version);
  const left = await listObjects(bucket, `${keys.bakes(accountId)}/`);
  const manifests = left.filter(
    ({ key, writtenAt }) =>
      key.endsWith(`/${BAKE_FILES.manifest}`) &&
      writtenAt.getTime() >= from &&
      writtenAt.getTime() <= from + LONGEST_RELEASE_MS,
  );
  const folders = await pMap(
    manifests,
    async ({ key }) => {
      const { builds } = manifestSchema.parse(await readJson({ bucket, key }));
      const isIt = builds.some((build) => build.artifact_id.includes(`${region}:${imageId}`));
      return isIt ? [key.slice(0, -BAKE_FILES.manifest.length)] : [];
    },
    { concurrency: READS },
  );
  const [folder] = folders.flat();
  if (folder === undefined) return { why: 'what its bake left is not kept any more' };
  const list = `${folder}${BAKE_FILES.packages}`;
  if (!left.some(({ key }) => key === list)) return { why: 'the image lists no packages' };
  return { text: new TextDecoder().decode(await readBytes({ bucket, key: list })) };
}

/** The page that shows what two commits differ in; undefined where nobody knows one. */
export function compareLink(repository: string, before: string, after: string): string | undefined {
  const [, host = '', path = ''] = /^https:\/\/([^/@]+)\/(.+?)(?:\.git)?\/?$/.exec(repository) ?? [];
  if (host === '' || before === after) return undefined;
  const page = `https://${host}/${path}`;
  if (host.includes('github')) return `${page}/compare/${before}...${after}`;
  if (host.includes('gitlab')) return `${page}/-/compare/${before}...${after}`;
  if (host.includes('bitbucket')) return `${page}/branches/compare/${after}..${before}`;
  return undefined;
}
