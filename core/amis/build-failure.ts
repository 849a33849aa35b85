import type { Build } from '@aws-sdk/client-codebuild';
import { plainText } from '../../buildspecs/plain-text.mjs';
import { logLink } from '../aws/console-links.ts';
import { raiseBuildQuota } from '../contract/build-quota.ts';
import { AMI_ID, LAST_ERROR } from '../contract/environments.ts';
import { LONGEST_WAIT_MINUTES } from '../contract/limits.ts';
import type { Target } from '../contract/targets.ts';
import { exportedBy } from './release-builds.ts';

/** What a build in a target account says is shown in the hub: at most this much of it, in one line. */
const LONGEST = 600;

/**
 * The AMI of a target whose build is over and did all that it had to, although its bake failed: what failed came later, or Step
 * Functions lost sight of it. The build names its AMI when Packer has ended well, by the manifest, and is then rid of its builder.
 *  @param builds of the release in the target, newest first
 */
export function bakedAfterAll(builds: readonly Build[]): string | undefined {
  const [newest] = builds;
  if (newest === undefined || builds.some(({ buildStatus }) => buildStatus === 'IN_PROGRESS'))
    return undefined;
  const phase = newest.phases?.find(({ phaseType }) => phaseType === 'BUILD');
  return phase?.phaseStatus === 'SUCCEEDED' ? exportedBy(newest, AMI_ID) : undefined;
}

/** Says in one line why a target's build failed: its phase, Packer's own reason, its log. Undefined when no build was started.
 *  @param builds of the release in the target, newest first */
export function describeBuildFailure([build]: readonly Build[], target: Target): string | undefined {
  if (!build) return undefined;
  const log = logOf(build);
  if (build.buildStatus === 'IN_PROGRESS')
    return `build ${build.id} still runs, but nobody heard of it any more.${log}`;
  const phase = build.phases?.find(
    ({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== 'SUCCEEDED',
  );
  const where = phase?.phaseType === undefined ? '' : ` in ${phase.phaseType}`;
  const contexts = phase?.contexts?.map(({ message }) => message ?? '').filter((message) => message !== '');
  const why = inOneLine(exportedBy(build, LAST_ERROR) ?? contexts?.join('; ') ?? '') || 'no message given';
  const ended = `build ${build.id} ended ${build.buildStatus}${where}: ${why}${/[.!?]$/.test(why) ? '' : '.'}`;
  const queued = phase?.phaseType === 'QUEUED';
  return `${ended}${queued ? ` ${raiseBuildQuota(target.accountId, LONGEST_WAIT_MINUTES / 60)}` : ''}${log}`;
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
