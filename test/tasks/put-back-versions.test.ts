import {
  CreateTagsCommand,
  DescribeImageAttributeCommand,
  DisableImageCommand,
  EnableImageCommand,
  ModifyImageAttributeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/put-back-versions.ts';
import { DEV } from '../fixtures/accounts.ts';
import { LATEST, get, published, put, reads, versions } from '../fixtures/aws/parameters.ts';
import {
  NEWER,
  OLDER,
  POINTED,
  describe1,
  holdsPlan,
  image1,
  planOf,
  snapshot1,
  snapshots1,
} from '../fixtures/aws/repoints.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();
const FAILURE = {
  Error: 'AccessDenied',
  Cause: '{"errorType":"AccessDenied","errorMessage":"222222222222/us-east-1: no"}',
};
const marked = (state: string) =>
  new CreateTagsCommand({
    Resources: ['ami-1', 'snap-1'],
    Tags: [{ Key: 'packleader:state', Value: state }],
  });
const putBack = (plan: ReturnType<typeof planOf>, attempt = 1) =>
  handler({ ...holdsPlan(aws, plan), failure: FAILURE, attempt });

function held(...states: readonly [string, ...string[]]): void {
  const [first, ...others] = states;
  aws.on(DEV, describe1(), image1(first), ...others.map((state) => image1(state)));
  aws.on(DEV, snapshots1, snapshot1(first), ...others.map((state) => snapshot1(state)));
}

describe('putting back', () => {
  it('gives the AMI its mark back, then latest its value, and says what had failed', async () => {
    held('revoked', 'released');
    aws.on(DEV, published(), versions({ [OLDER]: 'ami-0', [NEWER]: 'ami-1' }));
    aws.on(DEV, get(LATEST), reads('ami-0'), reads('ami-0'), reads('ami-1'));
    aws.accepts(DEV, marked('released'), put(LATEST, 'ami-1'));
    expect(await putBack(planOf({ latest: [POINTED] }))).toEqual({
      complete: true,
      error: 'AccessDenied',
      cause: 'AccessDenied: 222222222222/us-east-1: no\nEvery account shows what it showed before.',
      leftoverCount: 0,
    });
    const changes = aws.sent.filter(({ command }) => /^(Create|Put)/.test(command));
    expect(changes).toEqual([call(DEV, marked('released')), call(DEV, put(LATEST, 'ami-1'))]);
  });

  it('looks twice in any case: what SSM had not validated yet may appear late', async () => {
    held('released');
    aws.accepts(DEV, marked('released'));
    await expect(putBack(planOf(), 0)).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('leaves alone what somebody else has set since', async () => {
    held('quarantined');
    aws.on(DEV, get(LATEST), reads('ami-7'));
    expect(await putBack(planOf({ latest: [POINTED] }))).toMatchObject({ complete: true });
    expect(aws.commands.filter((one) => /^(Create|Put|Delete)/.test(one))).toEqual([]);
  });

  it('writes latest as it was by hand, of no version that is known', async () => {
    held('released');
    const [target] = POINTED.targets;
    const was = { imageId: 'ami-9', version: null };
    aws.accepts(DEV, marked('released'), put(LATEST, 'ami-9'));
    aws.on(DEV, get(LATEST), reads('ami-0'), reads('ami-9'));
    await putBack(planOf({ latest: [{ ...POINTED, targets: target ? [{ ...target, was }] : [] }] }));
    expect(aws.sent).toContainEqual(call(DEV, put(LATEST, 'ami-9')));
  });

  it('enables what was disabled, for those who could launch it, before it is marked', async () => {
    const sharedWith = [{ UserId: '333333333333' }];
    const permissions = new DescribeImageAttributeCommand({
      ImageId: 'ami-1',
      Attribute: 'launchPermission',
    });
    const enable = new EnableImageCommand({ ImageId: 'ami-1' });
    const share = new ModifyImageAttributeCommand({
      ImageId: 'ami-1',
      LaunchPermission: { Add: sharedWith },
    });
    aws.on(
      DEV,
      describe1(),
      image1('revoked', { State: 'disabled' }),
      image1('revoked'),
      image1('revoked'),
      image1('revoked'),
      image1('released'),
    );
    aws.on(DEV, snapshots1, snapshot1('revoked'), snapshot1('released'));
    aws.on(DEV, permissions, { LaunchPermissions: [] }, { LaunchPermissions: sharedWith });
    aws.accepts(DEV, enable, share, marked('released'));
    const was = { state: 'released', disabled: false, sharedWith };
    expect(await putBack(planOf({ action: 'revoke', ami: { disable: true, was } }))).toMatchObject({
      complete: true,
    });
    const changes = aws.commands.filter((one) => /^(Create|Enable|Modify)/.test(one));
    expect(changes).toEqual(['EnableImage', 'ModifyImageAttribute', 'CreateTags']);
  });

  describe('of a restoration', () => {
    const was = { state: 'revoked', disabled: true };
    const plan = planOf({ action: 'restore', ami: { enable: [], was }, latest: [POINTED] });
    const disable = new DisableImageCommand({ ImageId: 'ami-1' });
    const changes = () => aws.commands.filter((one) => /^(Create|Put|Disable)/.test(one));

    it('disables last, when latest does not show the AMI any more', async () => {
      aws.on(
        DEV,
        describe1(),
        image1('released'),
        image1('revoked'),
        image1('revoked'),
        image1('revoked', { State: 'disabled' }),
      );
      aws.on(DEV, snapshots1, snapshot1('released'), snapshot1('revoked'));
      aws.on(DEV, published(), versions({ [OLDER]: 'ami-0' }));
      aws.on(DEV, get(LATEST), reads('ami-0'), reads('ami-0'), reads('ami-1'));
      aws.accepts(DEV, marked('revoked'), put(LATEST, 'ami-1'), disable);
      await putBack(plan);
      expect(changes()).toEqual(['CreateTags', 'PutParameter', 'DisableImage']);
    });

    it('disables nothing that it could not mark, and names both', async () => {
      held('released');
      aws.on(DEV, marked('revoked'), awsError('UnauthorizedOperation', 'no CreateTags here'));
      aws.on(DEV, get(LATEST), reads('ami-1'));
      const { cause } = await putBack(plan, 20);
      expect(cause).toContain('ami-1: UnauthorizedOperation: no CreateTags here');
      expect(changes()).toEqual(['CreateTags']);
    });
  });
});

describe('what cannot be put back', () => {
  it('is tried for five minutes, and then named, with the reason', async () => {
    held('revoked');
    aws.on(DEV, marked('released'), awsError('UnauthorizedOperation', 'no CreateTags here'));
    await expect(putBack(planOf(), 19)).rejects.toMatchObject({ name: 'LeftoversRemain' });
    expect(await putBack(planOf(), 20)).toEqual({
      complete: false,
      error: 'RepointIncomplete',
      cause: [
        'AccessDenied: 222222222222/us-east-1: no',
        'Left behind:',
        '  111111111111/eu-west-1 ami-1: UnauthorizedOperation: no CreateTags here',
        '  111111111111/eu-west-1 snap-1: it is still marked revoked',
      ].join('\n'),
      leftoverCount: 2,
    });
  });

  it('is everything, in a target that cannot be looked at', async () => {
    aws.on(DEV, describe1(), awsError('UnauthorizedOperation', 'lost'));
    expect(await putBack(planOf(), 20)).toMatchObject({
      complete: false,
      cause: expect.stringContaining(
        '111111111111/eu-west-1 everything: could not be looked at: AccessDenied: ',
      ),
    });
  });
});
