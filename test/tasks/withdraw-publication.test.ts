import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../tasks/withdraw-publication.ts';
import { DEV, awsError, call, useAws } from './aws.ts';
import { RELEASE, batchOf, candidate, imagesByName, imagesByTag } from './example.ts';
import { LATEST, VERSION, get, history, published, put, reads, remove, versions } from './parameters.ts';

const aws = useAws();
const absent = awsError('ParameterNotFound');

const withdraw = (attempt = 1) =>
  handler({ release: RELEASE, resolved: { dev: { batches: [batchOf(DEV)] } }, attempt });
const image = (id: string) => new DescribeImagesCommand({ ImageIds: [id] });
const ours = [call(DEV, imagesByTag), call(DEV, imagesByName)];

beforeEach(() => {
  aws.on(DEV, imagesByTag, { Images: [candidate('ami-1')] });
  aws.on(DEV, imagesByName, { Images: [candidate('ami-1')] });
});

describe('withdrawing a publication', () => {
  it('points latest at the newest version that is left, then deletes the version, then reads both back', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-0'));
    aws.on(
      DEV,
      published(),
      versions({
        '1.3.20261121093000': 'ami-old',
        '1.4.20261120093000': 'ami-0',
        [RELEASE.version]: 'ami-1',
      }),
    );
    aws.accepts(DEV, put(LATEST, 'ami-0'), remove(VERSION));
    expect(await withdraw()).toEqual({ withdrawn: 1 });
    expect(aws.sent).toEqual([
      ...ours,
      ...[
        get(VERSION),
        get(LATEST),
        published(),
        put(LATEST, 'ami-0'),
        remove(VERSION),
        get(VERSION),
        get(LATEST),
      ].map((command) => call(DEV, command)),
    ]);
  });

  it('of nothing changes nothing', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), absent);
    expect(await withdraw()).toEqual({ withdrawn: 1 });
    expect(aws.commands.filter((command) => /Put|Delete/.test(command))).toEqual([]);
  });

  it('twice succeeds twice, and writes nothing the second time', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), absent);
    aws.on(DEV, published(), versions({ [RELEASE.version]: 'ami-1' }));
    aws.on(DEV, history(), { Parameters: [{ Value: 'ami-1', Version: 1 }] });
    aws.accepts(DEV, remove(LATEST), remove(VERSION));
    await withdraw();
    aws.sent = [];
    expect(await withdraw()).toEqual({ withdrawn: 1 });
    expect(aws.commands.filter((command) => /Put|Delete/.test(command))).toEqual([]);
  });

  it('leaves latest alone when it is not ours', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-9'));
    aws.accepts(DEV, remove(VERSION));
    expect(await withdraw()).toEqual({ withdrawn: 1 });
    expect(aws.commands).not.toContain('PutParameter');
  });

  it('finds what it published by the value of the version even when the AMI is gone', async () => {
    aws.on(DEV, imagesByTag, { Images: [] });
    aws.on(DEV, imagesByName, { Images: [] });
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), absent);
    aws.on(DEV, published(), {});
    aws.on(DEV, history(), { Parameters: [] });
    aws.accepts(DEV, remove(LATEST), remove(VERSION));
    expect(await withdraw()).toEqual({ withdrawn: 1 });
  });

  it('restores the newest earlier value that still exists, from any page of the history, where no version is left', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-b'));
    aws.on(DEV, published(), {});
    aws.on(DEV, history(), {
      Parameters: [
        { Value: 'ami-a', Version: 1 },
        { Value: 'ami-b', Version: 2 },
      ],
      NextToken: 'more',
    });
    aws.on(DEV, history('more'), {
      Parameters: [
        { Value: 'ami-gone', Version: 3 },
        { Value: 'ami-1', Version: 4 },
      ],
    });
    aws.on(DEV, image('ami-gone'), awsError('InvalidAMIID.NotFound'));
    aws.on(DEV, image('ami-b'), { Images: [{ ImageId: 'ami-b' }] });
    aws.accepts(DEV, put(LATEST, 'ami-b'));
    expect(await withdraw()).toEqual({ withdrawn: 1 });
    expect(aws.sent).not.toContainEqual(call(DEV, image('ami-a')));
  });

  it('fails with NotReadyYet on the first attempt, because what was just written may appear late', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), absent);
    await expect(withdraw(0)).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('fails with NotReadyYet while the version is still there', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), absent);
    aws.accepts(DEV, remove(VERSION));
    await expect(withdraw()).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: `111111111111/eu-west-1: ${VERSION} still exists`,
    });
  });

  it('fails with NotReadyYet while latest still reads ours', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, published(), versions({ '1.4.20261120093000': 'ami-0' }));
    aws.accepts(DEV, put(LATEST, 'ami-0'), remove(VERSION));
    await expect(withdraw()).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: `111111111111/eu-west-1: ${LATEST} still reads ami-1`,
    });
  });

  it('fails when it may not see whether an earlier AMI exists, and deletes nothing', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, published(), {});
    aws.on(DEV, history(), { Parameters: [{ Value: 'ami-0', Version: 1 }] });
    aws.on(DEV, image('ami-0'), awsError('UnauthorizedOperation'));
    await expect(withdraw()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(aws.commands.filter((command) => /Put|Delete/.test(command))).toEqual([]);
  });
});
