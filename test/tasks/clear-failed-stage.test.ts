import { DeleteSecurityGroupCommand } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../tasks/clear-failed-stage.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { RELEASE_ARN } from '../fixtures/aws/executions.ts';
import { type Found, targetHolds } from '../fixtures/aws/looks.ts';
import { HUB, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, batchOf } from '../fixtures/releases.ts';

const aws = useAws();
const prodHolds = (...looks: readonly Found[]) => targetHolds(aws, PROD, ...looks);

const AMI = { ...DEV, imageId: 'ami-1' };
const EVENT = {
  release: RELEASE,
  stages: ['dev', 'prod'],
  resolved: { dev: { batches: [batchOf(DEV)] }, prod: { batches: [batchOf(PROD)] } },
  amis: { dev: [AMI] },
  failure: { Error: 'BakeFailed', Cause: 'no room' },
  enteredAt: '2026-11-21T09:30:00.000Z',
  waitHours: 4,
  run: { executionArn: RELEASE_ARN, redriveCount: 0 },
};
const CLEARED = { stage: 'prod', until: '2026-11-21T13:30:00.000Z' };

beforeEach(() => aws.expects(HUB, ({ command }) => command === 'PutEvents'));

const told = () => aws.sentTo(HUB).filter(({ command }) => command === 'PutEvents');

describe('clearing the stage that failed', () => {
  it('leaves the stages before alone, looks at what is left of it, and tells until when it waits', async () => {
    prodHolds({});
    expect(await handler(EVENT)).toEqual(CLEARED);
    expect(aws.sentTo(DEV)).toEqual([]);
    expect(aws.sentTo(PROD)).not.toEqual([]);
    expect(aws.sentTo(PROD).filter(({ command }) => !/^(Describe|List|BatchGet|Get)/.test(command))).toEqual(
      [],
    );
    expect(JSON.stringify(told())).toContain('Retry Awaited');
    expect(JSON.stringify(told())).toContain(`packleader retry ${RELEASE.releaseId}`);
  });

  it('also clears the stages after it, which a retry before may have kept', async () => {
    prodHolds({});
    targetHolds(aws, DEV, {});
    const stages = ['first', 'dev', 'prod'];
    const first = { ...EVENT, stages, amis: { first: [AMI], prod: [] } };
    expect(await handler(first)).toEqual({ ...CLEARED, stage: 'dev' });
    expect(aws.sentTo(DEV).length).toBeGreaterThan(0);
    expect(aws.sentTo(PROD).length).toBeGreaterThan(0);
  });

  it('takes a stage whose tests did not pass for the one that failed', async () => {
    prodHolds({});
    const amis = { dev: [AMI], prod: [{ ...PROD, imageId: 'ami-2' }] };
    expect(await handler({ ...EVENT, amis, tested: { dev: {} } })).toEqual(CLEARED);
  });

  it('fails with NotRetried, and tells nobody, when there is no stage before', async () => {
    await expect(handler({ ...EVENT, amis: {} })).rejects.toMatchObject({ name: 'NotRetried' });
    expect(aws.sent).toEqual([]);
  });

  it('fails with LeftoversRemain, and tells nobody, while something is left', async () => {
    prodHolds({ groups: ['sg-1'] });
    aws.accepts(PROD, new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }));
    await expect(handler(EVENT)).rejects.toMatchObject({ name: 'LeftoversRemain' });
    expect(told()).toEqual([]);
  });
});
