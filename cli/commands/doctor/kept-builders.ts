/** Builders that failed bakes have left for somebody to look at: which they are, until when, and what they have cost so far. */
import { type EC2Client, type Instance, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { keptAfter, keptAmong } from '../../../core/amis/kept-builders.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { type Check, type Verdict, failed, ok } from './finding.ts';

export const keptBuilderCheck = (ec2: EC2Client, target: Target, now = new Date()): Check => [
  'kept builders',
  'ec2:DescribeInstances',
  async () => {
    const instances: Instance[] = [];
    const pages = paginateDescribeInstances(
      { client: ec2 },
      { Filters: [{ Name: 'tag-key', Values: [TAGS.keptUntil] }] },
    );
    for await (const { Reservations = [] } of pages)
      instances.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
    return keptVerdict(instances, target, now);
  },
];

function keptVerdict(instances: readonly Instance[], { region }: Target, now: Date): Verdict {
  const kept = keptAmong(instances).map(({ instanceId, until }) => {
    const {
      InstanceType,
      LaunchTime,
      Tags = [],
    } = instances.find(({ InstanceId }) => InstanceId === instanceId) ?? {};
    const hours =
      LaunchTime === undefined ? '?' : ((now.getTime() - LaunchTime.getTime()) / 3_600_000).toFixed(1);
    return {
      isOver: !keptAfter(now.toISOString())(until),
      release: Tags.find(({ Key }) => Key === TAGS.release)?.Value ?? 'no release',
      text: `${instanceId} has run for ${hours} hours as ${InstanceType ?? 'an instance'}, until ${until}`,
      session: `aws ssm start-session --region ${region} --target ${instanceId}`,
    };
  });
  if (kept.length === 0) return ok('none');
  const over = kept.filter(({ isOver }) => isOver);
  if (over.length > 0)
    return failed(
      over.map(({ release, text }) => `${release}: ${text}, and is still there`).join('; '),
      over.map(({ release }) => `packleader sweep ${release}`).join('; '),
    );
  return ok(kept.map(({ release, text, session }) => `${release}: ${text}; look: ${session}`).join('; '));
}
