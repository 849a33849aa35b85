import { type SSMClient, paginateGetParameterHistory } from '@aws-sdk/client-ssm';
import { DescribeImagesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { clientsFor } from './aws-clients.ts';
import { hasCode } from './aws-errors.ts';
import {
  ERRORS,
  PackleaderError,
  type Release,
  type Target,
  parameters,
  releaseSchema,
  resolvedSchema,
} from './contract.ts';
import { inEveryTarget } from './every-target.ts';
import { parseEvent } from './parse-event.ts';
import {
  deleteParameter,
  newestVersion,
  publishedVersions,
  readParameter,
  writeParameter,
} from './publication.ts';
import { findReleaseImages } from './release-images.ts';

const eventSchema = z.object({
  release: releaseSchema,
  resolved: resolvedSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
});

/** Takes a release out of consumers' sight: `latest` goes back to what it was, if it is still ours, and the parameter of
 *  the version goes.
 *  In      { release, resolved: { dev: { batches }, prod: … }, attempt: 0 }
 *  Out     { withdrawn: 2 }, the number of targets that were looked at
 *  Errors  NotReadyYet (always on the first attempt: SSM may still be validating what the failed step wrote)
 *  Repeat  safe: finds by name and value, absent is success
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html */
export async function handler(event: unknown): Promise<{ withdrawn: number }> {
  const { release, resolved, attempt } = parseEvent(eventSchema, event);
  const targets = Object.values(resolved).flatMap(({ batches }) => batches.flatMap((batch) => batch.targets));
  await inEveryTarget(targets, (target) => withdraw(target, release));
  if (attempt === 0) {
    throw new PackleaderError(
      ERRORS.notReadyYet,
      'a parameter written just before may appear late; looking again',
    );
  }
  return { withdrawn: targets.length };
}

async function withdraw(target: Target, release: Release): Promise<void> {
  const { ssm, ec2 } = clientsFor(target);
  const version = parameters.version(release.image, release.version);
  const latest = parameters.latest(release.image);
  const ours = new Set((await findReleaseImages(ec2, release)).map(({ ImageId }) => ImageId));
  const published = await readParameter(ssm, version);
  if (published !== undefined) ours.add(published);
  const current = await readParameter(ssm, latest);
  if (current !== undefined && ours.has(current)) {
    const before = await imageBefore(ssm, ec2, release, ours);
    if (before === undefined) await deleteParameter(ssm, latest);
    else await writeParameter(ssm, latest, before);
  }
  if (published !== undefined) await deleteParameter(ssm, version);
  await readBack(ssm, version, latest, ours);
}

/** The newest version that is left; where `latest` was set by something else before, the newest such value that exists. */
async function imageBefore(
  ssm: SSMClient,
  ec2: EC2Client,
  release: Release,
  ours: ReadonlySet<string | undefined>,
): Promise<string | undefined> {
  const published = await publishedVersions(ssm, release.image);
  published.delete(release.version);
  const newest = newestVersion([...published.keys()]);
  if (newest !== undefined) return published.get(newest);
  const pages = await Array.fromAsync(
    paginateGetParameterHistory({ client: ssm }, { Name: parameters.latest(release.image) }),
  );
  const values = pages
    .flatMap((page) => page.Parameters ?? [])
    .toSorted((a, b) => (b.Version ?? 0) - (a.Version ?? 0));
  for (const { Value } of values) {
    if (Value !== undefined && !ours.has(Value) && (await exists(ec2, Value))) return Value;
  }
  return undefined;
}

async function exists(ec2: EC2Client, imageId: string): Promise<boolean> {
  try {
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
    return Images.length > 0;
  } catch (error) {
    if (hasCode(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable', 'InvalidAMIID.Malformed'))
      return false;
    throw error;
  }
}

async function readBack(
  ssm: SSMClient,
  version: string,
  latest: string,
  ours: ReadonlySet<string | undefined>,
) {
  if ((await readParameter(ssm, version)) !== undefined) {
    throw new PackleaderError(ERRORS.notReadyYet, `${version} still exists`);
  }
  const value = await readParameter(ssm, latest);
  if (value !== undefined && ours.has(value)) {
    throw new PackleaderError(ERRORS.notReadyYet, `${latest} still reads ${value}`);
  }
}
