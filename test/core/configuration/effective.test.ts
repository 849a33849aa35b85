import { describe, expect, it } from 'vitest';
import { baseSettings, refusal } from './example.ts';
import { DEV } from '../../fixtures/accounts.ts';

const US = { ...DEV, region: 'us-east-1' };
const PROD = { accountId: '222222222222', region: 'eu-west-1' };
const webOnItsOwn = { 'images/web/config/default.yaml': 'source: { ssmParameter: /a }\n' };

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
