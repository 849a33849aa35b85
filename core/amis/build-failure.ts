import type { Build, CodeBuildClient } from '@aws-sdk/client-codebuild';
import { plainText } from '../../buildspecs/plain-text.mjs';
import { logLink } from '../aws/console-links.ts';
import { raiseBuildQuota } from '../contract/build-quota.ts';
import { LAST_ERROR } from '../contract/environments.ts';
import { LONGEST_WAIT_MINUTES } from '../contract/limits.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';
import { findReleaseBuilds } from './release-builds.ts';

/** What a build in a target account says is shown in the hub: at most this much of it, in one line. */
const LONGEST = 600;

/** Says in one line why a target's build failed: its phase, Packer's own reason, its log. Undefined when no build was started. */
export async function describeBuildFailure(
  codebuild: CodeBuildClient,
  release: Release,
  target: Target,
): Promise<string | undefined> {
  const [build] = await findReleaseBuilds(codebuild, release, target);
  if (!build) return undefined;
  const log = logOf(build);
  if (build.buildStatus === 'IN_PROGRESS')
    return `build ${build.id} still runs, but nobody heard of it any more.${log}`;
  const phase = build.phases?.find(
    ({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== 'SUCCEEDED',
  );
  const where = phase?.phaseType === undefined ? '' : ` in ${phase.phaseType}`;
  const contexts = phase?.contexts?.map(({ message }) => message ?? '').filter((message) => message !== '');
  const why = inOneLine(lastErrorOf(build) ?? contexts?.join('; ') ?? '') || 'no message given';
  const ended = `build ${build.id} ended ${build.buildStatus}${where}: ${why}${/[.!?]$/.test(why) ? '' : '.'}`;
  const queued = phase?.phaseType === 'QUEUED';
  return `${ended}${queued ? ` ${raiseBuildQuota(target.accountId, LONGEST_WAIT_MINUTES / 60)}` : ''}${log}`;
}

/** What the build itself found in Packer's log; a build that was stopped, or ran out of time, had no chance to. */
function lastErrorOf({ exportedEnvironmentVariables = [] }: Build): string | undefined {
  return exportedEnvironmentVariables.find(({ name }) => name === LAST_ERROR)?.value || undefined;
}

function inOneLine(text: string): string {
  const line = plainText(text).replaceAll(/\s+/g, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1)}…`;
}

/** The build's own region is the hub's, whatever region it bakes for. */
function logOf({ arn = '', logs }: Build): string {
  const [, , , region, accountId] = arn.split(':');
  const { groupName: group, streamName: stream } = logs ?? {};
  if (!region || !group || !stream) return '';
  return ` Log, in account ${accountId}: ${logLink({ region, group, stream })}`;
}
