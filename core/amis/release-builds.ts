import {
  BatchGetBuildsCommand,
  type Build,
  type CodeBuildClient,
  paginateListBuildsForProject,
} from '@aws-sdk/client-codebuild';
import { AMI_ID, BAKE_ENVIRONMENT } from '../contract/environments.ts';
import { NAMES } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';

/** Builds are listed newest first, and a release that is being undone is recent: older builds are not read, unless somebody says since when. */
const NEWEST_BUILDS = 500;

/** The builds of one release in one target, newest first; found by their environment, so none can be forgotten. */
export async function findReleaseBuilds(
  codebuild: CodeBuildClient,
  release: Release,
  target: Target,
): Promise<Build[]> {
  const builds = await findBuilds(codebuild, target);
  return builds.filter((build) => releaseOfBuild(build) === release.releaseId);
}

/** The newest builds for one target, of whatever release. */
export async function findBuilds(codebuild: CodeBuildClient, { region }: Target): Promise<Build[]> {
  const found: Build[] = [];
  for await (const builds of newestBuilds(codebuild))
    found.push(...builds.filter((build) => variableOf(build, BAKE_ENVIRONMENT.region) === region));
  return found;
}

/**
 * The build that made an AMI, by what it exported; undefined when it is neither among the newest nor as young as its release: one that
 * waited for approval for days has had many builds after it.
 */
export async function findBuildOf(
  codebuild: CodeBuildClient,
  imageId: string,
  since: Date,
): Promise<Build | undefined> {
  for await (const builds of newestBuilds(codebuild, since)) {
    const build = builds.find((one) => exportedBy(one, AMI_ID) === imageId);
    if (build !== undefined) return build;
  }
  return undefined;
}

/** A page after the other. */
async function* newestBuilds(codebuild: CodeBuildClient, since = new Date()): AsyncGenerator<Build[]> {
  let read = 0;
  const pages = paginateListBuildsForProject(
    { client: codebuild },
    { projectName: NAMES.bakeProject, sortOrder: 'DESCENDING' },
  );
  for await (const { ids = [] } of pages) {
    if (ids.length === 0) continue;
    const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids }));
    yield builds;
    read += ids.length;
    const oldest = Math.min(...builds.map(({ startTime }) => startTime?.getTime() ?? 0));
    if (read >= NEWEST_BUILDS && oldest < since.getTime()) return;
  }
}

/** What a build says of itself under a name; undefined when that is nothing: one that was stopped had no chance to. */
export const exportedBy = ({ exportedEnvironmentVariables = [] }: Build, name: string): string | undefined =>
  exportedEnvironmentVariables.find((variable) => variable.name === name)?.value || undefined;

/** The release that a build bakes for. */
export function releaseOfBuild(build: Build): string | undefined {
  return variableOf(build, BAKE_ENVIRONMENT.release);
}

function variableOf({ environment }: Build, name: string): string | undefined {
  return environment?.environmentVariables?.find((variable) => variable.name === name)?.value;
}
