import { type ParameterHistory, type SSMClient, paginateGetParameterHistory } from '@aws-sdk/client-ssm';
import type { TargetClients } from '../aws/clients.ts';
import { isUsable } from '../amis/usable.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { NAMES, parameters } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';
import {
  deleteParameter,
  publishedVersions,
  readParameter,
  versionsByAge,
  writeParameter,
} from './publication.ts';

/** How often a `latest` is set anew because another release came in between. */
const ATTEMPTS = 5;

/**
 * Points `latest` at what it would show without a release: the newest version that is left and can be used; where something
 * else set it before, the newest such value that can. Does so while `latest` shows the release, and also where a task of
 * ours has set it since: another release may have come in between, and what was put back have covered it. What somebody
 * else set since is left alone. Returns whether it set anything.
 */
export async function putBackLatest(
  clients: TargetClients,
  release: Release,
  ours: readonly string[],
): Promise<boolean> {
  const { ssm } = clients;
  const latest = parameters.latest(release.image);
  let shown = await readParameter(ssm, latest);
  if (shown === undefined) return false;
  const earlier = await valuesSoFar(ssm, latest);
  if (!ours.includes(shown) && !isCoveredByTask(earlier, ours)) return false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const wanted = await imageWithout(clients, release, ours, earlier);
    if (wanted === shown) return attempt > 0;
    if (wanted === undefined) await deleteParameter(ssm, latest);
    else await writeParameter(ssm, latest, wanted);
    shown = wanted;
  }
  throw new PackleaderError(ERRORS.notReadyYet, `${latest} is set by other releases all the time`);
}

async function imageWithout(
  { ssm, ec2 }: TargetClients,
  release: Release,
  ours: readonly string[],
  earlier: readonly ParameterHistory[],
): Promise<string | undefined> {
  const published = await publishedVersions(ssm, release.image);
  published.delete(release.version);
  const candidates = [
    ...versionsByAge([...published.keys()]).map((version) => published.get(version)),
    ...earlier.map(({ Value }) => Value),
  ];
  for (const candidate of candidates) {
    if (candidate !== undefined && !ours.includes(candidate) && (await isUsable(ec2, candidate)))
      return candidate;
  }
  return undefined;
}

/** What a parameter held, newest first. */
async function valuesSoFar(ssm: SSMClient, name: string): Promise<ParameterHistory[]> {
  const pages = await Array.fromAsync(paginateGetParameterHistory({ client: ssm }, { Name: name }));
  const values = pages.flatMap((page) => page.Parameters ?? []);
  return values.toSorted((a, b) => (b.Version ?? 0) - (a.Version ?? 0));
}

/** Whether the release was shown once, and a task of ours has set another value since. */
const isCoveredByTask = (earlier: readonly ParameterHistory[], ours: readonly string[]): boolean =>
  earlier.some(({ Value = '' }) => ours.includes(Value)) &&
  earlier[0]?.LastModifiedUser?.includes(`:assumed-role/${NAMES.stewardRole}/`) === true;
