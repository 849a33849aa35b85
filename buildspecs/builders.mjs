// What Packer may leave of a builder: when it was killed, or when the builder is to be kept for whoever wants to look at it.
import { describe, ec2 } from './aws.mjs';
import { environment, exportVariable, isExported, required, say, started } from './program.mjs';

const POLLS = 40;
const POLL_SECONDS = '15';
/** Until when the builder of a failed bake is kept; core/contract/tags.ts has the tag as well. */
const KEPT = 'KEPT';
const KEPT_TAG = 'packleader:kept-until';

/** @param {string} release */
const of = (release) => ({ 'tag:packleader:release': [release] });

/** The end of a build: whatever is left of its builders goes, unless one is kept. */
export async function endBuild() {
  const release = required('PACKLEADER_RELEASE', /^[a-z][a-z0-9-]*@[0-9A-Za-z.-]+$/);
  const region = required('PACKLEADER_REGION', /^[a-z]{2}(-[a-z]+)+-\d$/);
  if (!isExported(KEPT)) await removeBuilders(release, region);
}

/**
 * Removes what Packer left of a release's builders: instances, key pairs, launch templates and security groups. Never an AMI: whether
 * one may go is decided by the release's own rollback.
 * @param {string} release
 * @param {string} region
 */
export async function removeBuilders(release, region) {
  const alive = () =>
    describe(region, 'DescribeInstances', 'instanceId', {
      ...of(release),
      'instance-state-name': ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
    });
  const [instances, keyPairs, groups, launchTemplates] = await Promise.all([
    alive(),
    describe(region, 'DescribeKeyPairs', 'keyPairId', of(release)),
    describe(region, 'DescribeSecurityGroups', 'groupId', of(release)),
    // Of Spot Instances.
    environment('PACKLEADER_SPOT')
      ? describe(region, 'DescribeLaunchTemplates', 'launchTemplateId', of(release))
      : [],
  ]);
  await remove('TerminateInstances', 'InstanceId.1', instances);
  for (let polls = 0; instances.length > 0 && (await alive()).length > 0; polls++) {
    if (polls === POLLS) throw new Error(`${instances.join(', ')} did not end in ten minutes.`);
    await started('sleep', [POLL_SECONDS], {});
  }
  await remove('DeleteKeyPair', 'KeyPairId', keyPairs);
  await remove('DeleteLaunchTemplate', 'LaunchTemplateId', launchTemplates);
  // Last: EC2 keeps a group for as long as an instance is in it.
  await remove('DeleteSecurityGroup', 'GroupId', groups);

  async function remove(
    /** @type {string} */ action,
    /** @type {string} */ parameter,
    /** @type {string[]} */ ids,
  ) {
    for (const id of ids) {
      say(`Removing ${id}`);
      await ec2(region, action, { [parameter]: id });
    }
  }
}

/** What the template's own script prints when the builder knows when it is to end. */
const KNOWS_ITS_END = /: packleader: this builder ends itself in \d+ minutes\.$/m;

/**
 * Leaves the builder of a failed bake to whoever wants to look at it, if it knows its end; that it then terminates, and does not only
 * stop, EC2 is told here, and whoever cleans up is told by the tag. One that cannot be kept is removed like any other.
 * @param {string} release
 * @param {string} region
 * @param {number} minutes
 * @param {string} log of the run of Packer that failed
 */
export async function keepBuilder(release, region, minutes, log) {
  const [id] = KNOWS_ITS_END.test(log)
    ? await describe(region, 'DescribeInstances', 'instanceId', {
        ...of(release),
        'instance-state-name': ['running'],
      })
    : [];
  if (id === undefined) return say('No builder is kept: none has been told when to end.');
  await ec2(region, 'ModifyInstanceAttribute', {
    InstanceId: id,
    'InstanceInitiatedShutdownBehavior.Value': 'terminate',
  });
  const until = new Date(Date.now() + minutes * 60_000).toISOString();
  await ec2(region, 'CreateTags', { 'ResourceId.1': id, 'Tag.1.Key': KEPT_TAG, 'Tag.1.Value': until });
  exportVariable(KEPT, until);
  say(`${id} is kept until then: aws ssm start-session --region ${region} --target ${id}`);
}
