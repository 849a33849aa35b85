import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/mark-versions.ts';
import { DEV } from '../fixtures/accounts.ts';
import { describe1, holdsPlan, image1, planOf, snapshot1, snapshots1 } from '../fixtures/aws/repoints.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();
const mark = (state: string, Resources = ['ami-1', 'snap-1']) =>
  new CreateTagsCommand({ Resources, Tags: [{ Key: 'packleader:state', Value: state }] });

describe('marking versions', () => {
  it.each([
    ['rollback', 'released', 'revoked'],
    ['revoke', 'released', 'revoked'],
    ['restore', 'revoked', 'released'],
  ] as const)(
    'of a %s turns %s into %s, on the AMI and its snapshots, and reads it back',
    async (action, from, to) => {
      aws.on(DEV, describe1(), image1(from), image1(to));
      aws.on(DEV, snapshots1, snapshot1(from), snapshot1(to));
      aws.accepts(DEV, mark(to));
      expect(await handler(holdsPlan(aws, planOf({ action })))).toEqual({ marked: 1 });
      expect(aws.sentTo(DEV)).toEqual(
        [describe1(), snapshots1, mark(to), describe1(), snapshots1].map((command) => call(DEV, command)),
      );
    },
  );

  it('twice writes nothing the second time, and of a snapshot alone only that', async () => {
    aws.on(DEV, describe1(), image1('revoked'));
    aws.on(DEV, snapshots1, snapshot1('revoked'));
    expect(await handler(holdsPlan(aws, planOf()))).toEqual({ marked: 1 });
    expect(aws.commands).not.toContain('CreateTags');
    aws.on(DEV, snapshots1, snapshot1('released'), snapshot1('revoked'));
    aws.accepts(DEV, mark('revoked', ['snap-1']));
    await handler(holdsPlan(aws, planOf()));
    expect(aws.sent).toContainEqual(call(DEV, mark('revoked', ['snap-1'])));
  });

  it('fails with NotReadyYet while EC2 does not show the tags', async () => {
    aws.on(DEV, describe1(), image1('released'));
    aws.on(DEV, snapshots1, snapshot1('released'));
    aws.accepts(DEV, mark('revoked'));
    await expect(handler(holdsPlan(aws, planOf()))).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: '111111111111/eu-west-1: ami-1, snap-1 do not show their tags yet',
    });
  });

  it('needs nothing of an AMI that is gone', async () => {
    aws.on(DEV, describe1(), awsError('InvalidAMIID.NotFound'));
    expect(await handler(holdsPlan(aws, planOf()))).toEqual({ marked: 1 });
  });

  it('fails for a target that is lost', async () => {
    aws.on(DEV, describe1(), awsError('UnauthorizedOperation'));
    await expect(handler(holdsPlan(aws, planOf()))).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
