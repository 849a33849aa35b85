import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { handler } from '../../telling/stale-images.ts';
import { HUB, useAws } from '../fixtures/aws/strict-aws.ts';
import { unpublishedEvents } from '../fixtures/events.ts';
import { RELEASE } from '../fixtures/releases.ts';

const aws = useAws();
const OLD = '1.4.20261001093000';
const NEW = '1.4.20261101093000';
type Stored = readonly [key: string, document: object];
const released = (image: string, version: string, more: object = {}): Stored => [
  `released/${image}/${version}.json`,
  { schema: 2, ...RELEASE, releaseId: `${image}@${version}`, image, version, images: [], ...more },
];

/** The bucket holds these, and nothing else of its kind. */
function holds(...objects: readonly Stored[]): void {
  for (const folder of ['released/', 'revoked/']) {
    const listed = objects.map(([key]) => key).filter((key) => key.startsWith(folder));
    aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: folder }), {
      Contents: listed.map((Key) => ({ Key })),
    });
  }
  for (const [key, document] of objects) aws.holds('hub', key, document);
}

const look = async (now: string, images = ['web']) =>
  handler({ bucket: 'hub', images, staleAfterDays: 30, now });

const entrySchema = z.object({
  Entries: z.tuple([z.object({ Source: z.string(), DetailType: z.string(), Detail: z.string() })]),
});
const told = () =>
  aws.sent
    .filter(({ command }) => command === 'PutEvents')
    .map(({ input }) => {
      const [{ Source: source, DetailType: detailType, Detail }] = entrySchema.parse(input).Entries;
      const detail: unknown = JSON.parse(Detail);
      expect(unpublishedEvents([{ source, detailType, detail }])).toEqual([]);
      return detail;
    });

beforeEach(() => aws.expects(HUB, ({ command }) => command === PutEventsCommand.name.replace('Command', '')));

describe('an image that nobody releases', () => {
  it('is told of on the day that it becomes stale, with the version that stands', async () => {
    holds(released('web', OLD), released('web', NEW, { announcedAt: '2026-11-01T10:00:00.000Z' }));
    expect(await look('2026-11-30T12:00:00Z')).toEqual({ stale: [] });
    expect(told()).toEqual([]);
    expect(await look('2026-12-01T12:00:00Z')).toEqual({ stale: [`web@${NEW}`] });
    expect(told()).toMatchObject([
      {
        schema: 1,
        releaseId: `web@${NEW}`,
        releasedAt: '2026-11-01T10:00:00.000Z',
        days: 30,
        staleAfterDays: 30,
      },
    ]);
  });

  it('is told of again a week later, and not on the days between', async () => {
    holds(released('web', NEW, { announcedAt: '2026-11-01T10:00:00.000Z' }));
    for (const day of ['02', '05', '07'])
      expect(await look(`2026-12-${day}T12:00:00Z`)).toEqual({ stale: [`web@${NEW}`] });
    expect(told()).toEqual([]);
    await look('2026-12-08T12:00:00Z');
    expect(told()).toMatchObject([{ days: 37 }]);
  });

  it('is as old as the newest version that is not revoked; the record of an older deployment has the time of its version', async () => {
    const revoked = { schema: 1, releaseId: `web@${NEW}`, image: 'web', version: NEW, by: 'revoke' };
    const by = { executionArn: 'arn', at: '2026-11-02T00:00:00Z' };
    holds(released('web', OLD), released('web', NEW), [`revoked/web/${NEW}.json`, { ...revoked, ...by }]);
    expect(await look('2026-10-31T12:00:00Z')).toEqual({ stale: [`web@${OLD}`] });
    expect(told()).toMatchObject([
      { releaseId: `web@${OLD}`, releasedAt: '2026-10-01T09:30:00.000Z', days: 30 },
    ]);
  });

  it('is none of another factory, and none that was never released', async () => {
    holds(released('web', OLD));
    expect(await look('2026-12-31T12:00:00Z', ['base'])).toEqual({ stale: [] });
  });
});
