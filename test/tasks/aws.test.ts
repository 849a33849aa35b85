import { StopBuildCommand } from '@aws-sdk/client-codebuild';
import { DescribeKeyPairsCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { clientsFor } from '../../core/aws/clients.ts';
import { putEvent } from '../../core/aws/events.ts';
import { readBytes } from '../../core/releases/plan-store.ts';
import { DEV, HUB, PROD, awsError, useAws } from './aws.ts';

const aws = useAws();
const keyPairs = new DescribeKeyPairsCommand({ KeyNames: ['a'] });

/** Takes the unexpected calls out, which would fail the test. */
const unexpected = () => aws.unexpected.splice(0).map(({ where, command }) => `${where} ${command}`);

describe('the AWS of these tests', () => {
  it('answers an expected call in turn, the last answer for ever', async () => {
    aws.on(DEV, keyPairs, { KeyPairs: [{ KeyPairId: '1' }] }, awsError('Throttling'), { KeyPairs: [] });
    const { ec2 } = clientsFor(DEV);
    expect(await ec2.send(keyPairs)).toEqual({ KeyPairs: [{ KeyPairId: '1' }] });
    await expect(ec2.send(keyPairs)).rejects.toMatchObject({ name: 'Throttling' });
    expect(await ec2.send(keyPairs)).toEqual({ KeyPairs: [] });
    expect(await ec2.send(keyPairs)).toEqual({ KeyPairs: [] });
  });

  it('fails an unexpected call of every client', async () => {
    const { codebuild, ec2, ssm } = clientsFor(DEV);
    await expect(ec2.send(keyPairs)).rejects.toThrow('unexpected call');
    await expect(ssm.send(new GetParameterCommand({ Name: 'a' }))).rejects.toThrow('unexpected call');
    await expect(codebuild.send(new StopBuildCommand({ id: 'a' }))).rejects.toThrow('unexpected call');
    await expect(readBytes({ bucket: 'b', key: 'k' })).rejects.toThrow('unexpected call');
    await expect(putEvent('x', {})).rejects.toThrow('unexpected call');
    expect(unexpected()).toEqual([
      '111111111111/eu-west-1 DescribeKeyPairs',
      '111111111111/eu-west-1 GetParameter',
      '111111111111/eu-central-1 StopBuild',
      'hub GetObject',
      'hub PutEvents',
    ]);
  });

  it('fails a call in another account, or with more in its input, than expected', async () => {
    aws.on(DEV, keyPairs, { KeyPairs: [] });
    await expect(clientsFor(PROD).ec2.send(keyPairs)).rejects.toThrow('unexpected call');
    const more = new DescribeKeyPairsCommand({ KeyNames: ['a'], DryRun: true });
    await expect(clientsFor(DEV).ec2.send(more)).rejects.toThrow('unexpected call');
    expect(unexpected()).toHaveLength(2);
  });

  it('can expect calls of the hub', async () => {
    aws.on(HUB, new GetObjectCommand({ Bucket: 'b', Key: 'k' }), awsError('NoSuchKey'));
    await expect(readBytes({ bucket: 'b', key: 'k' })).rejects.toThrow('NoSuchKey');
    const Entries = [{ Source: 'packleader', DetailType: 'x', Detail: '{}' }];
    aws.on(HUB, new PutEventsCommand({ Entries }), { FailedEntryCount: 0 });
    await expect(putEvent('x', {})).resolves.toBeUndefined();
  });
});
