import {
  DescribeImageAttributeCommand,
  EnableImageCommand,
  ModifyImageAttributeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/enable-amis.ts';
import { DEV } from '../fixtures/accounts.ts';
import { describe1, holdsPlan, image1, planOf } from '../fixtures/aws/repoints.ts';
import { call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();
const ORGANIZATION = { OrganizationArn: 'arn:aws:organizations::1:organization/o-1' };
const USER = { UserId: '333333333333' };
const enable = new EnableImageCommand({ ImageId: 'ami-1' });
const permissions = new DescribeImageAttributeCommand({ ImageId: 'ami-1', Attribute: 'launchPermission' });
const share = (...Add: (typeof USER | typeof ORGANIZATION)[]) =>
  new ModifyImageAttributeCommand({ ImageId: 'ami-1', LaunchPermission: { Add } });
const asked = (sharedWith: readonly (typeof USER | typeof ORGANIZATION)[]) =>
  holdsPlan(aws, planOf({ action: 'restore', ami: { enable: [...sharedWith] } }));

describe('enabling AMIs', () => {
  it('lets exactly those launch them again who could before, of whatever kind they are', async () => {
    aws.on(DEV, describe1(), image1('revoked', { State: 'disabled' }), image1('revoked'));
    aws.on(DEV, permissions, { LaunchPermissions: [USER] });
    aws.accepts(DEV, enable, share(ORGANIZATION));
    expect(await handler(asked([USER, ORGANIZATION]))).toEqual({ enabled: 1 });
    expect(aws.sentTo(DEV)).toEqual(
      [describe1(), enable, describe1(), describe1(), permissions, share(ORGANIZATION)].map((one) =>
        call(DEV, one),
      ),
    );
  });

  it('shares nothing that nobody shared, and twice does nothing the second time', async () => {
    aws.on(DEV, describe1(), image1('revoked'));
    expect(await handler(asked([]))).toEqual({ enabled: 1 });
    expect(aws.sentTo(DEV)).toEqual([call(DEV, describe1())]);
  });

  it('calls no account when nothing is to be enabled', async () => {
    expect(await handler(holdsPlan(aws, planOf()))).toEqual({ enabled: 0 });
    expect(aws.sentTo(DEV)).toEqual([]);
  });

  it('fails with NotReadyYet while EC2 shows it as disabled', async () => {
    aws.on(DEV, describe1(), image1('revoked', { State: 'disabled' }));
    aws.accepts(DEV, enable);
    await expect(handler(asked([USER]))).rejects.toMatchObject({ name: 'NotReadyYet' });
  });
});
