import { DeleteParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/point-latest.ts';
import { DEV } from '../fixtures/accounts.ts';
import { LATEST, get, published, put, reads, versions } from '../fixtures/aws/parameters.ts';
import { NEWER, OLDER, POINTED, describe1, holdsPlan, image1, planOf } from '../fixtures/aws/repoints.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();
const remove = new DeleteParameterCommand({ Name: LATEST });
const absent = awsError('ParameterNotFound');
const asked = () => holdsPlan(aws, planOf({ latest: [POINTED] }));
const [target] = POINTED.targets;
const toNothing = () =>
  holdsPlan(
    aws,
    planOf({
      latest: [{ ...POINTED, version: null, targets: target ? [{ ...target, imageId: null }] : [] }],
    }),
  );

describe('pointing latest at another version', () => {
  it('passes the revoked one by, which is newer, and reads back what it wrote', async () => {
    aws.on(DEV, published(), versions({ [OLDER]: 'ami-0', [NEWER]: 'ami-1' }));
    aws.on(DEV, describe1(), image1('revoked'));
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-0'));
    aws.accepts(DEV, put(LATEST, 'ami-0'));
    expect(await handler(asked())).toEqual({ pointed: 1 });
    expect(aws.sent).toContainEqual(call(DEV, put(LATEST, 'ami-0')));
  });

  it('passes by what it has marked also where EC2 does not show the mark any more', async () => {
    aws.on(DEV, published(), versions({ [OLDER]: 'ami-0', [NEWER]: 'ami-1' }));
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-0'));
    aws.accepts(DEV, put(LATEST, 'ami-0'));
    await handler(asked());
    expect(aws.sent).toContainEqual(call(DEV, put(LATEST, 'ami-0')));
  });

  it('leaves it to a newer version that was released meanwhile', async () => {
    aws.on(DEV, published(), versions({ [OLDER]: 'ami-0', '1.4.20261122000000': 'ami-2' }));
    aws.on(DEV, describe1('ami-2'), { Images: [{ ImageId: 'ami-2', State: 'available' }] });
    aws.on(DEV, get(LATEST), reads('ami-2'));
    expect(await handler(asked())).toEqual({ pointed: 1 });
    expect(aws.commands).not.toContain('PutParameter');
  });

  it('twice writes nothing the second time', async () => {
    aws.on(DEV, published(), versions({ [OLDER]: 'ami-0' }));
    aws.on(DEV, get(LATEST), reads('ami-0'));
    await handler(asked());
    expect(aws.commands).not.toContain('PutParameter');
  });

  it('fails with NotReadyYet while SSM shows the old value', async () => {
    aws.on(DEV, published(), versions({ [OLDER]: 'ami-0' }));
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.accepts(DEV, put(LATEST, 'ami-0'));
    await expect(handler(asked())).rejects.toMatchObject({ name: 'NotReadyYet' });
  });
});

describe('latest where no version stands any more', () => {
  it('goes', async () => {
    aws.on(DEV, get(LATEST), reads('ami-1'), absent);
    aws.accepts(DEV, remove);
    await handler(toNothing());
    expect(aws.sent).toContainEqual(call(DEV, remove));
  });

  it('stays when it shows something else by now, and needs nothing when it is gone', async () => {
    aws.on(DEV, get(LATEST), reads('ami-7'));
    await handler(toNothing());
    aws.on(DEV, get(LATEST), absent);
    await handler(toNothing());
    expect(aws.commands).not.toContain('DeleteParameter');
  });

  it('fails with NotReadyYet while it is still shown', async () => {
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.accepts(DEV, remove);
    await expect(handler(toNothing())).rejects.toMatchObject({ name: 'NotReadyYet' });
  });
});
