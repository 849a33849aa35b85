import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/take-inventory.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import {
  factoryImage,
  factoryImages,
  imageParameters,
  instances,
  nothingIsUsed,
} from '../fixtures/aws/census.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();

const NOW = '2026-11-21T09:30:00.000Z';
const take = async (attempt = 0, ...targets: (typeof DEV)[]) =>
  handler({ targets: targets.length > 0 ? targets : [DEV], now: NOW, attempt });
const tag = (ids: readonly string[], ...keys: string[]) =>
  new CreateTagsCommand({ Resources: [...ids], Tags: keys.map((Key) => ({ Key, Value: NOW })) });
const BOTH = ['LastUsed', 'LastUsedRuntime'];
const inUse = (ImageId: string) => ({ Reservations: [{ Instances: [{ ImageId }] }] });
const tagging = () => aws.sent.filter(({ command }) => command === 'CreateTags');

describe('an inventory', () => {
  it('tags what is used, and that it looked at everything', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, factoryImages, { Images: ['ami-1', 'ami-2', 'ami-3'].map((id) => factoryImage(id)) });
    aws.on(DEV, instances, inUse('ami-2'));
    const effects = [tag(['ami-2'], ...BOTH), tag(['ami-1', 'ami-3'], 'LastUsedRuntime')];
    aws.accepts(DEV, ...effects);
    expect(await take()).toEqual({ amis: 3, used: 1, unread: [], unreadCount: 0 });
    expect(tagging()).toEqual(effects.map((effect) => call(DEV, effect)));
  });

  it('counts the base of another image of the factory as used', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, factoryImages, {
      Images: [factoryImage('ami-1'), factoryImage('ami-2', { 'packleader:source-ami': 'ami-1' })],
    });
    aws.accepts(DEV, tag(['ami-1'], ...BOTH), tag(['ami-2'], 'LastUsedRuntime'));
    expect(await take()).toMatchObject({ amis: 2, used: 1 });
  });

  it('of nothing tags nothing', async () => {
    nothingIsUsed(aws, DEV);
    aws.accepts(DEV, factoryImages);
    expect(await take()).toMatchObject({ amis: 0, used: 0, unreadCount: 0 });
    expect(tagging()).toEqual([]);
  });

  it('of 10,000 AMIs takes 30 calls with its tags: a page holds 1,000, and a call tags as many', async () => {
    nothingIsUsed(aws, DEV);
    const images = Array.from({ length: 10_000 }, (_, index) => factoryImage(`ami-${index}`));
    for (let page = 0; page < 10; page += 1) {
      const more = page < 9 ? { NextToken: String(page + 1) } : {};
      const asked = page === 0 ? {} : { NextToken: String(page) };
      const command = Object.assign(Object.create(factoryImages), {
        input: { ...factoryImages.input, ...asked },
      });
      aws.on(DEV, command, { Images: images.slice(page * 1_000, (page + 1) * 1_000), ...more });
    }
    aws.on(DEV, instances, {
      Reservations: [{ Instances: images.slice(0, 3_500).map(({ ImageId = '' }) => ({ ImageId })) }],
    });
    aws.expects(DEV, ({ command }) => command === 'CreateTags');
    expect(await take()).toMatchObject({ amis: 10_000, used: 3_500 });
    expect(tagging().map(({ input }) => Object(input).Resources.length)).toEqual([
      1_000, 1_000, 1_000, 500, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 500,
    ]);
    expect(aws.sent.length).toBeLessThanOrEqual(30);
  });

  it('fails to say that it looked where a source could not be read, and says what is used all the same', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, factoryImages, { Images: [factoryImage('ami-1'), factoryImage('ami-2')] });
    aws.on(DEV, instances, inUse('ami-2'));
    aws.on(DEV, imageParameters, awsError('AccessDeniedException', 'no'));
    aws.accepts(DEV, tag(['ami-2'], 'LastUsed'));
    expect(await take()).toEqual({
      amis: 2,
      used: 1,
      unread: [{ ...DEV, resourceId: 'AMIs', why: 'parameters: AccessDenied: AccessDeniedException: no' }],
      unreadCount: 1,
    });
    expect(tagging()).toEqual([call(DEV, tag(['ami-2'], 'LastUsed'))]);
  });

  it('of a target whose AMIs cannot be read keeps none of the others from being looked at', async () => {
    nothingIsUsed(aws, DEV);
    nothingIsUsed(aws, PROD);
    aws.on(DEV, factoryImages, awsError('UnauthorizedOperation', 'no'));
    aws.on(PROD, factoryImages, { Images: [factoryImage('ami-1')] });
    aws.accepts(PROD, tag(['ami-1'], 'LastUsedRuntime'));
    expect(await take(0, DEV, PROD)).toMatchObject({ amis: 1, unread: [{ ...DEV }], unreadCount: 1 });
  });

  it('fails with Throttled as long as another try may help, and then names the target', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, factoryImages, awsError('RequestLimitExceeded'));
    await expect(take()).rejects.toMatchObject({ name: 'Throttled' });
    expect(await take(4)).toMatchObject({ unread: [{ ...DEV }], unreadCount: 1 });
  });

  it('fails with Throttled as long as another try may help also where one source is, and then names that', async () => {
    nothingIsUsed(aws, DEV);
    aws.on(DEV, factoryImages, { Images: [factoryImage('ami-1')] });
    aws.on(DEV, instances, awsError('RequestLimitExceeded'));
    await expect(take()).rejects.toMatchObject({ name: 'Throttled' });
    expect(await take(4)).toMatchObject({
      unread: [{ why: expect.stringContaining('instances: Throttled') }],
    });
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ targets: [DEV], now: 'now', attempt: 0 })).rejects.toMatchObject({
      name: 'InvalidEvent',
    });
  });
});
