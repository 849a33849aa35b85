import { DescribeInstancesCommand, EC2Client, type Instance } from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { examineAll } from '../../../cli/commands/doctor/finding.ts';
import { keptBuilderCheck } from '../../../cli/commands/doctor/kept-builders.ts';
import { DEV } from '../../fixtures/accounts.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const RELEASE = 'linux-base@1.4.20261121093000';
const ec2 = mockClient(EC2Client);
beforeEach(() => {
  ec2.reset();
  ec2.onAnyCommand().rejects(new Error('an unexpected call'));
});

const builder = (until: string, more: Partial<Instance> = {}): Instance => ({
  InstanceId: 'i-0123456789abcdef0',
  InstanceType: 'm7i.large',
  LaunchTime: new Date('2026-11-21T09:30:00Z'),
  State: { Name: 'running' },
  Tags: [
    { Key: 'packleader:release', Value: RELEASE },
    { Key: 'packleader:kept-until', Value: until },
  ],
  ...more,
});

async function look() {
  const [found] = await examineAll('dev', [
    keptBuilderCheck(new EC2Client({ region: DEV.region }), DEV, NOW),
  ]);
  return found;
}

describe('kept builders', () => {
  it('are told with what they have run, until when they stay, and how to reach them, of every page', async () => {
    ec2
      .on(DescribeInstancesCommand)
      .resolvesOnce({ Reservations: [], NextToken: 'more' })
      .resolves({ Reservations: [{ Instances: [builder('2026-11-21T14:00:00.000Z')] }] });
    expect(await look()).toMatchObject({
      outcome: 'ok',
      why: `${RELEASE}: i-0123456789abcdef0 has run for 2.5 hours as m7i.large, until 2026-11-21T14:00:00.000Z; look: aws ssm start-session --region eu-west-1 --target i-0123456789abcdef0`,
    });
    const inputs = ec2.commandCalls(DescribeInstancesCommand).map(({ args: [{ input }] }) => input.Filters);
    const filters = [{ Name: 'tag-key', Values: ['packleader:kept-until'] }];
    expect(inputs).toEqual([filters, filters]);
  });

  it('are none, also when one has ended', async () => {
    const gone = builder('2026-11-21T14:00:00.000Z', { State: { Name: 'terminated' } });
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [gone] }] });
    expect(await look()).toMatchObject({ outcome: 'ok', why: 'none' });
  });

  it.each(['2026-11-21T12:00:00.000Z', 'soon'])(
    'fails for one that stays beyond its time, %s',
    async (until) => {
      ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [builder(until)] }] });
      expect(await look()).toMatchObject({
        outcome: 'failed',
        why: `${RELEASE}: i-0123456789abcdef0 has run for 2.5 hours as m7i.large, until ${until}, and is still there`,
        todo: `packleader sweep ${RELEASE}`,
      });
    },
  );

  it('could not be looked at without the permission', async () => {
    ec2
      .on(DescribeInstancesCommand)
      .rejects(Object.assign(new Error('no'), { name: 'UnauthorizedOperation' }));
    expect(await look()).toMatchObject({ outcome: 'not checked' });
  });
});
