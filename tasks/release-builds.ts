import {
  BatchGetBuildsCommand,
  type Build,
  type CodeBuildClient,
  paginateListBuildsForProject,
} from '@aws-sdk/client-codebuild';
import { BAKE_ENVIRONMENT, NAMES, type Release, type Target } from './contract.ts';

/** Builds are listed newest first, and a release that is being undone is recent: older builds are not read. */
const NEWEST_BUILDS = 500;

/** The builds of one release in one target, newest first; found by their environment, so none can be forgotten. */
export async function findReleaseBuilds(
  codebuild: CodeBuildClient,
  release: Release,
  { region }: Target,
): Promise<Build[]> {
  const found: Build[] = [];
  let read = 0;
  const pages = paginateListBuildsForProject(
    { client: codebuild },
    { projectName: NAMES.bakeProject, sortOrder: 'DESCENDING' },
  );
  for await (const { ids = [] } of pages) {
    if (ids.length === 0) continue;
    const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids }));
    found.push(...builds.filter((build) => isOf(build, release, region)));
    read += ids.length;
    if (read >= NEWEST_BUILDS) break;
  }
  return found;
}

function isOf(build: Build, release: Release, region: string): boolean {
  const variables = new Map(
    (build.environment?.environmentVariables ?? []).map(({ name, value }) => [name, value]),
  );
  return (
    variables.get(BAKE_ENVIRONMENT.release) === release.releaseId &&
    variables.get(BAKE_ENVIRONMENT.region) === region
  );
}
