// Removes what a failed or interrupted Packer leaves of this release in this region: builder instances, their key pairs and
// security groups. Never an AMI: whether one may go is decided by the release's own rollback.
import { awsJson, aws, main, required, say } from './program.mjs';

main(() => {
  const release = required('PACKLEADER_RELEASE', /^[a-z][a-z0-9-]*@[0-9A-Za-z.-]+$/);
  const region = required('PACKLEADER_REGION', /^[a-z]{2}(-[a-z]+)+-\d$/);
  const ofRelease = { Name: 'tag:packleader:release', Values: [release] };
  const ec2 = (/** @type {string} */ command) => ['ec2', command, '--region', region];
  /**
   * @param {string} command
   * @param {string} query
   * @param {object[]} filters
   * @returns {string[]}
   */
  const list = (command, query, filters) =>
    awsJson([...ec2(command), '--query', query], { Filters: filters }) ?? [];

  const instances = list('describe-instances', 'Reservations[].Instances[].InstanceId', [
    ofRelease,
    { Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'] },
  ]);
  if (instances.length > 0) {
    say(`Terminating ${instances.join(', ')}`);
    aws(ec2('terminate-instances'), { InstanceIds: instances });
    aws(['ec2', 'wait', 'instance-terminated', '--region', region, '--instance-ids', ...instances]);
  }
  for (const id of list('describe-key-pairs', 'KeyPairs[].KeyPairId', [ofRelease])) {
    say(`Deleting ${id}`);
    aws(ec2('delete-key-pair'), { KeyPairId: id });
  }
  // Last: EC2 keeps a group for as long as an instance is in it.
  for (const id of list('describe-security-groups', 'SecurityGroups[].GroupId', [ofRelease])) {
    say(`Deleting ${id}`);
    aws(ec2('delete-security-group'), { GroupId: id });
  }
});
