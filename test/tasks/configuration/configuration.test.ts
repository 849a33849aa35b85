import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  baseImages,
  checkFactory,
  imagesInTiers,
  loadConfiguration,
} from '../../../tasks/configuration/configuration.ts';
import { readFactoryDirectory } from '../../../cli/factory-directory.ts';
import { baseSettings, edited, factoryWith, problemsWith, refusal } from './example.ts';

const US = { accountId: '111111111111', region: 'us-east-1' };
const PROD = { accountId: '222222222222', region: 'eu-west-1' };

describe('effective settings', () => {
  it('have defaults for what no layer states', () => {
    expect(baseSettings().settings).toEqual({
      source: { ssmParameter: '/aws/service/ami' },
      architecture: 'x86_64',
      instanceType: 'm7i.large',
      network: {
        vpcId: 'vpc-0123456789abcdef0',
        subnetId: 'subnet-0123456789abcdef0',
        securityGroupIds: ['sg-0123456789abcdef0'],
      },
      kmsKeyId: 'alias/images',
      instanceProfile: 'builder',
      rootVolumeSizeGiB: 8,
      timeoutMinutes: 120,
      sshInterface: 'session_manager',
      tags: {},
      variables: {},
    });
  });

  it('take the five layers in order', () => {
    const layers: Record<string, string> = {};
    const winner = (overrides = {}) => baseSettings(layers, { overrides }).settings.tags['layer'];
    expect(winner()).toBe(undefined);
    layers['config/dev.yaml'] = 'tags: { layer: stage }\n';
    expect(winner()).toBe('stage');
    layers['images/base/config/default.yaml'] = 'source: { ssmParameter: /a }\ntags: { layer: image }\n';
    expect(winner()).toBe('image');
    layers['images/base/config/dev.yaml'] = 'tags: { layer: image and stage }\n';
    expect(winner()).toBe('image and stage');
    expect(winner({ tags: { layer: 'overrides' } })).toBe('overrides');
  });

  it('narrow a layer by region, then by account, then by the region in the account, before the next layer', () => {
    const layer = `tags: { a: own, b: own, c: own, d: own, e: own }
regions:
  us-east-1: { tags: { b: region, c: region, d: region, e: region } }
accounts:
  '111111111111':
    tags: { c: account, d: account, e: account }
    regions:
      us-east-1: { tags: { d: region in account, e: region in account } }
`;
    const files = { 'config/dev.yaml': layer, 'images/base/config/dev.yaml': 'tags: { e: next layer }\n' };
    expect(baseSettings(files, { target: US }).settings.tags).toEqual({
      a: 'own',
      b: 'region',
      c: 'account',
      d: 'region in account',
      e: 'next layer',
    });
    expect(baseSettings(files).settings.tags).toMatchObject({ b: 'own', c: 'account', d: 'account' });
  });

  it('may be narrowed by overrides too', () => {
    const overrides = { regions: { 'us-east-1': { instanceType: 'c7i.large' } } };
    expect(baseSettings({}, { target: US, overrides }).settings.instanceType).toBe('c7i.large');
    expect(baseSettings({}, { overrides }).settings.instanceType).toBe('m7i.large');
  });

  it('know the file, line and path of every value, and what it overrode', () => {
    const files = {
      'config/dev.yaml': 'instanceType: m7i.xlarge\n',
      'images/base/config/dev.yaml': `accounts:\n  '111111111111':\n    instanceType: m7i.2xlarge\n`,
    };
    const { origins } = baseSettings(files, { overrides: { timeoutMinutes: 30 } });
    expect(origins.find(({ setting }) => setting === 'instanceType')).toEqual({
      setting: 'instanceType',
      from: {
        value: 'm7i.2xlarge',
        file: 'images/base/config/dev.yaml',
        line: 3,
        path: 'accounts.111111111111.instanceType',
      },
      overrode: [
        { value: 'm7i.xlarge', file: 'config/dev.yaml', line: 1, path: 'instanceType' },
        { value: 'm7i.large', file: 'config/default.yaml', line: 1, path: 'instanceType' },
      ],
    });
    expect(origins.find(({ setting }) => setting === 'network.vpcId')?.from).toMatchObject({ line: 3 });
    expect(origins.find(({ setting }) => setting === 'timeoutMinutes')?.from).toMatchObject({
      file: 'overrides',
      line: 0,
    });
    expect(origins.find(({ setting }) => setting === 'architecture')?.from).toMatchObject({
      file: 'default',
      line: 0,
    });
  });

  it('go back to the default when a layer says null', () => {
    const files = { 'config/dev.yaml': 'timeoutMinutes: 60\n' };
    const { settings, origins } = baseSettings(files, { overrides: { timeoutMinutes: null } });
    expect(settings.timeoutMinutes).toBe(120);
    const origin = origins.find(({ setting }) => setting === 'timeoutMinutes');
    expect(origin?.from.file).toBe('default');
    expect(origin?.overrode.map(({ value }) => value)).toEqual([null, 60]);
  });

  it('ignore a common sshInterface for a Windows image', () => {
    const { settings } = baseSettings(
      { 'config/dev.yaml': 'sshInterface: private_ip\n' },
      { image: 'desktop' },
    );
    expect(settings).not.toHaveProperty('sshInterface');
  });

  it.each([
    { ssmParameter: '/own/ami', maxAgeDays: 30 },
    { filter: { name: 'al2023-*', architecture: ['arm64'] }, owners: ['amazon', '123456789012'] },
    { image: 'web', version: '1.4.20261121093000' },
    { ids: { 'eu-west-1': 'ami-0123456789abcdef0', 'us-east-1': 'ami-01234567' } },
  ])('may start from the source %j', (source) => {
    const files = { 'images/base/config/default.yaml': JSON.stringify({ source }), ...webOnItsOwn };
    expect(baseSettings(files).settings.source).toEqual(source);
  });

  it.each([
    ['image', { image: 'bsae' }, 'images: found no image "bsae", the nearest is "base"'],
    ['stage', { stage: 'Prd' }, 'factory.yaml stages: found no stage "Prd", the nearest is "prod"'],
    [
      'target',
      { target: PROD },
      'factory.yaml stages: found no target "222222222222/eu-west-1" in the stage dev, known are "111111111111/eu-west-1", "111111111111/us-east-1"',
    ],
  ])('fail on an unknown %s, naming the nearest', (_what, request, message) => {
    expect(refusal(() => baseSettings({}, request)).message).toBe(message);
  });

  it('fail with the problems of their own layers only', () => {
    const files = {
      'images/web/config/dev.yaml': 'instanceTypo: x\n',
      'config/dev.yaml': 'timeoutMinutes: 1\n',
    };
    expect(refusal(() => baseSettings(files)).message).toBe(
      'config/dev.yaml:1 timeoutMinutes: found 1, must be a whole number from 5 to 480',
    );
  });
});

const webOnItsOwn = { 'images/web/config/default.yaml': 'source: { ssmParameter: /a }\n' };

/** Problems of the image base when its layer of the stage dev is this text. */
const withLayer = (text: string) =>
  problemsWith({ 'images/base/config/dev.yaml': text }, { images: ['base'] });

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
      'blubb: found an unknown key, known are "source", "architecture", "instanceType", "network", "kmsKeyId", "instanceProfile", "rootVolumeSizeGiB", "timeoutMinutes", "sshInterface", "tags", "variables", "regions", "accounts"',
    ],
    ['constructor: 1', 'constructor: found an unknown key, known are'],
    ['architecture: amd64', 'architecture: found "amd64", must be x86_64 or arm64'],
    ['instanceType: large', 'instanceType: found "large", must look like m7i.large'],
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

  it('fails when it is required and nowhere, naming the layers that may set it', () => {
    expect(
      problemsWith(edited('config/default.yaml', 'instanceType: m7i.large\n', ''), { images: ['base'] }),
    ).toEqual(
      ['dev', 'prod'].map(
        (stage) =>
          `images/base/config/default.yaml instanceType: found nothing for base in ${stage}, must look like m7i.large: set it in one of config/default.yaml, config/${stage}.yaml, images/base/config/default.yaml, images/base/config/${stage}.yaml, overrides`,
      ),
    );
  });

  it('fails where null removed it', () => {
    expect(withLayer('\nkmsKeyId: null\n')).toEqual([
      'images/base/config/dev.yaml:2 kmsKeyId: found nothing for base in dev, must be a KMS key id, alias/<name> or an ARN of either: set it in one of config/default.yaml, config/dev.yaml, images/base/config/default.yaml, images/base/config/dev.yaml, overrides',
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

describe('the check of a factory', () => {
  it('finds nothing wrong with the example', () => {
    expect(problemsWith({})).toEqual([]);
  });

  it('finds nothing wrong with the images of this repository', () => {
    expect(checkFactory(readFactoryDirectory('.'))).toEqual([]);
  });

  it('says once what is wrong in many targets', () => {
    expect(problemsWith({ 'config/default.yaml': '- a\n' })).toEqual([
      'config/default.yaml:1: found a list, must be a map of keys to values',
    ]);
    expect(problemsWith(edited('config/default.yaml', 'alias/images', 'key'))).toHaveLength(1);
  });

  it('looks at the values of every single target', () => {
    const layer = `accounts: { '111111111111': { regions: { us-east-1: { timeoutMinutes: 1 } } } }\n`;
    expect(
      problemsWith({ 'config/default.yaml': `${factoryWith().get('config/default.yaml')}${layer}` }),
    ).toEqual([
      'config/default.yaml:9 accounts.111111111111.regions.us-east-1.timeoutMinutes: found 1, must be a whole number from 5 to 480',
    ]);
  });

  it('fails for a problem of a chosen image only', () => {
    const files = { 'images/web/config/dev.yaml': 'timeoutMinutes: 1\n' };
    expect(problemsWith(files, { images: ['base'] })).toEqual([]);
    expect(problemsWith(files, { images: ['web'] })).toHaveLength(1);
  });

  it('fails for a chosen image that there is not', () => {
    expect(problemsWith({}, { images: ['wbe'] })).toEqual([
      'images: found no image "wbe", the nearest is "web"',
    ]);
  });

  it('fails for images that are built on each other, also in one stage only', () => {
    const source = 'source: { ssmParameter: null, image: web }\n';
    expect(problemsWith({ 'images/base/config/prod.yaml': source }, { images: ['web'] })).toEqual([
      'images/base/config/prod.yaml:1 source.image: found images built on each other, must not be a circle: web -> base -> web',
    ]);
  });

  it('does not call missing what an unreadable layer may have set', () => {
    expect(problemsWith({ 'config/default.yaml': 'a: [' })).toHaveLength(1);
  });

  it('checks what layers it can without factory.yaml', () => {
    const problems = problemsWith({ 'factory.yaml': null, 'config/dev.yaml': '' });
    expect(problems).toEqual([
      'config/dev.yaml:1: is empty: delete it or write at least one setting',
      'factory.yaml: found no factory.yaml, must name the repository, the hub and the stages',
    ]);
  });
});

describe('whatever the files say', () => {
  const fragment = fc.constantFrom(
    ...'a: |- |{|}|[|]|\n|  |\t|&a |*a|<<: |"|? |!x |---|#|~|.nan|1e999|null|true|0|image: web|__proto__: |'.split(
      '|',
    ),
    ...'source: |regions: |accounts: |eu-west-1: |variables: |tags: |network: |stages: |hub: |constructor: '.split(
      '|',
    ),
  );
  const text = fc.oneof(
    fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.string(),
  );

  it('the check answers with problems and never throws', () => {
    const file = fc.constantFrom(
      'factory.yaml',
      'config/default.yaml',
      'images/base/image.yaml',
      'images/web/config/dev.yaml',
    );
    fc.assert(
      fc.property(file, text, (name, content) => {
        for (const one of checkFactory(factoryWith({ [name]: content }))) {
          expect(one.message).toMatch(/^(found|is|must|repeats) /);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('the check of any overrides answers with problems and never throws', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('source', 'regions', 'accounts', 'tags', 'variables', 'x'),
          fc.jsonValue(),
        ),
        (overrides) => {
          expect(Array.isArray(checkFactory(factoryWith(), { overrides }))).toBe(true);
        },
      ),
    );
  });
});

describe('tiers of images', () => {
  it('put a base before the images built on it', () => {
    const configuration = loadConfiguration(factoryWith());
    expect(imagesInTiers(['web', 'desktop', 'base'], (image) => baseImages(configuration, image))).toEqual([
      ['base', 'desktop'],
      ['web'],
    ]);
  });

  it('count a base only among the chosen images', () => {
    const configuration = loadConfiguration(factoryWith());
    expect(imagesInTiers(['web'], (image) => baseImages(configuration, image))).toEqual([['web']]);
  });

  it('fail for images that are built on each other', () => {
    const bases: Record<string, string[]> = { a: ['b'], b: ['a'], c: [] };
    expect(refusal(() => imagesInTiers(['a', 'b', 'c'], (image) => bases[image] ?? [])).message).toBe(
      'images: found images built on each other, must not be a circle: a, b',
    );
  });
});
