/** What the programs in buildspecs/ call, by aws.mjs and by the AWS CLI. A rehearsal runs made-up builds in their place. */
import { readFileSync, readdirSync } from 'node:fs';
import { keys } from '../../../core/contract/keys.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import type { Target } from '../../../core/contract/targets.ts';
import type { Request } from './evaluate.ts';
import { type Recorded, STAGES } from './recording.ts';

const DIRECTORY = new URL('../../../buildspecs/', import.meta.url);
const RELEASE = { 'packleader:release': 'base@1.4.20261121093000', 'packleader:state': 'candidate' };

interface Where {
  readonly accountId: string;
  readonly region: string;
  readonly bucket: string;
}
type Commands = Readonly<Record<string, (where: Where) => Request[]>>;

const ask = (action: string, resource = '*', context: Request['context'] = {}): Request[] => [
  { action, resource, context },
];
const onRelease = (action: string, kind: string) => (where: Where) =>
  ask(
    action,
    `arn:aws:ec2:${where.region}:${where.accountId}:${kind}`,
    Object.fromEntries(Object.entries(RELEASE).map(([key, value]) => [`aws:ResourceTag/${key}`, value])),
  );

const BUILDER = 'instance/i-0123456789abcdef0';

/** What is done where builders may be kept, and nowhere else. */
const inFirstStage =
  (asked: (where: Where) => Request[], context: Request['context']) =>
  (where: Where): Request[] =>
    STAGES.dev.some(({ accountId }) => accountId === where.accountId)
      ? asked(where).map((request) => ({ ...request, context: { ...request.context, ...context } }))
      : [];

/** By program and command: what IAM is asked for. */
const PROGRAMS: Readonly<Record<string, Commands>> = {
  'bake.mjs': {
    describe: () => [...ask('ec2:DescribeSubnets'), ...ask('ec2:DescribeInstances')],
    getObject: ({ accountId, region, bucket }) => [
      ...ask('s3:GetObject', `arn:aws:s3:::${bucket}/plans/one/base/${accountId}-${region}.secrets.json`),
      ...ask('s3:GetObject', `arn:aws:s3:::${bucket}/plans/one/base/${accountId}-${region}.builder.json`),
    ],
    getParameter: ({ accountId, region }) => [
      ...ask('ssm:GetParameter', `arn:aws:ssm:${region}:${accountId}:parameter/packleader/secrets/token`),
      ...ask('kms:Decrypt', `arn:aws:kms:${region}:${accountId}:key/1`, {
        'kms:ViaService': `ssm.${region}.amazonaws.com`,
      }),
    ],
    getSecretValue: ({ accountId, region }) => [
      ...ask(
        'secretsmanager:GetSecretValue',
        `arn:aws:secretsmanager:${region}:${accountId}:secret:packleader/token-AbCdEf`,
      ),
      ...ask('kms:Decrypt', `arn:aws:kms:${region}:${accountId}:key/1`, {
        'kms:ViaService': `secretsmanager.${region}.amazonaws.com`,
      }),
    ],
  },
  // What the builds share: the bakes read their orders by it.
  'packer.mjs': {
    getObject: ({ accountId, region, bucket }) => [
      ...ask('s3:GetObject', `arn:aws:s3:::${bucket}/sources/4f2c1d9.zip`),
      ...ask('s3:GetObject', `arn:aws:s3:::${bucket}/plans/one/base/${accountId}-${region}.pkrvars.json`),
    ],
  },
  'validate.mjs': {
    listObjects: ({ bucket }) => [
      ...ask('s3:GetObject', `arn:aws:s3:::${bucket}/sources/4f2c1d9.zip`),
      ...ask('s3:GetObject', `arn:aws:s3:::${bucket}/plans/one/base/111111111111-eu-west-1.pkrvars.json`),
      ...ask('s3:ListBucket', `arn:aws:s3:::${bucket}`, { 's3:prefix': 'plans/one/' }),
    ],
  },
  'scan.mjs': {
    getObject: ({ bucket }) => ask('s3:GetObject', `arn:aws:s3:::${bucket}/sboms/base/1.4/1.cdx.json`),
    listObjects: ({ bucket }) =>
      ask('s3:ListBucket', `arn:aws:s3:::${bucket}`, { 's3:prefix': 'sboms/base/1.4/' }),
    putObject: ({ bucket }) => ask('s3:PutObject', `arn:aws:s3:::${bucket}/scans/base-1/1.cdx.json`),
  },
  'fetch-source.mjs': {
    getObject: ({ bucket }) =>
      ask('s3:GetObject', `arn:aws:s3:::${bucket}/released/base/1.4.20261121093000.json`),
    putObject: ({ bucket }) => ask('s3:PutObject', `arn:aws:s3:::${bucket}/sources/4f2c1d9.zip`),
    listObjects: ({ bucket }) => ask('s3:ListBucket', `arn:aws:s3:::${bucket}`, { 's3:prefix': 'released/' }),
  },
  'builders.mjs': {
    describe: () => [
      ...ask('ec2:DescribeInstances'),
      ...ask('ec2:DescribeKeyPairs'),
      ...ask('ec2:DescribeSecurityGroups'),
      ...ask('ec2:DescribeLaunchTemplates'),
    ],
    // By which the other calls are made.
    ec2: () => [],
    TerminateInstances: onRelease('ec2:TerminateInstances', 'instance/i-0123456789abcdef0'),
    DeleteKeyPair: onRelease('ec2:DeleteKeyPair', 'key-pair/packer_1'),
    DeleteLaunchTemplate: onRelease('ec2:DeleteLaunchTemplate', 'launch-template/lt-0123456789abcdef0'),
    DeleteSecurityGroup: onRelease('ec2:DeleteSecurityGroup', 'security-group/sg-0123456789abcdef0'),
    ModifyInstanceAttribute: inFirstStage(onRelease('ec2:ModifyInstanceAttribute', BUILDER), {
      'ec2:Attribute/InstanceInitiatedShutdownBehavior': 'terminate',
    }),
    CreateTags: inFirstStage(onRelease('ec2:CreateTags', BUILDER), {
      'aws:TagKeys': [TAGS.keptUntil],
      [`aws:RequestTag/${TAGS.keptUntil}`]: '2026-11-21T13:30:00.000Z',
    }),
  },
};

/** What CodeBuild does itself, to upload what a bake leaves. */
const UPLOAD: Commands = {
  artifacts: ({ accountId, bucket }) => [
    ...ask('s3:PutObject', `arn:aws:s3:::${bucket}/${keys.bakes(accountId)}/packleader-bake:1/packer.log`),
    ...ask('s3:GetBucketAcl', `arn:aws:s3:::${bucket}`),
    ...ask('s3:GetBucketLocation', `arn:aws:s3:::${bucket}`),
  ],
};

const COMMAND =
  /'((?:batch|copy|create|delete|describe|get|head|list|modify|put|send|start|stop|terminate)-[a-z0-9-]+)'/g;
/** Of EC2's query API, which aws.mjs is asked for by name. */
const ACTION = /\b(?:ec2|remove)\((?:region, )?'([A-Z]\w+)'/g;
const IMPORTED = /^import \{ ([^}]+) \} from '\.\/aws\.mjs';$/m;

/** `program: call`, as the programs themselves have it: what they import of aws.mjs, the actions of EC2, and the AWS CLI's commands. */
export function callsInBuilds(): string[] {
  const programs = readdirSync(DIRECTORY).filter((name) => name.endsWith('.mjs') && name !== 'aws.mjs');
  const found = programs.flatMap((program) => {
    const text = readFileSync(new URL(program, DIRECTORY), 'utf8');
    const [, imported = ''] = IMPORTED.exec(text) ?? [];
    const calls = [
      ...imported.split(', ').filter((name) => name !== ''),
      ...[COMMAND, ACTION].flatMap((pattern) =>
        [...text.matchAll(pattern)].map(([, command = '']) => command),
      ),
    ];
    return calls.map((call) => `${program}: ${call}`);
  });
  return [...new Set(found)].toSorted();
}

/** The same, as it is known here. */
export const namedCalls = (): string[] =>
  Object.entries(PROGRAMS)
    .flatMap(([program, commands]) => Object.keys(commands).map((command) => `${program}: ${command}`))
    .toSorted();

export function callsOfBuilds(hub: Target): Recorded[] {
  const bucket = `packleader-${hub.accountId}-${hub.region}`;
  const bakes = Object.values(STAGES)
    .flat()
    .map(({ accountId, region }) => ({ accountId, region, by: NAMES.bakeRole }));
  const inHub: Readonly<Record<string, string>> = {
    'fetch-source.mjs': NAMES.fetchSourceProject,
    'validate.mjs': NAMES.validateProject,
    'scan.mjs': NAMES.scanProject,
  };
  const runnersOf = (program: string) => {
    const by = inHub[program];
    return by === undefined ? bakes : [{ ...hub, by }];
  };
  return Object.entries({ ...PROGRAMS, 'bake.yml': UPLOAD }).flatMap(([program, commands]) =>
    runnersOf(program).flatMap(({ accountId, region, by }) =>
      Object.entries(commands).flatMap(([command, requests]) =>
        requests({ accountId, region, bucket }).map((request) => ({
          accountId,
          by,
          state: `${program}: ${command}`,
          request: {
            ...request,
            context: { 'aws:RequestedRegion': region, 'aws:SecureTransport': 'true', ...request.context },
          },
        })),
      ),
    ),
  );
}
