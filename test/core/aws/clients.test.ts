import { DescribeKeyPairsCommand } from '@aws-sdk/client-ec2';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientsFor, forgetClients } from '../../../core/aws/clients.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';
import { useAws } from '../../fixtures/aws/strict-aws.ts';

const aws = useAws();
const keyPairs = new DescribeKeyPairsCommand({});
const parameter = new GetParameterCommand({ Name: 'a' });
const ELSEWHERE = { ...DEV, region: 'us-east-1' };

afterEach(() => {
  vi.useRealTimers();
});

describe('the clients of a target', () => {
  it('are made once', () => {
    expect(clientsFor(DEV)).toBe(clientsFor({ ...DEV }));
    expect(clientsFor(DEV)).not.toBe(clientsFor(ELSEWHERE));
  });

  it('share one session per account over services and regions, instead of one per client', async () => {
    aws.accepts(DEV, keyPairs, parameter);
    aws.accepts(ELSEWHERE, keyPairs);
    aws.accepts(PROD, keyPairs);
    await Promise.all([
      clientsFor(DEV).ec2.send(keyPairs),
      clientsFor(DEV).ssm.send(parameter),
      clientsFor(ELSEWHERE).ec2.send(keyPairs),
      clientsFor(PROD).ec2.send(keyPairs),
    ]);
    expect(aws.stewards).toEqual([DEV.accountId, PROD.accountId]);
  });

  it('renew the session before it expires', async () => {
    aws.accepts(DEV, keyPairs, parameter);
    vi.useFakeTimers({ toFake: ['Date'] });
    await clientsFor(DEV).ec2.send(keyPairs);
    vi.setSystemTime(Date.now() + 54 * 60_000);
    await clientsFor(DEV).ssm.send(parameter);
    expect(aws.stewards).toHaveLength(1);
    vi.setSystemTime(Date.now() + 5 * 60_000);
    await clientsFor(DEV).ec2.send(keyPairs);
    expect(aws.stewards).toHaveLength(2);
  });

  it('can be forgotten, with their sessions', async () => {
    aws.accepts(DEV, keyPairs);
    await clientsFor(DEV).ec2.send(keyPairs);
    forgetClients();
    await clientsFor(DEV).ec2.send(keyPairs);
    expect(aws.stewards).toHaveLength(2);
  });
});
