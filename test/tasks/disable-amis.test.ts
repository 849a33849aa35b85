import { DisableImageCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/disable-amis.ts';
import { DEV } from '../fixtures/accounts.ts';
import { describe1, holdsPlan, image1, planOf } from '../fixtures/aws/repoints.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();
const disable = new DisableImageCommand({ ImageId: 'ami-1' });
const asked = () => holdsPlan(aws, planOf({ action: 'revoke', ami: { disable: true } }));

describe('disabling AMIs', () => {
  it('disables what the plan says, and looks', async () => {
    aws.on(DEV, describe1(), image1('revoked'), image1('revoked', { State: 'disabled' }));
    aws.accepts(DEV, disable);
    expect(await handler(asked())).toEqual({ disabled: 1 });
    expect(aws.sentTo(DEV)).toEqual([describe1(), disable, describe1()].map((one) => call(DEV, one)));
  });

  it('calls no account when nothing is to be disabled', async () => {
    expect(await handler(holdsPlan(aws, planOf()))).toEqual({ disabled: 0 });
    expect(aws.sentTo(DEV)).toEqual([]);
  });

  it('twice does nothing the second time', async () => {
    aws.on(DEV, describe1(), image1('revoked', { State: 'disabled' }));
    await handler(asked());
    expect(aws.commands).not.toContain('DisableImage');
  });

  it('fails with NotReadyYet while EC2 shows it as available, and with AccessDenied where it may not', async () => {
    aws.on(DEV, describe1(), image1('revoked'));
    aws.accepts(DEV, disable);
    await expect(handler(asked())).rejects.toMatchObject({ name: 'NotReadyYet' });
    aws.on(DEV, disable, awsError('UnauthorizedOperation'));
    await expect(handler(asked())).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
