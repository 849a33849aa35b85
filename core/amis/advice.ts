/** What to look at when a bake failed in a way that its own message does not explain. */

/** Signs in what a bake says of its failure, and what they mean. All that are found are told. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [
    /Timeout waiting for WinRM/,
    'WinRM never answered. Look at: 1. the console output of the builder (aws ec2 get-console-output), where its user data ' +
      'writes lines that begin with "packleader:"; none means that EC2Launch v2 did not run it. 2. Whether the security group ' +
      'admits port 5986 from where this build runs, and whether it reaches the address at all: winrm_interface=private_ip needs ' +
      'a bake project in a VPC. 3. winrm_timeout, if the image takes long to boot.',
  ],
  [
    /Timeout waiting for SSH/,
    'SSH never answered. Look at: 1. whether the builder is listed by aws ssm describe-instance-information; if not, its ' +
      'instance profile lacks AmazonSSMManagedInstanceCore, its subnet has no way to Systems Manager, or the source AMI has no ' +
      'SSM Agent, like Debian’s own: set sshInterface to private_ip. 2. ssh_username, which ' +
      'differs between distributions. 3. The console output of the builder (aws ec2 get-console-output).',
  ],
  [
    /Timeout waiting for password/i,
    'EC2 never got the Administrator password. The source AMI must run EC2Launch v2 at its first boot, that is, it was reset ' +
      'and sysprepped when it was made.',
  ],
  [
    /InsufficientInstanceCapacity/,
    'EC2 has no such instance in the zones of the subnets at the moment. Name further instanceTypes, or further network.subnetIds.',
  ],
  [
    /OptInRequired|Marketplace product you need to accept/,
    'The source AMI is a product of AWS Marketplace, which this account is not subscribed to. Accept its terms in this account, at ' +
      'the address that EC2 names, as in every other target account; packleader doctor names them all before a bake does.',
  ],
  [
    /VcpuLimitExceeded|InstanceLimitExceeded/,
    'The account may run no more instances of this kind. Raise the quota of running On-Demand instances in Service Quotas.',
  ],
  [
    /KMSKey|Client error on launch|perform: kms:/,
    'EC2 could not use the KMS key (kmsKeyId). It must be enabled, and let packleader-bake use it and create grants.',
  ],
  [
    /Given key ID is not accessible|permission to access the storage of this ami/,
    'The AMI is copied from an account whose key this one may not use. The policy of that key must let packleader-copier of this account ' +
      'use it and create grants; so must that of the key of this account.',
  ],
  [
    /Images (from AWS Marketplace|with EC2 BillingProduct codes) cannot be copied/,
    'EC2 does not copy this AMI from one account to another, for what it is licensed as. Set strategy: bake for the target.',
  ],
  [
    /exceeded (wait attempts|max wait time)/,
    'AWS took longer than Packer waits. Raise aws_polling in source.pkr.hcl; a large volume takes long to become a snapshot.',
  ],
  [
    // S3 denies what is not there to whoever may not list.
    /tools\/\w{64} (could not be read|has the SHA-256)/,
    'The bucket does not hold what packleader.config pins. packleader mirror puts it there.',
  ],
  [/ in a service control policy/, 'The organisation forbids it, whatever the roles of the account may do.'],
  [
    /(UnauthorizedOperation|(?<!tools\/\w{64} could not be read: AWS answered )AccessDenied|not authorized to perform)(?!.* service control)/,
    'A permission is missing. The role packleader-bake may make and change only what carries the tag packleader:release, and ' +
      'use only instance profiles whose names begin with packleader-builder.',
  ],
];

export const adviceFor = (said: string): string[] =>
  SIGNS.filter(([sign]) => sign.test(said)).map(([, advice]) => advice);
