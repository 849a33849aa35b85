import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configExplain, configShow } from '../../../cli/commands/config/run.ts';
import { readFactoryDirectory } from '../../../core/configuration/factory-directory.ts';
import { factoryWith, refusal } from '../../core/configuration/example.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';

const files = factoryWith({
  'images/base/config/dev.yaml':
    'instanceType: m7i.xlarge\nvariables: { password: { secretsManager: web/db } }\n',
});
const request = { files, image: 'base', stage: 'dev' };

describe('config show', () => {
  it('prints the effective settings of the first target of the stage as YAML', () => {
    expect(configShow(request))
      .toBe(`# base in dev, 111111111111/eu-west-1 (1 other target: choose with --region and --account)
source:
  ssmParameter: /aws/service/ami
architecture: x86_64
instanceType: m7i.xlarge
network:
  vpcId: vpc-0123456789abcdef0
  subnetId: subnet-0123456789abcdef0
  securityGroupIds:
    - sg-0123456789abcdef0
kmsKeyId: alias/images
instanceProfile: builder
rootVolumeSizeGiB: 8
timeoutMinutes: 120
tags: {}
variables:
  password:
    secretsManager: web/db
sshInterface: session_manager
`);
  });

  it('prints one JSON document', () => {
    const document: unknown = JSON.parse(configShow({ ...request, region: 'us-east-1', json: true }));
    expect(document).toMatchObject({
      image: 'base',
      stage: 'dev',
      target: { accountId: '111111111111', region: 'us-east-1' },
      otherTargets: 1,
      settings: { instanceType: 'm7i.xlarge' },
    });
  });

  it.each([
    ['image', { image: 'bas' }, 'images: found no image "bas", the nearest is "base"'],
    ['stage', { stage: 'def' }, 'factory.yaml stages: found no stage "def", the nearest is "dev"'],
    [
      'region',
      { region: 'us-east-2' },
      'factory.yaml stages: found no region "us-east-2" in the stage dev, the nearest is "us-east-1"',
    ],
    [
      'account',
      { account: '111111111112' },
      'factory.yaml stages: found no account "111111111112" in the stage dev, the nearest is "111111111111"',
    ],
  ])('fails on an unknown %s', (_what, change, message) => {
    expect(refusal(() => configShow({ ...request, ...change })).message).toBe(message);
  });
});

describe('config explain', () => {
  it('prints every value with its place and, below it, what it overrode', () => {
    const text = configExplain({ ...request, stage: 'dev', overrides: { instanceType: 'c7i.large' } });
    expect(text)
      .toBe(`base in dev, 111111111111/eu-west-1 (1 other target: choose with --region and --account)
source.ssmParameter = "/aws/service/ami"              images/base/config/default.yaml:2
architecture = "x86_64"                               default
instanceType = "c7i.large"                            overrides
  overrode "m7i.xlarge"                               images/base/config/dev.yaml:1
  overrode "m7i.large"                                config/default.yaml:1
network.vpcId = "vpc-0123456789abcdef0"               config/default.yaml:3
network.subnetId = "subnet-0123456789abcdef0"         config/default.yaml:4
network.securityGroupIds = ["sg-0123456789abcdef0"]   config/default.yaml:5
kmsKeyId = "alias/images"                             config/default.yaml:6
instanceProfile = "builder"                           config/default.yaml:7
rootVolumeSizeGiB = 8                                 config/default.yaml:8
timeoutMinutes = 120                                  default
tags = {}                                             default
variables.password.secretsManager = "web/db"          images/base/config/dev.yaml:2
sshInterface = "session_manager"                      default
`);
  });

  it('says that there is no other target', () => {
    expect(configExplain({ ...request, stage: 'prod' })).toMatch(
      /^base in prod, 222222222222\/eu-west-1 \(the only target\)\n/,
    );
  });
});

describe('a factory directory', () => {
  it('gives its YAML files, whether it is the factory or holds it in packer/', () => {
    const root = temporaryDirectory();
    writeFiles(root, {
      'packer/factory.yaml': 'a: 1\n',
      'packer/images/base/image.yaml': 'b: 1\n',
      'packer/images/base/source.pkr.hcl': 'source {}\n',
    });
    const expected = new Map([
      ['factory.yaml', 'a: 1\n'],
      ['images/base/image.yaml', 'b: 1\n'],
    ]);
    expect(readFactoryDirectory(root)).toEqual(expected);
    expect(readFactoryDirectory(join(root, 'packer'))).toEqual(expected);
  });

  it('fails without factory.yaml', () => {
    const root = temporaryDirectory();
    expect(refusal(() => readFactoryDirectory(root)).message).toBe(
      `factory.yaml: found neither factory.yaml nor packer/factory.yaml in ${root}, must be a factory directory`,
    );
  });
});
