import { describe, expect, it } from 'vitest';
import { clientsFor } from '../../../core/aws/clients.ts';
import { censusOf } from '../../../core/life/census.ts';
import { DEV } from '../../fixtures/accounts.ts';
import {
  allVersions,
  imageParameters,
  instances,
  nothingIsUsed,
  someVersions,
  templates,
  values,
} from '../../fixtures/aws/census.ts';
import { groups, launchConfigurations } from '../../fixtures/aws/image-users.ts';
import { awsError, call, useAws } from '../../fixtures/aws/strict-aws.ts';

const aws = useAws();

const census = async (mayRetry = false) => censusOf(clientsFor(DEV), { mayRetry });
const used = async () => [...(await census()).used].filter((id) => id !== '').toSorted();
const version = (ImageId: string) => ({ LaunchTemplateId: 'lt-1', LaunchTemplateData: { ImageId } });

describe('what uses AMIs', () => {
  it('is nothing when every source was read and none has any', async () => {
    nothingIsUsed(aws, DEV);
    expect(await census()).toEqual({ used: new Set(), users: [], unread: [] });
    const sent = [instances, templates, launchConfigurations, groups, imageParameters];
    expect(aws.sent).toEqual(expect.arrayContaining(sent.map((command) => call(DEV, command))));
    expect(aws.sent).toHaveLength(sent.length);
  });

  it('are instances, in any state and from every page', async () => {
    nothingIsUsed(aws, DEV);
    const instance = (ImageId: string, Name: 'running' | 'stopped' | 'terminated') => ({
      Instances: [{ ImageId, State: { Name } }],
    });
    aws.on(DEV, instances, { Reservations: [instance('ami-1', 'running')], NextToken: 'more' });
    aws.on(
      DEV,
      Object.assign(Object.create(instances), { input: { ...instances.input, NextToken: 'more' } }),
      {
        Reservations: [instance('ami-2', 'stopped'), instance('ami-3', 'terminated')],
      },
    );
    expect(await used()).toEqual(['ami-1', 'ami-2', 'ami-3']);
  });

  it('are instances that wait in a warm pool, which are stopped instances like others', async () => {
    nothingIsUsed(aws, DEV);
    const Tags = [{ Key: 'aws:autoscaling:groupName', Value: 'web' }];
    const Instances = [{ ImageId: 'ami-1', State: { Name: 'stopped' as const }, Tags }];
    aws.on(DEV, instances, { Reservations: [{ Instances }] });
    expect(await used()).toEqual(['ami-1']);
  });

  it('are launch templates, which are asked one by one only when they have more than the newest and the default version', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, templates, {
      LaunchTemplates: [
        { LaunchTemplateId: 'lt-1', LatestVersionNumber: 1, DefaultVersionNumber: 1 },
        { LaunchTemplateId: 'lt-2', LatestVersionNumber: 2, DefaultVersionNumber: 1 },
        { LaunchTemplateId: 'lt-3', LatestVersionNumber: 2, DefaultVersionNumber: 2 },
        { LaunchTemplateId: 'lt-4', LatestVersionNumber: 30, DefaultVersionNumber: 29 },
      ],
    });
    aws.on(DEV, someVersions, { LaunchTemplateVersions: [version('ami-1'), version('ami-2')] });
    aws.on(DEV, allVersions('lt-3'), { LaunchTemplateVersions: [version('ami-3')] });
    aws.on(DEV, allVersions('lt-4'), { LaunchTemplateVersions: [version('ami-4')], NextToken: 'more' });
    const second = Object.assign(Object.create(allVersions('lt-4')), {
      input: { ...allVersions('lt-4').input, NextToken: 'more' },
    });
    aws.on(DEV, second, { LaunchTemplateVersions: [version('ami-5')] });
    expect(await used()).toEqual(['ami-1', 'ami-2', 'ami-3', 'ami-4', 'ami-5']);
  });

  it('are launch configurations', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, launchConfigurations, {
      LaunchConfigurations: [
        {
          LaunchConfigurationName: 'a',
          ImageId: 'ami-1',
          InstanceType: 'm7i.large',
          CreatedTime: new Date(0),
        },
      ],
    });
    expect(await used()).toEqual(['ami-1']);
  });

  it('are the overrides of Auto Scaling groups', async () => {
    nothingIsUsed(aws, DEV);
    const Overrides = [{ ImageId: 'ami-1' }, { InstanceType: 'm7i.large' }];
    aws.on(DEV, groups, {
      AutoScalingGroups: [
        {
          AutoScalingGroupName: 'web',
          MinSize: 0,
          MaxSize: 1,
          DesiredCapacity: 0,
          DefaultCooldown: 0,
          AvailabilityZones: [],
          HealthCheckType: 'EC2',
          CreatedTime: new Date(0),
          MixedInstancesPolicy: { LaunchTemplate: { Overrides } },
        },
      ],
    });
    expect(await used()).toEqual(['ami-1']);
  });

  it('are parameters of the type aws:ec2:image, ten at a time, but not the own parameter of a version', async () => {
    nothingIsUsed(aws, DEV);
    const names = Array.from({ length: 11 }, (_, index) => `/somebody/ami-${index}`);
    const own = '/packleader/base/versions/1.4.20260901000000';
    aws.on(DEV, imageParameters, {
      Parameters: [...names, own, '/packleader/base/latest'].map((Name) => ({ Name })),
    });
    aws.on(DEV, values(...names.slice(0, 10)), { Parameters: [{ Name: '/somebody/ami-0', Value: 'ami-1' }] });
    aws.on(DEV, values('/somebody/ami-10', '/packleader/base/latest'), {
      Parameters: [{ Name: '/packleader/base/latest', Value: 'ami-2' }],
    });
    expect(await used()).toEqual(['ami-1', 'ami-2']);
  });
});

describe('a source that cannot be read', () => {
  const no = awsError('AccessDenied', 'no');
  it.each<[string, () => void]>([
    ['instances', () => aws.on(DEV, instances, no)],
    ['launch templates', () => aws.on(DEV, templates, no)],
    ['launch configurations', () => aws.on(DEV, launchConfigurations, no)],
    ['Auto Scaling groups', () => aws.on(DEV, groups, no)],
    ['parameters', () => aws.on(DEV, imageParameters, no)],
  ])('is named, and the others are read all the same: %s', async (source, refuse) => {
    nothingIsUsed(aws, DEV);
    refuse();
    const { unread } = await census();
    expect(unread).toEqual([{ source, why: 'AccessDenied: AccessDenied: no' }]);
    expect(aws.sent).toHaveLength(5);
  });

  it('is also one that fails on its second page', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, imageParameters, { Parameters: [{ Name: '/a' }] });
    aws.on(DEV, values('/a'), awsError('ThrottlingException', 'slow down'));
    expect((await census()).unread).toMatchObject([{ source: 'parameters' }]);
  });
});
