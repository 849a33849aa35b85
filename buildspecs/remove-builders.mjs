// Removes what a failed or interrupted Packer leaves of this release in this region: builder instances, their key pairs and
// security groups. Never an AMI: whether one may go is decided by the release's own rollback.
import { describe } from './aws.mjs';
import { aws, environment, main, required, say } from './program.mjs';

await main(async () => {
  const release = required('PACKLEADER_RELEASE', /^[a-z][a-z0-9-]*@[0-9A-Za-z.-]+$/);
  const region = required('PACKLEADER_REGION', /^[a-z]{2}(-[a-z]+)+-\d$/);
  const ofRelease = { 'tag:packleader:release': [release] };
  const ec2 = (/** @type {string} */ command) => ['ec2', command, '--region', region];
  const [instances, keyPairs, groups, launchTemplates] = await Promise.all([
    describe(region, 'DescribeInstances', 'instanceId', {
      ...ofRelease,
      'instance-state-name': ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
    }),
    describe(region, 'DescribeKeyPairs', 'keyPairId', ofRelease),
    describe(region, 'DescribeSecurityGroups', 'groupId', ofRelease),
    // Of Spot Instances.
    environment('PACKLEADER_SPOT')
      ? describe(region, 'DescribeLaunchTemplates', 'launchTemplateId', ofRelease)
      : [],
  ]);
  if (instances.length > 0) {
    say(`Terminating ${instances.join(', ')}`);
    await aws(ec2('terminate-instances'), { InstanceIds: instances });
    await aws(['ec2', 'wait', 'instance-terminated', '--region', region, '--instance-ids', ...instances]);
  }
  for (const id of keyPairs) {
    say(`Deleting ${id}`);
    await aws(ec2('delete-key-pair'), { KeyPairId: id });
  }
  for (const id of launchTemplates) {
    say(`Deleting ${id}`);
    await aws(ec2('delete-launch-template'), { LaunchTemplateId: id });
  }
  // Last: EC2 keeps a group for as long as an instance is in it.
  for (const id of groups) {
    say(`Deleting ${id}`);
    await aws(ec2('delete-security-group'), { GroupId: id });
  }
});
