import { describe, expect, it } from 'vitest';
import { baseSettings, edited, problemsWith } from './example.ts';

/** Problems of the image base when its layer of the stage dev is this text. */
const withLayer = (text: string) =>
  problemsWith({ 'images/base/config/dev.yaml': text }, { images: ['base'] });

describe('consumers', () => {
  const accounts = (count: number) =>
    Array.from({ length: count }, (_, index) => `'${300_000_000_000 + index}'`).join();

  it('are at most 1,000 in all', () => {
    const organisations = "organizations: ['arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5']";
    expect(withLayer(`consumers: { accounts: [${accounts(999)}], ${organisations} }\n`)).toEqual([]);
    expect(withLayer(`consumers: { accounts: [${accounts(1_000)}], ${organisations} }\n`)).toEqual([
      expect.stringMatching(
        /consumers: found a map, must name at most 1,000 in all: EC2 takes no more for one AMI, and an organisation counts as one$/,
      ),
    ]);
  });
});

describe('a setting', () => {
  it.each([
    ['network: { vpcId: vpc_123 }', 'network.vpcId: found "vpc_123", must look like vpc-0123456789abcdef0'],
    ['network: { subnetId: 1 }', 'network.subnetId: found 1, must look like subnet-0123456789abcdef0'],
    [
      'network: { securityGroupIds: sg-01234567 }',
      'network.securityGroupIds: found "sg-01234567", must be a list of security group ids',
    ],
    [
      'network: { securityGroupIds: [sg-01234567, x] }',
      'network.securityGroupIds[1]: found "x", must look like sg-0123456789abcdef0',
    ],
    ['network: vpc-01234567', 'network: found "vpc-01234567", must be a map'],
    ['network: { vpcID: x }', 'network.vpcID: found an unknown key, the nearest is "vpcId"'],
    ['instancetype: m7i.large', 'instancetype: found an unknown key, the nearest is "instanceType"'],
    ['region: { }', 'region: found an unknown key, the nearest is "regions"'],
    [
      'blubb: 1',
      'blubb: found an unknown key, known are "source", "architecture", "instanceType", "instanceTypes", "spot", "onFailure", "keepHours", "network", "kmsKeyId", "consumers", "instanceProfile", "rootVolumeSizeGiB", "timeoutMinutes", "strategy", "from", "allowWindowsCopy", "deprecateAfterDays", "test", "vulnerabilities", "sshInterface", ...',
    ],
    ['constructor: 1', 'constructor: found an unknown key, known are'],
    ['architecture: amd64', 'architecture: found "amd64", must be x86_64 or arm64'],
    ['instanceType: large', 'instanceType: found "large", must look like m7i.large'],
    ['instanceTypes: m7i.large', 'instanceTypes: found "m7i.large", must be a list of instance types'],
    ['instanceTypes: [large]', 'instanceTypes[0]: found "large", must look like m7i.large'],
    [
      `instanceTypes: [${'m7i.large, '.repeat(11)}]`,
      'instanceTypes: found a list, must be at most 10 instance types',
    ],
    [
      'network: { subnetIds: [x] }',
      'network.subnetIds[0]: found "x", must look like subnet-0123456789abcdef0',
    ],
    ['onFailure: leave', 'onFailure: found "leave", must be remove or keep'],
    ['keepHours: 0', 'keepHours: found 0, must be a whole number from 1 to 72'],
    ['keepHours: 73', 'keepHours: found 73, must be a whole number from 1 to 72'],
    ['network: { subnetIds: x }', 'network.subnetIds: found "x", must be a list of subnet ids'],
    ['network: { subnetTags: {} }', 'network.subnetTags: found a map, must name at least one tag'],
    [
      'network: { subnetTags: { Tier: 1 } }',
      'network.subnetTags.Tier: found 1, must be a string: write it in quotes',
    ],
    [
      'consumers: {}',
      'consumers: found a map, must be a map of accounts, organizations and organizationalUnits, with at least one of them in all',
    ],
    [
      'consumers: { accounts: [333333333333] }',
      'consumers.accounts[0]: found 333333333333, must be an account id of 12 digits, in quotes',
    ],
    [
      'consumers: { organizations: [o-a1b2c3d4e5] }',
      'consumers.organizations[0]: found "o-a1b2c3d4e5", must be the ARN of an organisation, with the id of its management account, like arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5',
    ],
    [
      "consumers: { organizationalUnits: ['arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5'] }",
      'consumers.organizationalUnits[0]: found "arn:aws:organizations::999999999999:organization/o-a1b2c3d4...", must be the ARN of an organisational unit, with the id of the management account, like arn:aws:organizations::999999999999:ou/o-a1b2c3d4e5/ou-a1b2-f6g7h8i9',
    ],
    ['kmsKeyId: my-key', 'kmsKeyId: found "my-key", must be a KMS key id, alias/<name> or an ARN of either'],
    [
      'instanceProfile: arn:aws:iam::1:instance-profile/x',
      'instanceProfile: found "arn:aws:iam::1:instance-profile/x", must be the name of an instance profile, not its ARN',
    ],
    ['rootVolumeSizeGiB: 0', 'rootVolumeSizeGiB: found 0, must be a whole number from 1 to 16384'],
    ['rootVolumeSizeGiB: 8.5', 'rootVolumeSizeGiB: found 8.5, must be a whole number from 1 to 16384'],
    ["timeoutMinutes: '60'", 'timeoutMinutes: found "60", must be a whole number from 5 to 480'],
    ['sshInterface: vpn', 'sshInterface: found "vpn", must be session_manager, private_ip or public_ip'],
    ['tags: { cost: 42 }', 'tags.cost: found 42, must be a string: write it in quotes'],
    [
      'tags: { Name: x }',
      'tags.Name: found the key "Name", must be 1 to 128 characters, must not start with aws: or packleader:, and must not be Name, Version or AutoCleanup',
    ],
    ["tags: { 'AWS:x': x }", 'tags.AWS:x: found the key "AWS:x", must be 1 to 128 characters'],
    [
      `tags: { a: ${'x'.repeat(257)} }`,
      `tags.a: found "${'x'.repeat(59)}...", must be at most 256 characters`,
    ],
    [
      `tags: { ${Array.from({ length: 36 }, (_, at) => `t${at}: x`).join(', ')} }`,
      'tags: found a map, must be at most 35 tags',
    ],
    [
      "tags: { note: 'a {{ b }}' }",
      'tags: found a map, must not have {{ in any of them: Packer takes that for a template of its own',
    ],
    [
      'variables: { Version: 1 }',
      'variables.Version: found the key "Version", must be lower-case letters, digits and underscores, starting with a letter',
    ],
    [
      'variables: { region: x }',
      'variables.region: found the key "region", must not be a variable that packleader sets itself',
    ],
    [
      'variables: { a: [null] }',
      'variables.a: found a list, must be a string, number, boolean, list or map without null',
    ],
    [
      'variables: { a: { secretsManager: x, ssmParameter: y } }',
      'variables.a: found a map, must be a secret reference with exactly one of secretsManager and ssmParameter: set the other to null',
    ],
    [
      'variables: { a: { b: { secretsManager: x } } }',
      'variables.a: found a map, must not hold a secret reference deeper inside: give the secret a variable of its own',
    ],
    [
      'source: { image: web }',
      'source: found ssmParameter and image, must be exactly one of ssmParameter, filter, image, ids: set the others to null',
    ],
    [
      'source: { ssmParameter: null }',
      'source: found none, must be exactly one of ssmParameter, filter, image, ids',
    ],
    ['source: { owners: [self] }', 'source: found owners without a filter, must be both'],
    ['source: { version: 1.4.20261121093000 }', 'source: found version without an image, must be both'],
    [
      'source: { ssmParameter: null, filter: { name: x } }',
      "source: found a filter without owners, must name owners: a filter without owners is how people boot a stranger's image",
    ],
    [
      'source: { ssmParameter: null, filter: { name: x }, owners: [me] }',
      'source.owners[0]: found "me", must be 12 digits in quotes, amazon, self or aws-marketplace',
    ],
    [
      'source: { ssmParameter: null, filter: { is-public: true }, owners: [self] }',
      'source.filter.is-public: found true, must be a string or a list of strings, numbers and booleans in quotes',
    ],
    [
      'source: { ssmParameter: null, ids: { eu-west-1: ami_1 } }',
      'source.ids.eu-west-1: found "ami_1", must look like ami-0123456789abcdef0',
    ],
    ['source: { maxAgeDays: 0 }', 'source.maxAgeDays: found 0, must be a whole number from 1 to 3650'],
    [
      'source: { ssmParameter: null, image: bas }',
      'source.image: found "bas", must be an image of this factory, known are "desktop", "web"',
    ],
    [
      'source: { ssmParameter: null, image: base }',
      'source.image: found the image itself, must be another image, known are "desktop", "web"',
    ],
    [
      'source: { ssmParameter: null, image: desktop }',
      'source.image: found "desktop", a windows image, must be a linux image',
    ],
    [
      'source: { ssmParameter: null, ids: { eu-west-1: ami-01234567 } }',
      'source.ids: found no AMI id for us-east-1, must have one: dev has a target there',
    ],
    ['regions: [eu-west-1]', 'regions: found a list, must be a map of regions to settings'],
    ['regions: { eu-west-1: m7i.large }', 'regions.eu-west-1: found "m7i.large", must be a map of settings'],
    [
      'regions: { eu-west-2: {} }',
      'regions.eu-west-2: found "eu-west-2", must be a region of a target, the nearest is "eu-west-1"',
    ],
    [
      "accounts: { '111111111112': {} }",
      'accounts.111111111112: found "111111111112", must be the account of a target, the nearest is "111111111111"',
    ],
    [
      "accounts: { '222222222222': { regions: { us-east-1: {} } } }",
      'accounts.222222222222.regions.us-east-1: found "us-east-1", must be a region of a target in account 222222222222, ',
    ],
    [
      "regions: { eu-west-1: { accounts: { '111111111111': {} } } }",
      'regions.eu-west-1.accounts: found accounts inside regions, must be accounts.<account>.regions.<region>',
    ],
    [
      'regions: { us-east-1: { instanceType: large } }',
      'regions.us-east-1.instanceType: found "large", must look like m7i.large',
    ],
  ])('fails for %s', (text, expected) => {
    const problems = withLayer(`# a comment\n${text}\n`);
    expect(problems).toHaveLength(1);
    expect(
      problems[0]?.startsWith(`images/base/config/dev.yaml:2 ${expected}`) ? expected : problems[0],
    ).toBe(expected);
  });

  it('fails at the layer that really supplied the value', () => {
    expect(
      problemsWith(
        {
          ...edited('config/default.yaml', 'alias/images', 'key'),
          'config/dev.yaml': 'kmsKeyId: alias/dev\n',
        },
        { images: ['base'] },
      ),
    ).toEqual([
      'config/default.yaml:6 kmsKeyId: found "key", must be a KMS key id, alias/<name> or an ARN of either',
    ]);
  });

  it('fails once when it is required and nowhere, with the line to write into the layer that reaches all who lack it', () => {
    const without = edited('config/default.yaml', 'instanceType: m7i.large\n', '');
    const line = '    instanceType: m7i.large';
    const rest = 'must look like m7i.large; for example:';
    expect(problemsWith(without, { images: ['base'] })).toEqual([
      `images/base/config/default.yaml instanceType: found nothing for base, ${rest}\n${line}`,
    ]);
    expect(problemsWith(without)).toEqual([
      `config/default.yaml instanceType: found nothing for any image, ${rest}\n${line}`,
    ]);
    const onlyProd = { ...without, 'config/dev.yaml': 'instanceType: m7i.large\n' };
    expect(problemsWith(onlyProd)).toEqual([
      `config/prod.yaml instanceType: found nothing for any image in prod, ${rest}\n${line}`,
    ]);
    const some = {
      ...without,
      'images/web/config/default.yaml': 'source: { image: base }\ninstanceType: m7i.large\n',
    };
    expect(problemsWith(some)).toEqual([
      `config/default.yaml instanceType: found nothing for base, desktop, ${rest}\n${line}`,
    ]);
    const mixed = {
      ...onlyProd,
      'config/dev.yaml': null,
      'images/web/config/dev.yaml': 'instanceType: m7i.large\n',
    };
    expect(problemsWith(mixed, { images: ['base', 'web'] })).toEqual([
      `config/default.yaml instanceType: found nothing for base in dev, base in prod, web in prod, ${rest}\n${line}`,
    ]);
  });

  it('fails as one block with all that the same images lack', () => {
    expect(problemsWith({ 'config/default.yaml': '{}\n' })).toEqual([
      `config/default.yaml: found no instanceType, rootVolumeSizeGiB for any image, must have all of them; for example:
    instanceType: m7i.large
    rootVolumeSizeGiB: 20`,
    ]);
  });

  it('may be left out when there is a place, a key and a profile that every account has', () => {
    const { settings } = baseSettings({
      'config/default.yaml': 'instanceType: m7i.large\nrootVolumeSizeGiB: 8\n',
    });
    expect(settings).toMatchObject({ kmsKeyId: 'alias/aws/ebs', instanceProfile: 'packleader-builder' });
    expect(settings.network).toBe(undefined);
  });

  it('fails when it is one VPC for two regions, once', () => {
    expect(
      problemsWith(edited('config/default.yaml', 'vpc-0123456789abcdef1', 'vpc-0123456789abcdef0'), {
        images: ['base'],
      }),
    ).toEqual(
      ['3 network.vpcId', '12 regions.us-east-1.network.vpcId'].map(
        (place) =>
          `config/default.yaml:${place}: found vpc-0123456789abcdef0 for eu-west-1 and us-east-1, must be in one region: write what is in each below regions.<region>`,
      ),
    );
  });

  it('fails when it is one subnet for two regions', () => {
    const [problem = '', ...more] = problemsWith(
      edited('config/default.yaml', 'subnet-0123456789abcdef1', 'subnet-0123456789abcdef0'),
      { images: ['base'] },
    );
    expect(problem).toContain('subnetId: found subnet-0123456789abcdef0 for eu-west-1 and us-east-1');
    expect(more).toHaveLength(1);
  });

  it.each([
    ['another region', 'arn:aws:kms:eu-central-1:111111111111:alias/images'],
    ['another account', 'arn:aws:kms:eu-west-1:333333333333:key/0d0e0f00-0000-4000-8000-000000000001'],
  ])('fails when it is a key of %s', (_, key) => {
    const [problem = '', ...more] = withLayer(`regions: { eu-west-1: { kmsKeyId: '${key}' } }\n`);
    const [, , , region, account] = key.split(':');
    expect(problem).toContain(
      `kmsKeyId: found a key of ${account} in ${region}, must be one of 111111111111/eu-west-1, where dev bakes`,
    );
    expect(more).toEqual([]);
  });

  it('may be the ARN of a key where it is used', () => {
    expect(
      withLayer("regions: { eu-west-1: { kmsKeyId: 'arn:aws:kms:eu-west-1:111111111111:alias/images' } }\n"),
    ).toEqual([]);
  });

  it.each([
    ['vpcId', '  vpcId: vpc-0123456789abcdef0\n', 'a subnet and security groups are of one'],
    ['subnetId', '  subnetId: subnet-0123456789abcdef0\n', 'EC2 chooses one in the default VPC alone'],
  ])('fails as a network without %s, once for all who take it', (lacking, piece, why) => {
    expect(problemsWith(edited('config/default.yaml', piece, ''))).toEqual([
      `config/default.yaml:2 network: found no ${lacking}, must have one: ${why}`,
    ]);
  });

  it('may be the default VPC, said by the empty list of security groups alone', () => {
    const { settings } = baseSettings({
      'config/default.yaml':
        'instanceType: m7i.large\nrootVolumeSizeGiB: 8\nnetwork: { securityGroupIds: [] }\n',
    });
    expect(settings.network).toBe(undefined);
  });

  it('fails where null removed it', () => {
    expect(withLayer('\ninstanceType: null\n')).toEqual([
      'images/base/config/dev.yaml:2 instanceType: found nothing for base in dev, must look like m7i.large',
    ]);
  });

  it('fails in overrides without a line', () => {
    expect(problemsWith({}, { images: ['base'], overrides: { network: { vpcId: 'x' } } })).toEqual([
      'overrides network.vpcId: found "x", must look like vpc-0123456789abcdef0',
    ]);
  });

  it('fails harmlessly for __proto__ in overrides', () => {
    const overrides: Record<string, unknown> = JSON.parse('{"tags":{"__proto__":{"polluted":true}}}');
    expect(problemsWith({}, { images: ['base'], overrides })).toEqual([
      'overrides tags.__proto__: found the key __proto__, must be another name',
    ]);
    expect(Reflect.get({}, 'polluted')).toBe(undefined);
  });

  it('fails as sshInterface of a Windows image', () => {
    expect(problemsWith({ 'images/desktop/config/dev.yaml': 'sshInterface: private_ip\n' })).toEqual([
      'images/desktop/config/dev.yaml:1 sshInterface: found "private_ip" for a Windows image, must be absent: only Linux has it',
    ]);
  });
});
