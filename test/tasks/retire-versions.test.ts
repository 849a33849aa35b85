import {
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  DisableImageCommand,
  EnableImageDeprecationCommand,
  type Image,
} from '@aws-sdk/client-ec2';
import { DeleteParameterCommand, GetParametersCommand } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { type RetentionRules, retentionSchema } from '../../core/configuration/retention.ts';
import { byRegion } from '../../core/contract/targets.ts';
import { handler } from '../../tasks/retire-versions.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import {
  factoryImage,
  factoryImages,
  instances,
  nothingIsLeft,
  nothingIsUsed,
} from '../fixtures/aws/census.ts';
import { builtOn, groups, launchConfigurations, references, usersAre } from '../fixtures/aws/image-users.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';

const aws = useAws();

const eventSchema = z.object({ DetailType: z.string(), Detail: z.string() });

const NOW = '2026-11-21T09:30:00.000Z';
const RELEASE_ID = 'base@1.4.20260901000000';
const VERSION = '/packleader/base/versions/1.4.20260901000000';
const latest = new GetParametersCommand({ Names: ['/packleader/base/latest'] });
const rules = { base: retentionSchema.parse({ keepNewest: 1 }) };
const NEWEST = {
  ...factoryImage('ami-9', {
    'packleader:release': 'base@1.4.20261101000000',
    LastUsedRuntime: NOW,
  }),
  CreationDate: '2026-11-01T00:00:00.000Z',
};

const old = (tags: Readonly<Record<string, string>> = {}, more: Partial<Image> = {}): Image => ({
  ...factoryImage('ami-1', { LastUsedRuntime: NOW, ...tags }),
  OwnerId: DEV.accountId,
  BlockDeviceMappings: [{ Ebs: { SnapshotId: 'snap-1' } }],
  ...more,
});
function holds(image: Image, target = DEV): void {
  aws.on(target, factoryImages, { Images: [image, NEWEST] });
  aws.accepts(target, latest);
}
const phase = (is: string) => ({ 'packleader:retirement': `${is} 2026-11-01T00:00:00.000Z` });
const retire = async (request: object = {}, ...targets: (typeof DEV)[]) =>
  retireBy(rules, request, ...targets);
const retireBy = async (by: RetentionRules, request: object = {}, ...targets: (typeof DEV)[]) =>
  handler({
    request,
    deployed: byRegion(targets.length > 0 ? targets : [DEV]),
    rules: by,
    now: NOW,
    attempt: 0,
  });
const remember = (is: string, before = '') =>
  new CreateTagsCommand({
    Resources: ['ami-1'],
    Tags: [{ Key: 'packleader:retirement', Value: `${is} ${NOW}${before}` }],
  });
/** What changes something, in order, without the events. */
const effects = () =>
  aws.sent.filter(({ where, command }) => where !== HUB && !/^(Describe|Get)/.test(command));
const events = () =>
  aws.sent
    .filter(({ command }) => command === 'PutEvents')
    .map(({ input }) => z.object({ Entries: z.tuple([eventSchema]) }).parse(input).Entries[0]);

beforeEach(() => {
  aws.expects(HUB, ({ command }) => command === 'PutEvents');
  for (const target of [DEV, PROD]) nothingIsLeft(aws, target);
});

describe('retiring versions', () => {
  it('deprecates, and then remembers that, with an event before and after', async () => {
    holds(old());
    usersAre(aws, DEV, ['ami-1']);
    const deprecate = new EnableImageDeprecationCommand({
      ImageId: 'ami-1',
      DeprecateAt: new Date('2026-11-21T13:30:00.000Z'),
    });
    aws.accepts(DEV, deprecate, remember('deprecated'));
    expect(await retire()).toMatchObject({
      complete: true,
      done: [{ releaseId: RELEASE_ID, step: 'deprecate', amis: 1 }],
      kept: [{ why: 'it is number 1 of the 1 newest that are kept' }],
    });
    expect(effects()).toEqual([deprecate, remember('deprecated')].map((effect) => call(DEV, effect)));
    expect(events().map(({ DetailType }) => DetailType)).toEqual(['Image Retiring', 'Image Retired']);
    expect(JSON.parse(events()[0]?.Detail ?? '')).toEqual({
      schema: 1,
      releaseId: RELEASE_ID,
      image: 'base',
      version: '1.4.20260901000000',
      step: 'deprecate',
      why: 'nothing has used it for 7 days',
      amis: [{ ...DEV, imageId: 'ami-1' }],
    });
    const order = aws.sent.map(({ command }) => command);
    expect(order.indexOf('PutEvents')).toBeLessThan(order.indexOf('EnableImageDeprecation'));
    expect(order.lastIndexOf('PutEvents')).toBeGreaterThan(order.indexOf('CreateTags'));
  });

  it('leaves the deprecation of one that is deprecated already, and remembers it', async () => {
    holds(old({}, { DeprecationTime: '2026-10-01T00:00:00.000Z' }));
    usersAre(aws, DEV, ['ami-1']);
    const remembered = remember('deprecated', ' was 2026-10-01T00:00:00.000Z');
    aws.accepts(DEV, remembered);
    await retire();
    expect(effects()).toEqual([call(DEV, remembered)]);
  });

  it('remembers when it was to be deprecated before that date is lost, and carries it on when it disables', async () => {
    const later = '2027-02-01T00:00:00.000Z';
    holds(old({}, { DeprecationTime: later }));
    usersAre(aws, DEV, ['ami-1']);
    const deprecate = new EnableImageDeprecationCommand({
      ImageId: 'ami-1',
      DeprecateAt: new Date('2026-11-21T13:30:00.000Z'),
    });
    const remembered = remember('deprecated', ` was ${later}`);
    aws.accepts(DEV, remembered, deprecate);
    await retire();
    expect(effects()).toEqual([remembered, deprecate].map((effect) => call(DEV, effect)));
  });

  it('carries on when it was to be deprecated', async () => {
    const before = ' was 2027-02-01T00:00:00.000Z';
    holds(old({ 'packleader:retirement': `deprecated 2026-11-01T00:00:00.000Z${before}` }));
    usersAre(aws, DEV, ['ami-1']);
    const disable = new DisableImageCommand({ ImageId: 'ami-1' });
    aws.accepts(DEV, disable, remember('disabled', before));
    expect(await retire()).toMatchObject({ complete: true, done: [{ step: 'disable' }] });
  });

  it('that it does not deprecate first says that it has begun before it disables: else somebody else had', async () => {
    holds(old());
    usersAre(aws, DEV, ['ami-1']);
    const disable = new DisableImageCommand({ ImageId: 'ami-1' });
    const order = [remember('deprecated'), disable, remember('disabled')];
    aws.accepts(DEV, ...order);
    await retireBy({ base: retentionSchema.parse({ keepNewest: 1, deprecateFirst: false }) });
    expect(effects()).toEqual(order.map((effect) => call(DEV, effect)));
  });

  it('disables', async () => {
    holds(old(phase('deprecated')));
    usersAre(aws, DEV, ['ami-1']);
    const disable = new DisableImageCommand({ ImageId: 'ami-1' });
    aws.accepts(DEV, disable, remember('disabled'));
    expect(await retire()).toMatchObject({ complete: true, done: [{ step: 'disable' }] });
    expect(effects()).toEqual([disable, remember('disabled')].map((effect) => call(DEV, effect)));
  });

  describe('where more than a hundred would go', () => {
    const many = Array.from({ length: 101 }, (_, index): Image => ({
      ...old({
        ...phase('disabled'),
        'packleader:release': `base@1.4.20260901000000-b${100 + index}`,
      }),
      ImageId: `ami-${100 + index}`,
      State: 'disabled',
    }));
    const ids = many.map(({ ImageId = '' }) => ImageId);
    beforeEach(() => {
      aws.on(DEV, factoryImages, { Images: [...many, NEWEST] });
      aws.accepts(DEV, latest, builtOn(...ids));
      nothingIsUsed(aws, DEV);
    });

    it('looks once at everything that may use them, and not ten by ten', async () => {
      aws.on(DEV, instances, { Reservations: [{ Instances: [{ ImageId: 'ami-107', InstanceId: 'i-1' }] }] });
      const report = await retire({ dryRun: true, mostPercent: 100 });
      expect(report.done.map(({ step, why }) => `${step}: ${why}`)).toContain(
        'restore: ami-107 is used by i-1',
      );
      expect(report.done.filter(({ step }) => step === 'deregister')).toHaveLength(100);
      expect(aws.sent.map(({ command }) => command)).not.toContain('DescribeImageReferences');
    });

    it('fails where one of these cannot be read', async () => {
      aws.on(DEV, instances, awsError('UnauthorizedOperation', 'no'));
      await expect(retire({ dryRun: true, mostPercent: 100 })).rejects.toMatchObject({
        name: 'AccessDenied',
      });
    });
  });

  describe('deregisters', () => {
    const hide = new DeleteParameterCommand({ Name: VERSION });
    const deregister = new DeregisterImageCommand({ ImageId: 'ami-1', DeleteAssociatedSnapshots: true });
    const deleteSnapshot = new DeleteSnapshotCommand({ SnapshotId: 'snap-1' });
    beforeEach(() => {
      holds(old(phase('disabled'), { State: 'disabled' }));
      aws.accepts(DEV, references('ami-1'), builtOn('ami-1'), launchConfigurations, groups, hide);
    });

    it('with the snapshots in one call, after consumers have stopped finding it', async () => {
      aws.on(DEV, deregister, { DeleteSnapshotResults: [{ SnapshotId: 'snap-1', ReturnCode: 'success' }] });
      expect(await retire()).toMatchObject({ complete: true, done: [{ step: 'deregister' }], leftovers: [] });
      expect(effects()).toEqual([hide, deregister].map((effect) => call(DEV, effect)));
    });

    it('and asks again for a snapshot that EC2 left although it answered with success', async () => {
      aws.on(DEV, deregister, {
        DeleteSnapshotResults: [{ SnapshotId: 'snap-1', ReturnCode: 'internal-error' }],
      });
      aws.accepts(DEV, deleteSnapshot);
      expect(await retire()).toMatchObject({ complete: true });
      expect(effects().at(-1)).toEqual(call(DEV, deleteSnapshot));
    });

    it('and names a snapshot that does not go', async () => {
      aws.on(DEV, deregister, {
        DeleteSnapshotResults: [{ SnapshotId: 'snap-1', ReturnCode: 'client-error' }],
      });
      aws.on(DEV, deleteSnapshot, awsError('SnapshotLocked', 'it is locked'));
      expect(await retire()).toMatchObject({
        complete: false,
        leftovers: [{ ...DEV, resourceId: 'snap-1', why: 'client-error: SnapshotLocked: it is locked' }],
      });
    });

    it('but not a snapshot that another AMI uses', async () => {
      aws.on(DEV, deregister, { DeleteSnapshotResults: [{ SnapshotId: 'snap-1', ReturnCode: 'skipped' }] });
      aws.on(DEV, deleteSnapshot, awsError('InvalidSnapshot.InUse'));
      expect(await retire()).toMatchObject({ complete: true, leftovers: [] });
    });

    it('what is gone already as well', async () => {
      aws.on(DEV, deregister, awsError('InvalidAMIID.Unavailable'));
      expect(await retire()).toMatchObject({ complete: true, done: [{ step: 'deregister' }] });
    });

    describe('into the Recycle Bin', () => {
      const toBin = { base: retentionSchema.parse({ keepNewest: 1, deregister: 'recycle-bin' }) };
      const tags = [{ Key: 'packleader:state', Value: 'released' }];
      const asked: string[] = [];
      /** Answers as the Recycle Bin does, in two pages; days are by kind. */
      function binHas(days: Readonly<Record<string, number>>): void {
        vi.stubGlobal(
          'fetch',
          async (url: string, { method, body = '' }: { method: string; body?: string }) => {
            asked.push(`${method} ${url}`);
            const { pathname } = new URL(url);
            const kind = /EC2_IMAGE|EBS_SNAPSHOT/.exec(`${body} ${pathname}`)?.[0] ?? '';
            if (pathname.startsWith('/rules/'))
              return Response.json({
                Identifier: kind,
                ResourceType: kind,
                Status: 'available',
                RetentionPeriod: { RetentionPeriodValue: days[kind], RetentionPeriodUnit: 'DAYS' },
                ResourceTags: [{ ResourceTagKey: 'packleader:state', ResourceTagValue: 'released' }],
              });
            if (!body.includes('NextToken')) return Response.json({ Rules: [], NextToken: 'more' });
            return Response.json({ Rules: days[kind] === undefined ? [] : [{ Identifier: kind }] });
          },
        );
      }
      beforeEach(() => {
        asked.length = 0;
        const going = {
          Owners: ['self'],
          Filters: [{ Name: 'image-id', Values: ['ami-1'] }],
          IncludeDeprecated: true,
          IncludeDisabled: true,
        };
        aws.on(DEV, new DescribeImagesCommand(going), { Images: [old({}, { Tags: tags })] });
        aws.on(DEV, new DescribeSnapshotsCommand({ SnapshotIds: ['snap-1'] }), {
          Snapshots: [{ SnapshotId: 'snap-1', Tags: tags }],
        });
      });
      afterEach(() => vi.unstubAllGlobals());

      it('what its rules keep, AMI and snapshots', async () => {
        binHas({ EC2_IMAGE: 7, EBS_SNAPSHOT: 7 });
        aws.on(DEV, deregister, {});
        expect(await retireBy(toBin)).toMatchObject({ complete: true, done: [{ step: 'deregister' }] });
        expect(new Set(asked)).toEqual(
          new Set([
            'POST https://rbin.eu-west-1.amazonaws.com/list-rules',
            'GET https://rbin.eu-west-1.amazonaws.com/rules/EC2_IMAGE',
            'GET https://rbin.eu-west-1.amazonaws.com/rules/EBS_SNAPSHOT',
          ]),
        );
      });

      it('but nothing that could not come back: that stays everywhere, and says why', async () => {
        binHas({ EC2_IMAGE: 7 });
        expect(await retireBy(toBin)).toMatchObject({
          complete: true,
          done: [],
          kept: expect.arrayContaining([
            expect.objectContaining({
              releaseId: RELEASE_ID,
              why: 'in 111111111111/eu-west-1 no rule of the Recycle Bin keeps snap-1 of ami-1',
            }),
          ]),
        });
        expect(effects()).toEqual([]);
      });

      it.each([
        [403, 'AccessDeniedException', 'AccessDenied'],
        [500, 'InternalServerException', 'ConnectionLost'],
        [429, 'ThrottlingException', 'Throttled'],
      ])('and nothing at all where its rules cannot be read, as with %i %s', async (status, type, name) => {
        const headers = { 'x-amzn-errortype': type };
        vi.stubGlobal('fetch', async () => Response.json({ Message: 'no' }, { status, headers }));
        await expect(retireBy(toBin)).rejects.toMatchObject({ name, message: expect.stringContaining('no') });
        expect(effects()).toEqual([]);
      });

      it('and nothing where what it answers is no rule', async () => {
        vi.stubGlobal('fetch', async () => Response.json({ Rules: [{}] }));
        await expect(retireBy(toBin)).rejects.toMatchObject({
          name: 'AwsCallFailed',
          message: expect.stringContaining('the Recycle Bin answered what is no rule'),
        });
      });
    });
  });

  it('keeps everywhere what is used in one account, and says by whom', async () => {
    holds(old());
    holds(old(), PROD);
    usersAre(aws, DEV, ['ami-1']);
    usersAre(aws, PROD, ['ami-1'], { ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn:template' }] });
    const report = await retire({}, DEV, PROD);
    expect(report).toMatchObject({ complete: true, doneCount: 0 });
    expect(report.kept.map(({ why }) => why)).toContain('ami-1 is used by arn:template');
    expect(effects()).toEqual([]);
  });

  it('does not take the own parameter of a version for a use of it', async () => {
    holds(old());
    const Arn = `arn:aws:ssm:eu-west-1:111111111111:parameter${VERSION}`;
    usersAre(aws, DEV, ['ami-1'], { ImageReferences: [{ ImageId: 'ami-1', Arn }] });
    expect(await retire({ dryRun: true })).toMatchObject({ done: [{ releaseId: RELEASE_ID }] });
  });

  it('in a dry run looks as closely, and does nothing', async () => {
    holds(old());
    usersAre(aws, DEV, ['ami-1']);
    expect(await retire({ dryRun: true })).toMatchObject({
      dryRun: true,
      cause: 'Would move 1 version on, kept 1.',
      done: [{ step: 'deprecate' }],
    });
    expect(effects()).toEqual([]);
    expect(events()).toEqual([]);
  });

  it.each(['ami-9', 'base@1.4.20261101000000'])(
    'tells of nothing but %s when that is asked for',
    async (only) => {
      holds(old());
      usersAre(aws, DEV, ['ami-1']);
      expect(await retire({ dryRun: true, only })).toMatchObject({ doneCount: 0, keptCount: 1 });
    },
  );
});

describe('nothing is done', () => {
  it('fails with AccessDenied when nobody may see who uses it', async () => {
    holds(old());
    aws.accepts(DEV, builtOn('ami-1'), launchConfigurations, groups);
    aws.expects(DEV, ({ command }) => command === 'DescribeImageAttribute');
    aws.on(DEV, references('ami-1'), awsError('UnauthorizedOperation', 'no'));
    await expect(retire()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(effects()).toEqual([]);
  });

  it('is said of a target that cannot be read, with the reason', async () => {
    aws.on(DEV, factoryImages, awsError('UnauthorizedOperation', 'no'));
    const report = await retire();
    expect(report).toMatchObject({ complete: false });
    expect(report.stopped).toContain('111111111111/eu-west-1 could not be read');
  });

  it('fails with Throttled as long as another try may help', async () => {
    aws.on(DEV, factoryImages, awsError('RequestLimitExceeded'));
    await expect(retire()).rejects.toMatchObject({ name: 'Throttled' });
  });

  it.each([{ dryRun: 'yes' }, { undo: RELEASE_ID }, { mostPercent: 0 }, { images: ['base'] }, 'base', null])(
    'fails with InvalidRequest when asked for %j',
    async (request) => {
      const asked = handler({ request, deployed: byRegion([DEV]), rules, now: NOW, attempt: 0 });
      await expect(asked).rejects.toMatchObject({
        name: 'InvalidRequest',
        message: expect.stringContaining('Correct inputs are {}'),
      });
      expect(aws.sent).toEqual([]);
    },
  );
});
