import { describe, expect, it } from 'vitest';
import { builderChoices, packerVariables } from '../../../core/configuration/packer-variables.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { baseSettings } from './example.ts';

const release = {
  releaseId: 'base@1.4.20261121093000',
  image: 'base',
  version: '1.4.20261121093000',
  commit: '4f2c1d9'.padEnd(40, '0'),
  repository: 'https://github.com/example/images',
  prerelease: false,
};

function variablesOf(image: string, overrides = {}) {
  const { settings } = baseSettings({}, { image, overrides });
  return packerVariables({ release, stage: 'dev', target: DEV, settings, execution: 'run-1' });
}

describe('the variables of a bake', () => {
  it('are all that packleader sets, the tags of the release and the variables of the configuration', () => {
    const overrides = {
      tags: { Team: 'platform' },
      variables: { packages: ['git'], password: { secretsManager: 'web/db' } },
    };
    const { tags, ...told } = variablesOf('base', overrides);
    expect(told.variables['tags']).toEqual(tags);
    expect(told).toEqual({
      variables: {
        region: 'eu-west-1',
        ami_name: 'base-1.4.20261121093000-g4f2c1d9',
        tags: {
          Team: 'platform',
          Name: 'base-1.4.20261121093000-g4f2c1d9',
          'packleader:release': 'base@1.4.20261121093000',
          'packleader:image': 'base',
          'packleader:version': '1.4.20261121093000',
          'packleader:commit': '4f2c1d9'.padEnd(40, '0'),
          'packleader:repository': 'https://github.com/example/images',
          'packleader:stage': 'dev',
          'packleader:execution': 'run-1',
          'packleader:state': 'candidate',
          AutoCleanup: 'true',
        },
        architecture: 'x86_64',
        instance_type: 'm7i.large',
        vpc_id: 'vpc-0123456789abcdef0',
        subnet_id: 'subnet-0123456789abcdef0',
        security_group_ids: ['sg-0123456789abcdef0'],
        kms_key_id: 'alias/images',
        instance_profile: 'builder',
        root_volume_size_gib: 8,
        timeout_minutes: 120,
        ssh_interface: 'session_manager',
        packages: ['git'],
      },
      secrets: { password: { secretsManager: 'web/db' } },
    });
  });

  it('name the first of several subnets, and none where the bake finds it by tags', () => {
    const vpcId = 'vpc-0123456789abcdef0';
    const network = {
      vpcId,
      subnetId: null,
      subnetIds: ['subnet-0123456789abcdef1', 'subnet-0123456789abcdef2'],
    };
    expect(variablesOf('base', { network }).variables).toMatchObject({
      vpc_id: vpcId,
      subnet_id: 'subnet-0123456789abcdef1',
    });
    const byTags = { vpcId, subnetId: null, subnetTags: { Tier: 'build' } };
    expect(variablesOf('base', { network: byTags }).variables).toMatchObject({
      vpc_id: vpcId,
      subnet_id: '',
    });
  });

  it('have no ssh_interface for Windows', () => {
    expect(variablesOf('desktop').variables).not.toHaveProperty('ssh_interface');
  });
});

describe('where a builder may run', () => {
  const choicesOf = (overrides: Readonly<Record<string, unknown>>) =>
    builderChoices(baseSettings({}, { image: 'base', overrides }).settings);
  const subnetId = 'subnet-0123456789abcdef0';
  const other = 'subnet-0123456789abcdef1';

  it('is nothing to tell the bake where there is no choice', () => {
    expect(choicesOf({})).toBe(undefined);
    expect(choicesOf({ instanceTypes: ['m7i.large'], network: { subnetIds: [subnetId] } })).toBe(undefined);
  });

  it('is what is set alone, then the lists in their order, each once', () => {
    expect(choicesOf({ instanceTypes: ['m7a.large', 'm7i.large', 'm6i.large'] })).toEqual({
      instanceTypes: ['m7i.large', 'm7a.large', 'm6i.large'],
      subnetIds: [subnetId],
    });
    expect(choicesOf({ network: { subnetIds: [other, subnetId] } })).toEqual({
      instanceTypes: ['m7i.large'],
      subnetIds: [subnetId, other],
    });
  });

  it('is also what has the tags, in the VPC', () => {
    expect(choicesOf({ network: { subnetId: null, subnetTags: { Tier: 'build' } } })).toEqual({
      instanceTypes: ['m7i.large'],
      subnetIds: [],
      subnetFilters: { 'vpc-id': ['vpc-0123456789abcdef0'], state: ['available'], 'tag:Tier': ['build'] },
    });
  });

  it('says for how long its builder is kept when it fails, also where there is one place only', () => {
    expect(choicesOf({ onFailure: 'remove', keepHours: 8 })).toBe(undefined);
    expect(choicesOf({ onFailure: 'keep' })).toMatchObject({ keepMinutes: 240 });
    expect(choicesOf({ onFailure: 'keep', keepHours: 8 })).toMatchObject({ keepMinutes: 480 });
  });

  it('is on spot first, also where there is one place only', () => {
    expect(choicesOf({ spot: false })).toBe(undefined);
    expect(choicesOf({ spot: true })).toEqual({
      instanceTypes: ['m7i.large'],
      subnetIds: [subnetId],
      spot: true,
    });
  });

  it('is the default VPC where no network is named', () => {
    const network = { vpcId: null, subnetId: null, securityGroupIds: [] };
    expect(choicesOf({ network, instanceTypes: ['m7a.large'] })).toEqual({
      instanceTypes: ['m7i.large', 'm7a.large'],
      subnetIds: [''],
    });
  });
});
