import { describe, expect, it } from 'vitest';
import { NAMES } from '../../core/contract/names.ts';
import { stewards } from '../../core/contract/tasks.ts';
import { loadFactory } from '../../core/configuration/factory.ts';
import { STAGES, filesOf, ownFactory } from '../fixtures/factories.ts';
import { type Statement, type Synthesised, hub, inWords, target } from '../fixtures/synthesised.ts';

/** Their roles are in triggers.test.ts. */
const TRIGGERS = [
  'packleader-trigger-start-release',
  'packleader-trigger-scheduled-rebuild',
  'packleader-scheduler',
];

const factory = ownFactory();
const theHub = hub(factory);
const packer = { version: '1.14.2', sha256: 'a'.repeat(64) };
const theTarget = target({ factory, accountId: '111111111111', packer });
const both = [theHub, theTarget];
const BUCKET = 'packleader-999999999999-eu-west-1';

const lines = (statements: Statement[]) => statements.map(inWords).join('\n');

function roleOf(stack: Synthesised, name: string) {
  const role = stack.roles().find((one) => one.name === name);
  if (!role)
    throw new Error(
      `no role ${name}, only ${stack
        .roles()
        .map((one) => one.name)
        .join(', ')}`,
    );
  return { trust: lines(role.trust), may: lines(role.statements) };
}

describe('what the hub tells whoever deploys it', () => {
  it('is where releases are started, and where they are kept', () => {
    expect(theHub.outputs).toMatchObject({
      ReleaseMachine:
        'https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/statemachines/view/arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release',
      BucketName: BUCKET,
    });
    expect(Object.keys(theHub.outputs)).toEqual(['ReleaseMachine', 'BucketName']);
  });
});

describe('in a target account', () => {
  it('the orchestrator starts, follows and stops bakes for the state machine that bakes, and for nothing else', () => {
    expect(roleOf(theTarget, NAMES.orchestratorRole)).toMatchInlineSnapshot(`
      {
        "may": "StartWithItsOwnBuildspec: Allow codebuild:StartBuild on arn:aws:codebuild:eu-west-1:111111111111:project/packleader-bake if {"Null":{"codebuild:source.buildspec":"true"}}
      FollowAndStop: Allow codebuild:BatchGetBuilds codebuild:StopBuild on arn:aws:codebuild:eu-west-1:111111111111:project/packleader-bake",
        "trust": "Allow sts:AssumeRole by {"AWS":"arn:aws:iam::999999999999:root"} if {"StringEquals":{"sts:ExternalId":"arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-bake-batch"},"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::999999999999:role/packleader-bake-batch"]}}",
      }
    `);
  });

  it('the steward works for the tasks that act in targets, and destroys only what carries the tag of a release', () => {
    expect(roleOf(theTarget, NAMES.stewardRole)).toMatchInlineSnapshot(`
      {
        "may": "Look: Allow ec2:DescribeImages ec2:DescribeInstances ec2:DescribeKeyPairs ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups ec2:DescribeSnapshots ec2:DescribeVolumes on *
      LookForUsersOfAnAmi: Allow autoscaling:DescribeAutoScalingGroups autoscaling:DescribeLaunchConfigurations ec2:DescribeImageAttribute ec2:DescribeImageReferences ec2:DescribeLaunchTemplateVersions ec2:DescribeLaunchTemplates ssm:DescribeParameters on *
      RemoveBuilders: Allow ec2:DeleteKeyPair ec2:DeleteNetworkInterface ec2:DeleteSecurityGroup ec2:DeleteVolume ec2:TerminateInstances on arn:aws:ec2:*:111111111111:instance/* arn:aws:ec2:*:111111111111:key-pair/* arn:aws:ec2:*:111111111111:network-interface/* arn:aws:ec2:*:111111111111:security-group/* arn:aws:ec2:*:111111111111:volume/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"}}
      RemoveAmis: Allow ec2:DeleteSnapshot ec2:DeregisterImage on arn:aws:ec2:*::image/* arn:aws:ec2:*::snapshot/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"}}
      TagAmis: Allow ec2:CreateTags on arn:aws:ec2:*::image/* arn:aws:ec2:*::snapshot/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"},"ForAllValues:StringEquals":{"aws:TagKeys":["packleader:state","Version","packleader:quarantine"]}}
      DisableAmis: Allow ec2:DisableImage on arn:aws:ec2:*::image/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"},"StringEquals":{"aws:ResourceTag/packleader:state":"revoked"}}
      EnableAmis: Allow ec2:EnableImage ec2:ModifyImageAttribute on arn:aws:ec2:*::image/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"},"StringNotEquals":{"ec2:Attribute":["Description","ImdsSupport"]}}
      ReadParameters: Allow ssm:GetParameter ssm:GetParameters on arn:aws:ssm:*:111111111111:parameter/* arn:aws:ssm:*::parameter/aws/service/*
      ReadNoSecrets: Deny kms:* on *
      KeepOffSecrets: Deny ssm:* on arn:aws:ssm:*:111111111111:parameter/packleader/secrets/*
      Publish: Allow ssm:DeleteParameter ssm:GetParameterHistory ssm:GetParametersByPath ssm:PutParameter on arn:aws:ssm:*:111111111111:parameter/packleader/*/latest arn:aws:ssm:*:111111111111:parameter/packleader/*/versions arn:aws:ssm:*:111111111111:parameter/packleader/*/versions/*
      StopBuilds: Allow codebuild:BatchGetBuilds codebuild:ListBuildsForProject codebuild:StopBuild on arn:aws:codebuild:eu-west-1:111111111111:project/packleader-bake",
        "trust": "Allow sts:AssumeRole by {"AWS":"arn:aws:iam::999999999999:root"} if {"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::999999999999:role/packleader-task-resolve-source-amis","arn:aws:iam::999999999999:role/packleader-task-check-amis","arn:aws:iam::999999999999:role/packleader-task-compare-amis","arn:aws:iam::999999999999:role/packleader-task-apply-version-tags","arn:aws:iam::999999999999:role/packleader-task-publish-release","arn:aws:iam::999999999999:role/packleader-task-withdraw-publication","arn:aws:iam::999999999999:role/packleader-task-deregister-amis","arn:aws:iam::999999999999:role/packleader-task-verify-rollback","arn:aws:iam::999999999999:role/packleader-task-find-dead-releases","arn:aws:iam::999999999999:role/packleader-task-sweep-release","arn:aws:iam::999999999999:role/packleader-task-plan-repoint","arn:aws:iam::999999999999:role/packleader-task-enable-amis","arn:aws:iam::999999999999:role/packleader-task-mark-versions","arn:aws:iam::999999999999:role/packleader-task-point-latest","arn:aws:iam::999999999999:role/packleader-task-disable-amis","arn:aws:iam::999999999999:role/packleader-task-put-back-versions","arn:aws:iam::999999999999:role/packleader-trigger-scheduled-rebuild"]}}",
      }
    `);
  });

  it('the bake has what Packer needs, for what carries the tag of a release', () => {
    expect(roleOf(theTarget, NAMES.bakeRole)).toMatchInlineSnapshot(`
      {
        "may": "WriteLog: Allow logs:CreateLogStream logs:PutLogEvents on arn:aws:logs:eu-west-1:111111111111:log-group:/packleader/packleader-bake:*
      ReadSourceAndOwnPlan: Allow s3:GetObject on arn:aws:s3:::packleader-999999999999-eu-west-1/plans/*/111111111111-* arn:aws:s3:::packleader-999999999999-eu-west-1/sources/*
      WriteRecord: Allow s3:PutObject on arn:aws:s3:::packleader-999999999999-eu-west-1/bakes/111111111111/*
      FindBucketOfRecord: Allow s3:GetBucketAcl s3:GetBucketLocation on arn:aws:s3:::packleader-999999999999-eu-west-1
      ReadSecrets: Allow secretsmanager:GetSecretValue ssm:GetParameter on arn:aws:secretsmanager:*:111111111111:secret:packleader/* arn:aws:ssm:*:111111111111:parameter/packleader/secrets/*
      Look: Allow ec2:DescribeImages ec2:DescribeInstanceStatus ec2:DescribeInstanceTypeOfferings ec2:DescribeInstances ec2:DescribeKeyPairs ec2:DescribeRegions ec2:DescribeSecurityGroups ec2:DescribeSnapshots ec2:DescribeSubnets ec2:DescribeTags ec2:DescribeVolumes ec2:DescribeVpcs on *
      LaunchBuilder: Allow ec2:RunInstances on arn:aws:ec2:*:111111111111:instance/* if {"StringLike":{"aws:RequestTag/packleader:release":"?*"},"StringEquals":{"ec2:MetadataHttpTokens":"required"}}
      LaunchTagged: Allow ec2:RunInstances on arn:aws:ec2:*:111111111111:network-interface/* arn:aws:ec2:*:111111111111:volume/* if {"StringLike":{"aws:RequestTag/packleader:release":"?*"}}
      LaunchFrom: Allow ec2:RunInstances on arn:aws:ec2:*:111111111111:key-pair/* arn:aws:ec2:*:111111111111:security-group/* arn:aws:ec2:*:111111111111:subnet/* arn:aws:ec2:*::image/*
      LaunchFromOthers: Allow ec2:RunInstances on arn:aws:ec2:*::snapshot/* if {"StringNotEquals":{"ec2:Owner":"111111111111"}}
      LaunchFromOwn: Allow ec2:RunInstances on arn:aws:ec2:*::snapshot/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"}}
      MakeTagged: Allow ec2:CreateImage ec2:CreateKeyPair ec2:CreateSecurityGroup on arn:aws:ec2:*:111111111111:key-pair/* arn:aws:ec2:*:111111111111:security-group/* arn:aws:ec2:*::image/* arn:aws:ec2:*::snapshot/* if {"StringLike":{"aws:RequestTag/packleader:release":"?*"}}
      MakeGroupInVpc: Allow ec2:CreateSecurityGroup on arn:aws:ec2:*:111111111111:vpc/*
      UseAndRemoveBuilder: Allow ec2:AuthorizeSecurityGroupIngress ec2:CreateImage ec2:DeleteKeyPair ec2:DeleteSecurityGroup ec2:DeleteVolume ec2:GetPasswordData ec2:StopInstances ec2:TerminateInstances on arn:aws:ec2:*:111111111111:instance/* arn:aws:ec2:*:111111111111:key-pair/* arn:aws:ec2:*:111111111111:security-group/* arn:aws:ec2:*:111111111111:volume/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"}}
      FindBuilderProfile: Allow iam:GetInstanceProfile on arn:aws:iam::111111111111:instance-profile/packleader-builder*
      GiveBuilderItsRole: Allow iam:PassRole on arn:aws:iam::111111111111:role/packleader-builder* if {"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}
      ConnectToBuilder: Allow ssm:StartSession on arn:aws:ec2:*:111111111111:instance/* if {"StringLike":{"ssm:resourceTag/packleader:release":"?*"},"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}}
      ForwardPorts: Allow ssm:StartSession ssm:TerminateSession on arn:aws:ssm:*:111111111111:session/\${aws:userid}-* arn:aws:ssm:*::document/AWS-StartPortForwardingSession
      TagWhatIsMade: Allow ec2:CreateTags on arn:aws:ec2:*:111111111111:instance/* arn:aws:ec2:*:111111111111:key-pair/* arn:aws:ec2:*:111111111111:network-interface/* arn:aws:ec2:*:111111111111:security-group/* arn:aws:ec2:*:111111111111:volume/* arn:aws:ec2:*::image/* arn:aws:ec2:*::snapshot/* if {"StringLike":{"aws:RequestTag/packleader:release":"?*"},"StringEquals":{"ec2:CreateAction":["CreateImage","CreateKeyPair","CreateSecurityGroup","RunInstances"]}}
      TagCandidateAgain: Allow ec2:CreateTags on arn:aws:ec2:*::image/* arn:aws:ec2:*::snapshot/* if {"StringEquals":{"aws:ResourceTag/packleader:release":"\${aws:RequestTag/packleader:release}","aws:ResourceTag/packleader:state":"candidate","aws:RequestTag/packleader:state":"candidate"}}
      FinishCandidate: Allow ec2:DeleteSnapshot ec2:DeregisterImage ec2:ModifyImageAttribute on arn:aws:ec2:*::image/* arn:aws:ec2:*::snapshot/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"},"StringEquals":{"aws:ResourceTag/packleader:state":"candidate"}}
      NeverShare: Deny ec2:ModifyImageAttribute on * if {"StringNotEquals":{"ec2:Attribute":["Description","ImdsSupport"]}}
      EncryptVolumes: Allow kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom kms:ReEncryptTo on arn:aws:kms:*:111111111111:key/* if {"StringLike":{"kms:ViaService":["ec2.*.amazonaws.com"]}}
      LetEbsUseTheKey: Allow kms:CreateGrant on arn:aws:kms:*:111111111111:key/* if {"StringLike":{"kms:ViaService":["ec2.*.amazonaws.com"]},"Bool":{"kms:GrantIsForAWSResource":"true"}}
      DecryptSecrets: Allow kms:Decrypt on arn:aws:kms:*:111111111111:key/* if {"StringLike":{"kms:ViaService":["secretsmanager.*.amazonaws.com","ssm.*.amazonaws.com"]}}
      StayInRegionsOfTargets: Deny ec2:* kms:* secretsmanager:* ssm:* on * if {"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]}}",
        "trust": "Allow sts:AssumeRole by {"Service":"codebuild.amazonaws.com"} if {"StringEquals":{"aws:SourceAccount":"111111111111"},"ArnEquals":{"aws:SourceArn":"arn:aws:codebuild:eu-west-1:111111111111:project/packleader-bake"}}",
      }
    `);
  });

  it('a builder may talk to Session Manager', () => {
    expect(roleOf(theTarget, 'packleader-builder')).toMatchInlineSnapshot(`
      {
        "may": "TalkToSessionManager: Allow ssm:UpdateInstanceInformation ssmmessages:CreateControlChannel ssmmessages:CreateDataChannel ssmmessages:OpenControlChannel ssmmessages:OpenDataChannel on *",
        "trust": "Allow sts:AssumeRole by {"Service":"ec2.amazonaws.com"}",
      }
    `);
    expect(theTarget.ofType('AWS::IAM::InstanceProfile').map(({ is }) => is)).toEqual([
      { InstanceProfileName: 'packleader-builder', Roles: ['packleader-builder'] },
    ]);
  });

  it('a policy stays within the 10,240 characters of a role, however many regions there are', () => {
    const regions = Array.from({ length: 30 }, (_, index) => ({
      accountId: '111111111111',
      region: `eu-west-${index}`,
    }));
    const wide = target({
      factory: { ...factory, stages: [{ name: 'dev', targets: regions }] },
      accountId: '111111111111',
    });
    for (const { is } of wide.ofType('AWS::IAM::Policy'))
      expect(JSON.stringify(is['PolicyDocument']).length).toBeLessThan(10_240);
  });

  it('the project bakes without a source, for as long as a bake may take, after as long in the queue', () => {
    const [project] = theTarget.ofType('AWS::CodeBuild::Project');
    expect(project?.is).toMatchObject({
      Name: NAMES.bakeProject,
      Source: { Type: 'NO_SOURCE', BuildSpec: expect.stringContaining('node bake.mjs') },
      ServiceRole: `role ${NAMES.bakeRole}`,
      TimeoutInMinutes: 480,
      QueuedTimeoutInMinutes: 480,
      Environment: {
        Type: 'ARM_CONTAINER',
        PrivilegedMode: false,
        EnvironmentVariables: [
          { Name: 'PACKLEADER_PACKER_VERSION', Value: '1.14.2', Type: 'PLAINTEXT' },
          { Name: 'PACKLEADER_PACKER_SHA256', Value: 'a'.repeat(64), Type: 'PLAINTEXT' },
        ],
      },
    });
  });
});

describe('in the hub', () => {
  it.each([
    'packleader-task-resolve-source-amis',
    'packleader-task-check-amis',
    'packleader-task-compare-amis',
    'packleader-task-apply-version-tags',
    'packleader-task-publish-release',
    'packleader-task-withdraw-publication',
    'packleader-task-deregister-amis',
    'packleader-task-plan-releases',
    'packleader-task-summarise-releases',
    'packleader-task-announce-release',
    'packleader-task-announce-rollback',
    'packleader-task-verify-rollback',
    'packleader-task-find-dead-releases',
    'packleader-task-sweep-release',
    'packleader-task-report-sweep',
    'packleader-task-plan-repoint',
    'packleader-task-enable-amis',
    'packleader-task-mark-versions',
    'packleader-task-point-latest',
    'packleader-task-disable-amis',
    'packleader-task-put-back-versions',
    'packleader-task-record-repoint',
    'packleader-bake-batch',
    'StateMachines/ReleaseImage/Machine/Role/Resource',
    'StateMachines/Release/Machine/Role/Resource',
    'StateMachines/Sweep/Machine/Role/Resource',
    'StateMachines/Repoint/Machine/Role/Resource',
    'StateMachines/Sweep/Machine/EventsRole/Resource',
    'packleader-fetch-source',
    'packleader-validate',
  ])('%s may do exactly this', (name) => {
    expect(roleOf(theHub, name)).toMatchSnapshot();
  });

  it('has no other role, but those of the triggers', () => {
    expect(theHub.roles().filter(({ name }) => !TRIGGERS.includes(name))).toHaveLength(30);
  });

  it('the machine that bakes may only take on orchestrators: CDK adds no permission to run builds in its own account', () => {
    const actions = theHub
      .roles()
      .flatMap(({ name, statements }) => (name === 'packleader-bake-batch' ? statements : []));
    expect(actions.flatMap(({ Action }) => Action).filter((action) => !/^(xray|logs):/.test(action))).toEqual(
      ['sts:AssumeRole'],
    );
  });

  it('the steward deprecates AMIs, and a function reads the plan for it, only where a layer says so', () => {
    const accountId = '100000000001';
    const made = (settings: string) => loadFactory(filesOf({ stages: STAGES, settings }));
    const steward = (settings: string) =>
      target({ factory: made(settings), accountId })
        .roles()
        .find(({ name }) => name === NAMES.stewardRole)?.statements ?? [];
    const deprecating = (settings: string) =>
      lines(steward(settings).filter(({ Action }) => Action.includes('ec2:EnableImageDeprecation')));
    expect(deprecating('')).toBe('');
    expect(deprecating('deprecateAfterDays: 90')).toBe(
      'DeprecateAmis: Allow ec2:EnableImageDeprecation on arn:aws:ec2:*::image/* if {"StringLike":{"aws:ResourceTag/packleader:release":"?*"}}',
    );
    const reads = (settings: string) =>
      hub(made(settings))
        .roles()
        .find(({ name }) => name === 'packleader-task-apply-version-tags')
        ?.statements.flatMap(({ Action }) => Action)
        .filter((action) => action.startsWith('s3:'));
    expect(reads('')).toEqual([]);
    expect(reads('deprecateAfterDays: 90')).toEqual(['s3:GetObject']);
  });

  it('exactly the functions that act in targets may take on a steward, and exactly those are trusted by it', () => {
    const may = theHub
      .roles()
      .filter(({ statements }) =>
        statements.some(({ Resource }) => Resource.some((arn) => arn.endsWith(`/${NAMES.stewardRole}`))),
      );
    expect(may.map(({ name }) => name).sort()).toEqual(
      [
        ...stewards({
          retiring: false,
          tests: false,
          copies: false,
          scans: false,
          approval: false,
          retry: false,
        }).map((file) => `packleader-task-${file}`),
        'packleader-trigger-scheduled-rebuild',
      ].sort(),
    );
  });

  it('the bucket is read by the bake roles of the targets, over TLS, each its own plans', () => {
    expect(theHub.bucketPolicy(BUCKET).map(inWords).join('\n')).toMatchInlineSnapshot(`
      "Deny s3:* by {"AWS":"*"} on arn:aws:s3:::packleader-999999999999-eu-west-1 arn:aws:s3:::packleader-999999999999-eu-west-1/* if {"Bool":{"aws:SecureTransport":"false"}}
      Deny s3:* by {"AWS":"*"} on arn:aws:s3:::packleader-999999999999-eu-west-1 arn:aws:s3:::packleader-999999999999-eu-west-1/* if {"NumericLessThan":{"s3:TlsVersion":1.2}}
      BakesRead: Allow s3:GetObject by {"AWS":["111111111111","222222222222"]} on arn:aws:s3:::packleader-999999999999-eu-west-1/plans/*/\${aws:PrincipalAccount}-* arn:aws:s3:::packleader-999999999999-eu-west-1/sources/* if {"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/packleader-bake"}}
      BakesWriteRecords: Allow s3:PutObject by {"AWS":["111111111111","222222222222"]} on arn:aws:s3:::packleader-999999999999-eu-west-1/bakes/\${aws:PrincipalAccount}/* if {"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/packleader-bake"}}
      BakesFindTheBucket: Allow s3:GetBucketAcl s3:GetBucketLocation by {"AWS":["111111111111","222222222222"]} on arn:aws:s3:::packleader-999999999999-eu-west-1 if {"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/packleader-bake"}}"
    `);
  });

  it('the bucket is private, encrypted, versioned and kept', () => {
    const bucket = theHub.ofType('AWS::S3::Bucket').find(({ is }) => is['BucketName'] === BUCKET);
    expect(bucket).toMatchObject({
      retained: true,
      is: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: 'Enabled' },
      },
    });
  });

  it('runs every function on arm64 and Node 24, traced and with a log in JSON', () => {
    const tasks = theHub.ofType('AWS::Lambda::Function');
    expect(tasks).toHaveLength(24);
    for (const { is } of tasks)
      expect(is).toMatchObject({
        Architectures: ['arm64'],
        Runtime: 'nodejs24.x',
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogFormat: 'JSON' },
      });
  });

  it('reads the token of a private repository from a secret, not from the template', () => {
    const [project] = hub(factory, { repositoryTokenSecret: 'git/images' }).ofType('AWS::CodeBuild::Project');
    expect(project?.is).toMatchObject({
      Environment: {
        EnvironmentVariables: expect.arrayContaining([
          { Name: 'PACKLEADER_REPOSITORY_TOKEN', Type: 'SECRETS_MANAGER', Value: 'git/images' },
        ]),
      },
    });
    const withToken = hub(factory, { repositoryTokenSecret: 'git/images' });
    expect(roleOf(withToken, NAMES.fetchSourceProject).may).toContain(
      'ReadRepositoryToken: Allow secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:999999999999:secret:git/images-??????',
    );
  });

  it('lets those tasks alone write down who may launch AMIs that give it, and take it back, and none where nobody may', () => {
    const of = (stack: ReturnType<typeof hub>, what: string) =>
      stack
        .roles()
        .filter(({ statements }) =>
          statements.some(
            ({ Action, Resource }) =>
              Action.includes(what) && Resource.some((resource) => resource.includes('/permissions/')),
          ),
        )
        .map(({ name }) => name)
        .toSorted();
    const sharing = hub(factory, { shareAmis: true });
    expect(of(sharing, 's3:PutObject')).toEqual([
      'packleader-task-publish-release',
      'packleader-task-sweep-release',
      'packleader-task-withdraw-publication',
    ]);
    expect(of(sharing, 's3:GetObject')).toEqual([
      'packleader-task-deregister-amis',
      'packleader-task-publish-release',
      'packleader-task-sweep-release',
      'packleader-task-verify-rollback',
      'packleader-task-withdraw-publication',
    ]);
    expect(of(hub(factory), 's3:GetObject')).toEqual([]);
    expect(of(hub(factory), 's3:PutObject')).toEqual([]);
  });

  it('lets a command of one’s own read SBOMs, and write what it finds, and do nothing else', () => {
    const stack = hub(factory, { scanAmis: { command: 'scan "$SBOM"' } });
    const { may } = roleOf(stack, NAMES.scanProject);
    expect(may).toContain('/sboms/*');
    expect(may).toContain('/scans/*');
    expect(may).not.toContain('plans');
    expect(may).not.toContain('inspector-scan');
    expect(roleOf(stack, 'packleader-task-scan-amis').may).not.toContain('inspector-scan');
    expect(roleOf(hub(factory, { scanAmis: 'inspector' }), 'packleader-task-scan-amis').may).toContain(
      'inspector-scan:ScanSbom',
    );
    for (const none of [hub(factory), hub(factory, { scanAmis: 'inspector' })])
      expect(none.roles().map(({ name }) => name)).not.toContain(NAMES.scanProject);
  });

  it('lets Packer ask for plugins with a token of a secret, where it validates and where it bakes', () => {
    const pluginTokenSecret = 'packleader/github';
    const token = { Name: 'PACKER_GITHUB_API_TOKEN', Type: 'SECRETS_MANAGER', Value: pluginTokenSecret };
    const withToken = hub(factory, { pluginTokenSecret });
    const projects = withToken.ofType('AWS::CodeBuild::Project').map(({ is }) => JSON.stringify(is));
    expect(projects.filter((project) => project.includes(JSON.stringify(token)))).toHaveLength(1);
    expect(roleOf(withToken, NAMES.validateProject).may).toContain(
      'ReadPluginToken: Allow secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:999999999999:secret:packleader/github-??????',
    );
    expect(roleOf(hub(factory), NAMES.validateProject).may).not.toContain('secretsmanager');
    // CodeBuild reads it where the project is, which need be no target's region.
    const bakes = target({ factory, accountId: '111111111111', pluginTokenSecret });
    const [project] = bakes.ofType('AWS::CodeBuild::Project');
    expect(JSON.stringify(project?.is)).toContain(JSON.stringify(token));
    const denied = roleOf(bakes, NAMES.bakeRole)
      .may.split('\n')
      .filter((line) => line.includes('Deny'));
    expect(denied).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/StayInRegionsOfTargets: Deny ec2:\* ssm:\* on/),
        expect.stringMatching(
          /StayInRegionsOfKeys: Deny kms:\* secretsmanager:\* on .*"StringNotEqualsIgnoreCase":\{"aws:RequestedRegion":"eu-west-1"/,
        ),
      ]),
    );
  });

  it('lets builds download from its bucket, where they validate and where they bake, and says what', () => {
    const downloads = {
      downloads: 'bucket',
      plugins: [
        {
          source: 'github.com/hashicorp/amazon',
          version: '1.3.2',
          url: 'https://example.com/plugin.zip',
          sha256: 'f'.repeat(64),
        },
      ],
    };
    const told = [
      {
        Name: 'PACKLEADER_PLUGINS',
        Type: 'PLAINTEXT',
        Value: `github.com/hashicorp/amazon https://example.com/plugin.zip ${'f'.repeat(64)}`,
      },
      { Name: 'PACKLEADER_DOWNLOADS', Type: 'PLAINTEXT', Value: 'bucket' },
    ];
    const withTools = hub(factory, downloads);
    const bakes = target({ factory, accountId: '111111111111', ...downloads });
    const projects = [withTools, bakes].flatMap((stack) => stack.ofType('AWS::CodeBuild::Project'));
    expect(
      projects.flatMap(({ is }) => {
        const all = JSON.stringify(is);
        return told.every((one) => all.includes(JSON.stringify(one))) ? [is['Name']] : [];
      }),
    ).toEqual([NAMES.validateProject, NAMES.bakeProject]);
    const tools = 'arn:aws:s3:::packleader-999999999999-eu-west-1/tools/*';
    const rights = (stack: typeof theHub) =>
      JSON.stringify(stack.resources.filter(({ type }) => type.endsWith('Policy')));
    const reading = (may: string) => may.split('\n').filter((line) => line.includes(tools));
    expect(reading(roleOf(withTools, NAMES.validateProject).may)).toEqual([
      expect.stringMatching(/^ReadSourceAndPlans: Allow s3:GetObject on /),
    ]);
    expect(reading(roleOf(bakes, NAMES.bakeRole).may)).toEqual([
      expect.stringMatching(/^ReadSourceAndOwnPlan: Allow s3:GetObject on /),
    ]);
    expect(JSON.stringify(withTools.ofType('AWS::S3::BucketPolicy'))).toContain(tools);
    // From a mirror nobody needs a right to the bucket, and without either nothing of it is anywhere.
    const mirror = { ...downloads, downloads: 'https://mirror.example.com' };
    for (const more of [{}, mirror])
      for (const stack of [hub(factory, more), target({ factory, accountId: '111111111111', ...more })])
        expect(rights(stack)).not.toContain('/tools/');
    for (const { is } of [theHub, theTarget].flatMap((stack) => stack.ofType('AWS::CodeBuild::Project')))
      expect(JSON.stringify(is['Environment'])).not.toMatch(/PLUGINS|DOWNLOADS/);
  });

  it.each([
    ['https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/images', 'eu-west-1'],
    ['https://git-codecommit.us-east-1.amazonaws.com/v1/repos/images', 'us-east-1'],
    ['codecommit://images', 'eu-west-1'],
    ['codecommit::us-east-1://images', 'us-east-1'],
  ])('pulls from the repository %s itself, and from no other', (repository, region) => {
    const stack = hub({ ...factory, repository });
    const { may } = roleOf(stack, NAMES.fetchSourceProject);
    expect(may.split('\n').filter((line) => line.includes('codecommit:'))).toEqual([
      `CloneFromCodeCommit: Allow codecommit:GitPull on arn:aws:codecommit:${region}:999999999999:images`,
    ]);
    const [project] = stack.ofType('AWS::CodeBuild::Project');
    expect(project?.is).toMatchObject({
      Environment: {
        EnvironmentVariables: expect.arrayContaining([
          {
            Name: 'PACKLEADER_REPOSITORY',
            Type: 'PLAINTEXT',
            Value: `https://git-codecommit.${region}.amazonaws.com/v1/repos/images`,
          },
        ]),
      },
    });
  });

  it('fails for a token that a repository in CodeCommit does not take', () => {
    const repository = 'codecommit://images';
    expect(() => hub({ ...factory, repository }, { repositoryTokenSecret: 'git/images' })).toThrow(
      'repositoryTokenSecret in packleader.config names a token, which a repository in CodeCommit does not take',
    );
  });

  it('has room for the largest factory: no policy outgrows its limit with 1,000 accounts', () => {
    const targets = Array.from({ length: 1000 }, (_, index) => ({
      accountId: String(100_000_000_000 + index),
      region: 'eu-west-1',
    }));
    const large = hub({ ...factory, stages: [{ name: 'dev', targets }] });
    const sizes = (type: string) =>
      large.ofType(type).map(({ is }) => JSON.stringify(is['PolicyDocument']).length);
    expect(Math.max(...sizes('AWS::IAM::Policy'))).toBeLessThan(10_240);
    expect(Math.max(...sizes('AWS::IAM::ManagedPolicy'))).toBeLessThan(6_144);
  });
});

describe('in both', () => {
  const statements = both.flatMap((stack) => [
    ...stack.roles().flatMap((role) => role.statements),
    ...stack.bucketPolicy(),
  ]);

  /** Every action that is allowed on all resources, and why it can be no narrower. */
  const EVERYWHERE: Record<string, string> = {
    'autoscaling:DescribeAutoScalingGroups': 'a Describe action takes no resource',
    'autoscaling:DescribeLaunchConfigurations': 'a Describe action takes no resource',
    'ec2:DescribeImageAttribute': 'a Describe action on an AMI takes no resource',
    'ec2:DescribeImageReferences': 'a Describe action takes no resource',
    'ec2:DescribeImages': 'a Describe action takes no resource',
    'ec2:DescribeInstanceStatus': 'a Describe action takes no resource',
    'ec2:DescribeInstanceTypeOfferings': 'a Describe action takes no resource',
    'ec2:DescribeInstances': 'a Describe action takes no resource',
    'ec2:DescribeKeyPairs': 'a Describe action takes no resource',
    'ec2:DescribeLaunchTemplateVersions': 'a Describe action takes no resource',
    'ec2:DescribeLaunchTemplates': 'a Describe action takes no resource',
    'ec2:DescribeNetworkInterfaces': 'a Describe action takes no resource',
    'ec2:DescribeRegions': 'a Describe action takes no resource',
    'ec2:DescribeSecurityGroups': 'a Describe action takes no resource',
    'ec2:DescribeSnapshots': 'a Describe action takes no resource',
    'ec2:DescribeSubnets': 'a Describe action takes no resource',
    'ec2:DescribeTags': 'a Describe action takes no resource',
    'ec2:DescribeVolumes': 'a Describe action takes no resource',
    'ec2:DescribeVpcs': 'a Describe action takes no resource',
    'logs:CreateLogDelivery': 'log deliveries have no ARN; Step Functions makes one for its log',
    'logs:DeleteLogDelivery': 'log deliveries have no ARN',
    'logs:DescribeLogGroups': 'a Describe action takes no resource',
    'logs:DescribeResourcePolicies': 'a Describe action takes no resource',
    'logs:GetLogDelivery': 'log deliveries have no ARN',
    'logs:ListLogDeliveries': 'log deliveries have no ARN',
    'logs:PutResourcePolicy': 'the policy that lets the deliveries write is one per account and region',
    'logs:UpdateLogDelivery': 'log deliveries have no ARN',
    'ssm:DescribeParameters': 'searches all parameters; returns names, never values',
    'ssm:UpdateInstanceInformation': 'the agent of a builder registers itself',
    'ssmmessages:CreateControlChannel': "the agent's own channels have no ARN",
    'ssmmessages:CreateDataChannel': "the agent's own channels have no ARN",
    'ssmmessages:OpenControlChannel': "the agent's own channels have no ARN",
    'ssmmessages:OpenDataChannel': "the agent's own channels have no ARN",
    'xray:GetSamplingRules': 'X-Ray has no resources',
    'xray:GetSamplingTargets': 'X-Ray has no resources',
    'xray:PutTelemetryRecords': 'X-Ray has no resources',
    'xray:PutTraceSegments': 'X-Ray has no resources',
  };

  it('only these actions are allowed on every resource', () => {
    const everywhere = statements.filter(
      ({ Effect, Resource }) => Effect === 'Allow' && Resource.includes('*'),
    );
    expect([...new Set(everywhere.flatMap(({ Action }) => Action))].sort()).toEqual(
      Object.keys(EVERYWHERE).sort(),
    );
  });

  it('no action is a pattern, except in a denial', () => {
    const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
  });

  it('nobody is trusted without a name', () => {
    const trust = both.flatMap((stack) => [
      ...stack.roles().flatMap((role) => role.trust),
      ...stack.bucketPolicy(),
    ]);
    const anybody = trust.filter(
      ({ Effect, Principal }) => Effect === 'Allow' && JSON.stringify(Principal).includes('*'),
    );
    expect(anybody).toEqual([]);
    const accounts = trust.filter(
      ({ Effect, Principal }) => Effect === 'Allow' && JSON.stringify(Principal).includes(':root'),
    );
    expect(
      accounts.filter(({ Condition }) => !JSON.stringify(Condition).includes('aws:PrincipalArn')),
    ).toEqual([]);
  });

  it('nobody may make a role or an instance profile, so a sweep has none to look for', () => {
    const actions = statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action);
    expect(actions.filter((action) => action.startsWith('iam:')).toSorted()).toEqual([
      'iam:GetInstanceProfile',
      'iam:PassRole',
    ]);
  });

  it('logs are kept for half a year', () => {
    const groups = both.flatMap((stack) => stack.ofType('AWS::Logs::LogGroup'));
    expect(groups).toHaveLength(32);
    for (const { is, retained } of groups) expect([is['RetentionInDays'], retained]).toEqual([180, true]);
  });
});
