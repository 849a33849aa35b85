import {
  type AutoScalingGroup,
  DescribeAutoScalingGroupsCommand,
  DescribeLaunchConfigurationsCommand,
  type LaunchConfiguration,
} from '@aws-sdk/client-auto-scaling';
import { DescribeImageReferencesCommand, DescribeImagesCommand, type Image } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { clientsFor } from '../../../core/aws/clients.ts';
import { usersOfImages } from '../../../core/amis/image-users.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { awsError, useAws } from '../../fixtures/aws/strict-aws.ts';
import {
  builtOn,
  groups,
  launchConfigurations,
  lookUps,
  references,
  sharedWith,
  usersAre,
} from '../../fixtures/aws/image-users.ts';

const aws = useAws();

const ids = (count: number) => Array.from({ length: count }, (_, index) => `ami-${index}`);
const image = (ImageId: string, more: Partial<Image> = {}): Image => ({
  ImageId,
  OwnerId: DEV.accountId,
  State: 'available',
  ...more,
});
const users = async (...images: string[]) =>
  usersOfImages(
    clientsFor(DEV),
    images.map((id) => image(id)),
  );
const tags = (value: string) => [{ Key: 'packleader:source-ami', Value: value }];
const configuration = (ImageId: string, LaunchConfigurationARN: string): LaunchConfiguration => ({
  LaunchConfigurationName: ImageId,
  ImageId,
  LaunchConfigurationARN,
  InstanceType: 'm7i.large',
  CreatedTime: new Date(0),
});
const more = { NextToken: 'more' };

describe('the users of AMIs', () => {
  it('are looked for everywhere', async () => {
    usersAre(aws, DEV, ['ami-1', 'ami-2']);
    expect(await users('ami-1', 'ami-2')).toEqual(new Map());
    expect(aws.sent).toEqual(lookUps(DEV, 'ami-1', 'ami-2'));
  });

  it('are instances, launch templates and parameters, from every page', async () => {
    usersAre(aws, DEV, ['ami-1', 'ami-2'], {
      ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn:instance' }],
      ...more,
    });
    aws.on(DEV, new DescribeImageReferencesCommand({ ...references('ami-1', 'ami-2').input, ...more }), {
      ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn:template' }],
    });
    expect(await users('ami-1', 'ami-2')).toEqual(new Map([['ami-1', ['arn:instance', 'arn:template']]]));
  });

  it('are launch configurations, from every page, and those of other AMIs are not', async () => {
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, launchConfigurations, {
      LaunchConfigurations: [configuration('ami-9', 'arn:9')],
      ...more,
    });
    aws.on(DEV, new DescribeLaunchConfigurationsCommand(more), {
      LaunchConfigurations: [configuration('ami-1', 'arn:1')],
    });
    expect(await users('ami-1')).toEqual(new Map([['ami-1', ['arn:1']]]));
  });

  it('are Auto Scaling groups whose overrides name one, from every page', async () => {
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, groups, { AutoScalingGroups: [], ...more });
    const group: AutoScalingGroup = {
      AutoScalingGroupName: 'group',
      MinSize: 0,
      MaxSize: 1,
      DesiredCapacity: 0,
      DefaultCooldown: 0,
      AvailabilityZones: [],
      HealthCheckType: 'EC2',
      CreatedTime: new Date(0),
      AutoScalingGroupARN: 'arn:group',
      MixedInstancesPolicy: {
        LaunchTemplate: { Overrides: [{ InstanceType: 'm7i.large' }, { ImageId: 'ami-1' }] },
      },
    };
    aws.on(DEV, new DescribeAutoScalingGroupsCommand(more), { AutoScalingGroups: [group] });
    expect(await users('ami-1')).toEqual(new Map([['ami-1', ['arn:group']]]));
  });

  it('are AMIs that were built on one, from every page', async () => {
    usersAre(aws, DEV, ['ami-1', 'ami-2']);
    aws.on(DEV, builtOn('ami-1', 'ami-2'), { Images: [{ ImageId: 'ami-8', Tags: tags('ami-1') }], ...more });
    aws.on(DEV, new DescribeImagesCommand({ ...builtOn('ami-1', 'ami-2').input, ...more }), {
      Images: [{ ImageId: 'ami-9', Tags: tags('ami-2') }],
    });
    expect(await users('ami-1', 'ami-2')).toEqual(
      new Map([
        ['ami-1', ['ami-8, which was built on it']],
        ['ami-2', ['ami-9, which was built on it']],
      ]),
    );
  });

  it('are accounts, organisations and everybody that one is shared with, but not its owner', async () => {
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, sharedWith('ami-1'), {
      LaunchPermissions: [
        { UserId: DEV.accountId },
        { UserId: '333333333333' },
        { Group: 'all' },
        { OrganizationArn: 'arn:org' },
        { OrganizationalUnitArn: 'arn:ou' },
      ],
    });
    const names = ['333333333333', 'all', 'arn:org', 'arn:ou'];
    expect(await users('ami-1')).toEqual(
      new Map([['ami-1', names.map((name) => `${name}, which it is shared with`)]]),
    );
  });

  it('are not those that the release itself gave a permission, and is about to take it back from', async () => {
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, sharedWith('ami-1'), {
      LaunchPermissions: [{ UserId: '333333333333' }, { OrganizationArn: 'arn:org' }],
    });
    const found = await usersOfImages(clientsFor(DEV), [image('ami-1')], undefined, new Set(['arn:org']));
    expect(found).toEqual(new Map([['ami-1', ['333333333333, which it is shared with']]]));
  });

  it('are not asked of an AMI that never came to be: EC2 refuses to speak of its attributes', async () => {
    usersAre(aws, DEV, ['ami-1']);
    expect(await usersOfImages(clientsFor(DEV), [image('ami-1', { State: 'failed' })])).toEqual(new Map());
    expect(aws.commands).not.toContain('DescribeImageAttribute');
  });

  it('are none of an AMI that is gone meanwhile', async () => {
    usersAre(aws, DEV, ['ami-1']);
    aws.on(DEV, sharedWith('ami-1'), awsError('InvalidAMIID.NotFound'));
    expect(await users('ami-1')).toEqual(new Map());
  });

  it('are asked for ten AMIs at a time', async () => {
    const [last = ''] = ids(11).slice(10);
    usersAre(aws, DEV, ids(11));
    aws.on(DEV, references(...ids(10)), {});
    aws.on(DEV, references(last), { ImageReferences: [{ ImageId: last, Arn: 'arn' }] });
    expect(await users(...ids(11))).toEqual(new Map([[last, ['arn']]]));
    expect(aws.commands.filter((command) => command === 'DescribeImageReferences')).toHaveLength(2);
  });

  it('are nobody when there is no AMI, and then nobody is asked', async () => {
    expect(await users()).toEqual(new Map());
    expect(aws.sent).toEqual([]);
  });

  it('count even when AWS does not say who they are', async () => {
    usersAre(aws, DEV, ['ami-1'], { ImageReferences: [{ ImageId: 'ami-1' }] });
    expect((await users('ami-1')).get('ami-1')).toHaveLength(1);
  });

  const looks = {
    references: references('ami-1'),
    'what was built on it': builtOn('ami-1'),
    'whom it is shared with': sharedWith('ami-1'),
    'launch configurations': launchConfigurations,
    groups,
  };
  it.each(
    Object.entries(looks).flatMap(([what, command]) =>
      ['UnauthorizedOperation', 'RequestLimitExceeded', 'InternalError'].map(
        (code) => [what, code, command] as const,
      ),
    ),
  )(
    'fails when the look-up of %s fails with %s, instead of taking unknown for unused',
    async (_what, code, command) => {
      usersAre(aws, DEV, ['ami-1']);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The reply is an error, whichever command it is.
      aws.on(DEV, command as typeof groups, awsError(code));
      await expect(users('ami-1')).rejects.toMatchObject({ name: code });
    },
  );

  it('fails when a later page is refused', async () => {
    usersAre(aws, DEV, ['ami-1'], { ImageReferences: [], ...more });
    aws.on(
      DEV,
      new DescribeImageReferencesCommand({ ...references('ami-1').input, ...more }),
      awsError('UnauthorizedOperation'),
    );
    await expect(users('ami-1')).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });
});
