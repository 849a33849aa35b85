/** Why a role may do what no rehearsal does: by action, or by statement and action where only that one has the reason. */
type Reasons = Readonly<Record<string, string>>;

/** AWS itself does it with the role: Lambda, CodeBuild and Step Functions, in the background of a call. */
export const BY_AWS: Reasons = {
  'logs:CreateLogStream': 'Lambda and CodeBuild write the log',
  'logs:PutLogEvents': 'Lambda and CodeBuild write the log',
  'xray:GetSamplingRules': 'Step Functions sends traces',
  'xray:GetSamplingTargets': 'Step Functions sends traces',
  'xray:PutTelemetryRecords': 'Lambda and Step Functions send traces',
  'xray:PutTraceSegments': 'Lambda and Step Functions send traces',
  'events:DescribeRule':
    'a .sync task in the same account is told of the end by a rule that Step Functions manages',
  'events:PutRule':
    'a .sync task in the same account is told of the end by a rule that Step Functions manages',
  'events:PutTargets':
    'a .sync task in the same account is told of the end by a rule that Step Functions manages',
  'states:DescribeExecution': 'startExecution.sync polls as well, for events may be lost',
  'states:StopExecution': 'stopping an execution stops those that it waits for',
  'logs:CreateLogDelivery': 'Step Functions has its log delivered',
  'logs:DeleteLogDelivery': 'Step Functions has its log delivered',
  'logs:DescribeLogGroups': 'Step Functions has its log delivered',
  'logs:DescribeResourcePolicies': 'Step Functions has its log delivered',
  'logs:GetLogDelivery': 'Step Functions has its log delivered',
  'logs:ListLogDeliveries': 'Step Functions has its log delivered',
  'logs:PutResourcePolicy': 'Step Functions has its log delivered',
  'logs:UpdateLogDelivery': 'Step Functions has its log delivered',
  'ssm:UpdateInstanceInformation': "a builder's agent registers with Systems Manager",
  'ssmmessages:CreateControlChannel': 'Packer reaches the builder through its agent',
  'ssmmessages:CreateDataChannel': 'Packer reaches the builder through its agent',
  'ssmmessages:OpenControlChannel': 'Packer reaches the builder through its agent',
  'ssmmessages:OpenDataChannel': 'Packer reaches the builder through its agent',
  'LookAtNetwork: ec2:DescribeDhcpOptions': 'CodeBuild puts a build into a VPC',
  'LookAtNetwork: ec2:DescribeNetworkInterfaces': 'CodeBuild puts a build into a VPC',
  'JoinVpc: ec2:CreateNetworkInterface': 'CodeBuild puts a build into a VPC',
  'LeaveVpc: ec2:DeleteNetworkInterface': 'CodeBuild takes a build out of its VPC',
  'LetCodeBuildAttach: ec2:CreateNetworkInterfacePermission': 'CodeBuild puts a build into a VPC',
  'iam:CreateServiceLinkedRole': 'EC2 makes its role for Spot Instances with the first one of an account',
  ...Object.fromEntries(
    ['AcknowledgeMessage', 'DeleteMessage', 'FailMessage', 'GetEndpoint', 'GetMessages', 'SendReply'].map(
      (action) => [`ec2messages:${action}`, 'an agent of before 2024 gets its commands by these'],
    ),
  ),
  ...Object.fromEntries(
    ['Decrypt', 'DescribeKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'].map(
      (action) => [`DecryptVolumes: kms:${action}`, 'EC2 uses the key of the AMI that is booted'],
    ),
  ),
  ...Object.fromEntries(
    ['Decrypt', 'DescribeKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'].map(
      (action) => [`ReadAndEncrypt: kms:${action}`, 'EC2 uses the keys of the AMI and of its copy'],
    ),
  ),
  'LetEbsUseTheKeys: kms:CreateGrant': 'lets EBS use the keys for as long as the copy takes',
  'LetEbsUseTheKey: kms:CreateGrant': 'lets EBS use the key for as long as the volume exists',
  'codebuild:StopBuild': 'stopping an execution stops the builds that it waits for',
};

/** Real Packer with its amazon plugin does it, with templates that the rehearsals do not run.
 *  @see https://developer.hashicorp.com/packer/integrations/hashicorp/amazon#iam-task-or-instance-role */
export const BY_PACKER: Reasons = {
  'TagSpotRequest: ec2:CreateTags': 'tags the request of a Spot Instance when it is there',
  'ec2:DescribeInstanceStatus': 'waits until the builder passes its checks',
  'ec2:DescribeInstanceTypeOfferings': 'chooses a subnet whose zone offers the instance type',
  'ec2:DescribeRegions': 'checks the names of regions',
  'ec2:DescribeSnapshots': 'waits for snapshots before it tags them',
  'ec2:DescribeTags': 'waits for tags to be seen',
  'ec2:DescribeVolumes': 'finds the volumes of the builder, to tag them',
  'ec2:DescribeVpcs': 'finds the VPC of a temporary security group',
  'ec2:AuthorizeSecurityGroupIngress':
    'opens the temporary security group to itself; WinRM does not go through Session Manager',
  'ec2:DeleteVolume': 'deletes volumes that outlive the builder',
  'ec2:GetPasswordData': 'learns the password of a Windows builder',
  'iam:GetInstanceProfile': 'checks that the profile exists before it launches the builder',
  'iam:PassRole': "gives the builder its profile's role",
  'ConnectToBuilder: ssm:StartSession': 'connects by Session Manager: to the builder',
  'ForwardPorts: ssm:StartSession': 'connects by Session Manager: with the document of a port forwarding',
  'ssm:TerminateSession': 'ends its own session',
  'FinishCandidate: ec2:DeleteSnapshot': 'removes a candidate when a later step of the build fails',
  'FinishCandidate: ec2:DeregisterImage': 'removes a candidate when a later step of the build fails',
  'EncryptVolumes: kms:Decrypt': "EC2 uses the key of the builder's encrypted volumes and of their snapshots",
  'kms:DescribeKey': "EC2 uses the key of the builder's encrypted volumes and of their snapshots",
  'kms:Encrypt': "EC2 uses the key of the builder's encrypted volumes and of their snapshots",
  'kms:GenerateDataKeyWithoutPlaintext':
    "EC2 uses the key of the builder's encrypted volumes and of their snapshots",
  'kms:ReEncryptFrom': "EC2 uses the key of the builder's encrypted volumes and of their snapshots",
  'kms:ReEncryptTo': "EC2 uses the key of the builder's encrypted volumes and of their snapshots",
  'kms:CreateGrant': 'lets EBS use the key for as long as the volume exists',
};
