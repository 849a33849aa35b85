import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import pMap from 'p-map';
import * as z from 'zod';
import { exportedBy, findBuildOf } from '../core/amis/release-builds.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { hasCode } from '../core/aws/errors.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { versionStartedAt } from '../core/configuration/version.ts';
import { type Compared, type Comparison, PARITIES } from '../core/contract/comparison.ts';
import { PACKAGES_SHA256 } from '../core/contract/environments.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { BAKE_FILES, keys } from '../core/contract/keys.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import {
  type Bake,
  type Plan,
  type Release,
  type Resolved,
  plannedReleaseSchema,
  resolvedSchema,
} from '../core/contract/releases.ts';
import type { Sboms } from '../core/contract/sboms.ts';
import { type Ami, amiSchema, inGroups, targetName } from '../core/contract/targets.ts';
import { type ComparedAmi, compare, differenceLines } from '../core/releases/compare.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { baseOf } from '../core/releases/released-record.ts';
import { readBytes, readPlan, writeJson, writeText } from '../core/releases/plan-store.ts';
import { sbomOf } from '../core/sbom/sbom.ts';
import { sha256Of } from '../core/sbom/sha256.ts';

const eventSchema = z.object({
  ...plannedReleaseSchema.pick({ release: true, plan: true }).shape,
  /** `off` where only SBOMs are left. */
  parity: z.enum(PARITIES),
  resolved: resolvedSchema,
  amis: z.record(z.string(), z.array(amiSchema)),
  /** How often this state was tried before. */
  attempt: z.number().int(),
  run: runSchema,
});

/** How often a build that cannot be seen is looked for again: CodeBuild may take a while to show what has just ended. */
const LOOKS = 4;

/** What an image says that lists its packages nowhere, as one of a template of one's own may. */
const NO_LIST = 'its bake told of no list';

/** SBOMs written at the same time. */
const WRITES = 10;

/** How many differences the message tells of; the others are counted. */
const TOLD = 10;

/** Compares the AMIs of a release with each other, writes down how they differ, and leaves an SBOM of what they hold.
 *  In      { release, plan: { bucket, prefix }, parity: 'report' | 'enforce' | 'off', resolved: { dev: { batches, bases } }, amis: { dev: [{
 *            accountId, region, imageId }], prod: … }, attempt: 0 }
 *  Out     { compared: 1, differences: 0, notCompared: 0, sboms: 1 }: the numbers of AMIs that were compared with the first one, of
 *            changes, of AMIs of which something was not compared, and of SBOMs: AMIs that list the same have one
 *  Errors  AmisDiffer (with the first ten differences, or what could not be compared, where they are enforced; a list that is not the
 *            one its bake told of), NotReadyYet (a build is not to be seen yet)
 *  Repeat  safe: writes the same objects again
 *  @see    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ExportedEnvironmentVariable.html */
export async function handler(event: unknown): Promise<Compared> {
  const { release, plan: location, parity, resolved, amis, attempt, run } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const plan = await readPlan({ bucket: location.bucket, key: keys.plan(location.prefix) });
  const inOrder = plan.stages.flatMap(({ name }) => amis[name] ?? []);
  const known = { bucket: location.bucket, plan, resolved, attempt };
  const [first, ...others] = await amisWithPackages(inOrder, known);
  if (first === undefined) return { compared: 0, differences: 0, notCompared: 0, sboms: 0 };
  const { sboms } = await leaveSboms([first, ...others], release, location);
  // One AMI is like itself.
  if (others.length === 0 || parity === 'off')
    return { compared: 0, differences: 0, notCompared: 0, sboms: sboms.length };
  const comparison = compare(first, others, plan.configuration);
  await writeJson({ bucket: location.bucket, key: keys.comparison(location.prefix) }, comparison);
  const notCompared = comparison.notCompared.reduce((sum, { targets }) => sum + targets.length, 0);
  if (parity === 'enforce') refuse(comparison, inOrder.length, release.releaseId);
  return { compared: others.length, differences: comparison.count, notCompared, sboms: sboms.length };
}

/** An image that lists its packages nowhere has nothing to compare; one that does so somewhere is not the same everywhere. */
function refuse(comparison: Comparison, amis: number, releaseId: string): void {
  const { count, notCompared } = comparison;
  const told = differenceLines(comparison, TOLD);
  const listsNothing = notCompared.find(({ why }) => why === NO_LIST)?.targets.length === amis;
  const unknown = notCompared.map(
    ({ what, targets, why }) => `${targets.join(', ')}: no ${what} to compare: ${why}`,
  );
  const rest = count > told.length ? [`And ${count - told.length} more differences.`] : [];
  const lines = [...told, ...rest, ...(listsNothing ? [] : unknown)];
  if (lines.length > 0)
    throw new PackleaderError(ERRORS.amisDiffer, [`The AMIs of ${releaseId} differ.`, ...lines].join('\n'));
}

/** One of each list: a thousand AMIs have a handful among them. */
async function leaveSboms(
  amis: readonly ComparedAmi[],
  release: Release,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
): Promise<Sboms> {
  const byList = Map.groupBy(
    amis.flatMap(({ target, packages }) => ('text' in packages ? [{ target, text: packages.text }] : [])),
    ({ text }) => text,
  );
  const sboms = await pMap(
    byList,
    async ([list, found]) => {
      const sbom = sbomOf(release, list);
      const text = JSON.stringify(sbom);
      const packagesSha256 = sha256Of(list);
      const key = keys.sbom(release.image, release.version, packagesSha256);
      await writeText({ bucket, key }, text, 'application/vnd.cyclonedx+json; version=1.5');
      const targets = found.map(({ target }) => target);
      return {
        key,
        sha256: sha256Of(text),
        components: sbom.components.length,
        packagesSha256,
        ...(targets.length < amis.length && { targets }),
      };
    },
    { concurrency: WRITES },
  );
  const without = inGroups(
    amis.flatMap(({ target, packages }) =>
      'why' in packages ? [[target, { why: packages.why }] as const] : [],
    ),
  );
  const left = { sboms, without };
  await writeJson({ bucket, key: keys.sboms(prefix) }, left);
  return left;
}

interface Known {
  readonly bucket: string;
  readonly plan: Plan;
  readonly resolved: Resolved;
  readonly attempt: number;
}

async function amisWithPackages(
  amis: readonly Ami[],
  { bucket, plan, resolved, attempt }: Known,
): Promise<ComparedAmi[]> {
  const sources = await sourceNames(plan, resolved);
  const startedAt = versionStartedAt(plan.release.version);
  if (!startedAt) throw new Error(`${plan.release.releaseId} has no time in its version`);
  const lists = new Map<string, Promise<string>>();
  const bakedAs = originals(plan, amis);
  return inEveryTarget(amis, async (copied) => {
    const target = targetName(copied);
    const ami = bakedAs.get(target) ?? copied;
    const source = sources.get(targetName(ami)) ?? '';
    const build = await findBuildOf(clientsFor(ami).codebuild, ami.imageId, startedAt);
    if (build === undefined && attempt < LOOKS)
      throw new PackleaderError(ERRORS.notReadyYet, `no build that made ${ami.imageId} is visible yet`);
    if (build === undefined) return { target, source, packages: { why: 'its build cannot be found' } };
    const digest = exportedBy(build, PACKAGES_SHA256);
    if (digest === undefined) return { target, source, packages: { why: NO_LIST } };
    // What is the same in a thousand AMIs is read once.
    const list = lists.get(digest) ?? listOf(bucket, ami, build.id ?? '', digest);
    lists.set(digest, list);
    return { target, source, packages: { text: await list } };
  });
}

/** By target that holds a copy: the AMI that was baked, of which it is. No build made the copy, and it holds the same. */
function originals({ stages }: Plan, amis: readonly Ami[]): ReadonlyMap<string, Ami> {
  const byTarget = new Map(amis.map((ami) => [targetName(ami), ami]));
  return new Map(
    stages
      .flatMap(({ targets }) => targets)
      .flatMap((target) => {
        const original = target.copy && byTarget.get(targetName(target.copy.from));
        return original ? [[targetName(target), original] as const] : [];
      }),
  );
}

/** The list that a bake left, which its target could write over: the bake told its digest. */
async function listOf(bucket: string, { accountId }: Ami, buildId: string, digest: string): Promise<string> {
  const key = keys.leftByBake(accountId, buildId, BAKE_FILES.packages);
  const bytes = await readBytes({ bucket, key });
  const found = sha256Of(bytes);
  if (found !== digest)
    throw new PackleaderError(
      ERRORS.amisDiffer,
      `s3://${bucket}/${key} has the SHA-256 ${found}, and its bake told ${digest}`,
    );
  return new TextDecoder().decode(bytes);
}

/** What each target was built on, by its name: the release of this factory that it is of, else what its source AMI is called. */
async function sourceNames(plan: Plan, resolved: Resolved): Promise<ReadonlyMap<string, string>> {
  // A copy is named like what it is of, whose account alone may see its source.
  const asked = new Map(
    plan.stages
      .flatMap(({ targets }) => targets)
      .flatMap((target) => (target.copy ? [] : [[targetName(target), target.sourceAmi] as const])),
  );
  const sources = Object.values(resolved).flatMap(({ batches, bases }) =>
    batches.flatMap(({ targets }) =>
      targets.flatMap((bake) => {
        const source = asked.get(targetName(bake));
        return source ? [{ ...bake, base: baseOf(source, bases) }] : [];
      }),
    ),
  );
  const ids = new Map(sources.map((source) => [source.sourceImageId, source]));
  const strangers = [...ids.values()].filter(({ base }) => base === undefined);
  // An AMI has an id of its own in each region, and the same name.
  const names = new Map(
    await inEveryTarget(strangers.length > 1 ? strangers : [], async (source) => {
      const name = await nameOf(source);
      return [source.sourceImageId, name] as const;
    }),
  );
  return new Map(
    sources.map(({ base, sourceImageId, ...target }) => [
      targetName(target),
      base ?? names.get(sourceImageId) ?? sourceImageId,
    ]),
  );
}

/** An AMI that was taken away since has no name any more. */
async function nameOf({ sourceImageId, ...target }: Bake): Promise<string> {
  try {
    const { Images = [] } = await clientsFor(target).ec2.send(
      new DescribeImagesCommand({ ImageIds: [sourceImageId] }),
    );
    return Images[0]?.Name ?? sourceImageId;
  } catch (error) {
    if (hasCode(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable')) return sourceImageId;
    throw error;
  }
}
