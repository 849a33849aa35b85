import type { CodeBuildClient } from '@aws-sdk/client-codebuild';
import type { Release, Target } from './contract.ts';
import { findReleaseBuilds } from './release-builds.ts';

/** Says in one line why a target's build failed: its phase, its message, its log. Undefined when no build was started. */
export async function describeBuildFailure(
  codebuild: CodeBuildClient,
  release: Release,
  target: Target,
): Promise<string | undefined> {
  const [build] = await findReleaseBuilds(codebuild, release, target);
  if (!build) return undefined;
  const phase = build.phases?.find(
    ({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== 'SUCCEEDED',
  );
  const why = phase?.contexts
    ?.map(({ message }) => message)
    .filter((message) => message !== undefined && message !== '');
  const where = phase?.phaseType === undefined ? '' : ` in ${phase.phaseType}`;
  const log = build.logs?.deepLink === undefined ? '' : ` Log: ${build.logs.deepLink}`;
  if (build.buildStatus === 'IN_PROGRESS')
    return `build ${build.id} still runs, but nobody heard of it any more.${log}`;
  return `build ${build.id} ended ${build.buildStatus}${where}: ${why?.join('; ') || 'no message given'}.${log}`;
}
