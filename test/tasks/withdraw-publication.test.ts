import { DescribeImagesCommand, type Image } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../../core/contract/targets.ts';
import { handler } from '../../tasks/withdraw-publication.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, batchOf } from '../fixtures/releases.ts';
import { candidate, imagesByName, imagesByTag, tagList } from '../fixtures/aws/release-images.ts';
import {
  LATEST,
  VERSION,
  get,
  history,
  published,
  put,
  reads,
  remove,
  versions,
} from '../fixtures/aws/parameters.ts';
import { leftoversOf } from './leftovers.ts';

const aws = useAws();
const absent = awsError('ParameterNotFound');

const withdraw = (attempt = 1, ...targets: readonly Target[]) =>
  handler({
    release: RELEASE,
    resolved: { dev: { batches: [batchOf(DEV)] }, prod: { batches: [batchOf(...targets)] } },
    attempt,
  });
const image = (id: string) =>
  new DescribeImagesCommand({ ImageIds: [id], IncludeDeprecated: true, IncludeDisabled: true });
const exists = (id: string, changes: Partial<Image> = {}) =>
  aws.on(DEV, image(id), { Images: [{ ImageId: id, State: 'available', ...changes }] });
const ours = [imagesByTag, imagesByName, get(VERSION), get(LATEST)];
const written = () => aws.sent.filter(({ command }) => /Put|Delete/.test(command));

const unseen = (target: Target, why: string) => [
  { ...target, resourceId: RELEASE.releaseId, why: `could not be looked at: ${why}` },
];

beforeEach(() => {
  aws.on(DEV, imagesByTag, { Images: [candidate('ami-1')] });
  aws.on(DEV, imagesByName, { Images: [candidate('ami-1')] });
});

describe('withdrawing a publication', () => {
  it('points latest at the newest version that is left and exists, then deletes the version, then reads both back', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-old'));
    aws.on(
      DEV,
      published(),
      versions({
        '1.2.20261121093000': 'ami-older',
        '1.3.20261121093000': 'ami-old',
        '1.4.20261120093000': 'ami-gone',
        '1.4.20261120103000': 'ami-deregistered',
        [RELEASE.version]: 'ami-1',
        '1.5.20261122093000-topic': 'ami-topic',
      }),
    );
    aws.on(DEV, history(), { Parameters: [{ Value: 'ami-hand', Version: 1 }] });
    aws.on(DEV, image('ami-deregistered'), awsError('InvalidAMIID.Unavailable'));
    aws.on(DEV, image('ami-gone'), awsError('InvalidAMIID.NotFound'));
    exists('ami-old');
    aws.accepts(DEV, put(LATEST, 'ami-old'), remove(VERSION));
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(aws.sent).toEqual(
      [
        ...ours,
        history(),
        published(),
        image('ami-deregistered'),
        image('ami-gone'),
        image('ami-old'),
        put(LATEST, 'ami-old'),
        // Again, because another release may have come in between.
        published(),
        image('ami-deregistered'),
        image('ami-gone'),
        image('ami-old'),
        remove(VERSION),
        get(VERSION),
        get(LATEST),
      ].map((command) => call(DEV, command)),
    );
  });

  it('of nothing changes nothing, and looks once', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), absent);
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(aws.sent).toEqual(ours.map((command) => call(DEV, command)));
  });

  it('twice succeeds twice, and writes nothing the second time', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), absent);
    aws.on(DEV, published(), versions({ [RELEASE.version]: 'ami-1' }));
    aws.on(DEV, history(), { Parameters: [{ Value: 'ami-1', Version: 1 }] });
    aws.accepts(DEV, remove(LATEST), remove(VERSION));
    await withdraw();
    expect(written()).toEqual([call(DEV, remove(LATEST)), call(DEV, remove(VERSION))]);
    aws.sent = [];
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(aws.sent).toEqual(ours.map((command) => call(DEV, command)));
  });

  const steward = `arn:aws:sts::${DEV.accountId}:assumed-role/packleader-steward/hub`;
  const person = `arn:aws:sts::${DEV.accountId}:assumed-role/admin/jo`;

  it.each([
    ['was never ours', [{ Value: 'ami-9', Version: 1, LastModifiedUser: steward }]],
    [
      'was ours, and somebody set it since',
      [
        { Value: 'ami-1', Version: 1, LastModifiedUser: steward },
        { Value: 'ami-9', Version: 2, LastModifiedUser: person },
      ],
    ],
  ])('leaves latest alone when it %s', async (_when, Parameters) => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-9'));
    aws.on(DEV, history(), { Parameters });
    aws.accepts(DEV, remove(VERSION));
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(written()).toEqual([call(DEV, remove(VERSION))]);
  });

  it('points latest at the release that came in between, whose value it had covered before', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), reads('ami-0'), reads('ami-2'));
    aws.on(DEV, history(), {
      Parameters: [
        { Value: 'ami-1', Version: 1, LastModifiedUser: steward },
        { Value: 'ami-2', Version: 2, LastModifiedUser: steward },
        { Value: 'ami-0', Version: 3, LastModifiedUser: steward },
      ],
    });
    aws.on(DEV, published(), versions({ '1.4.20261120093000': 'ami-0', '1.4.20261122093000': 'ami-2' }));
    exists('ami-2');
    aws.accepts(DEV, put(LATEST, 'ami-2'));
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(written()).toEqual([call(DEV, put(LATEST, 'ami-2'))]);
  });

  it('sets latest again when another release is published meanwhile', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-2'));
    aws.on(DEV, history(), {});
    const before = { '1.4.20261120093000': 'ami-0' };
    aws.on(DEV, published(), versions(before), versions({ ...before, '1.4.20261122093000': 'ami-2' }));
    exists('ami-0');
    exists('ami-2');
    aws.accepts(DEV, put(LATEST, 'ami-0'), put(LATEST, 'ami-2'));
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(written()).toEqual([call(DEV, put(LATEST, 'ami-0')), call(DEV, put(LATEST, 'ami-2'))]);
  });

  it('fails when others publish faster than it can follow', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, history(), {});
    const ids = ['ami-2', 'ami-3', 'ami-4', 'ami-5', 'ami-6'];
    aws.on(DEV, published(), ...ids.map((id, index) => versions({ [`1.4.2026112209300${index}`]: id })));
    for (const id of ids) exists(id);
    aws.accepts(DEV, ...ids.map((id) => put(LATEST, id)));
    expect(await leftoversOf(withdraw())).toEqual(
      unseen(DEV, 'NotReadyYet: /packleader/web/latest is set by other releases all the time'),
    );
  });

  it.each<[string, Partial<Image>]>([
    ['disabled', { State: 'disabled' }],
    ['failed', { State: 'failed' }],
    ['being deregistered', { State: 'deregistered' }],
    ['quarantined', { Tags: tagList({ 'packleader:state': 'quarantined' }) }],
  ])('passes a version by whose AMI is %s', async (_, changes) => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-good'));
    aws.on(
      DEV,
      published(),
      versions({
        '1.4.20261119093000': 'ami-good',
        '1.4.20261120093000': 'ami-bad',
        [RELEASE.version]: 'ami-1',
      }),
    );
    aws.on(DEV, history(), {});
    exists('ami-bad', changes);
    exists('ami-good', { DeprecationTime: '2026-11-20T00:00:00.000Z' });
    aws.accepts(DEV, put(LATEST, 'ami-good'), remove(VERSION));
    await withdraw();
    expect(written()).toEqual([call(DEV, put(LATEST, 'ami-good')), call(DEV, remove(VERSION))]);
  });

  it('fails when an earlier AMI is neither shown nor said to be gone, and changes nothing', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, published(), versions({ '1.4.20261120093000': 'ami-0' }));
    aws.on(DEV, history(), {});
    aws.on(DEV, image('ami-0'), { Images: [] });
    expect(await leftoversOf(withdraw())).toEqual(unseen(DEV, 'NotReadyYet: ami-0 is not to be seen now'));
    expect(written()).toEqual([]);
  });

  it('finds what it published by the value of the version even when the AMI is gone', async () => {
    aws.on(DEV, imagesByTag, { Images: [] });
    aws.on(DEV, imagesByName, { Images: [] });
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), absent);
    aws.on(DEV, published(), {});
    // Not even when the history still names it.
    aws.on(DEV, history(), { Parameters: [{ Value: 'ami-1', Version: 1 }] });
    aws.accepts(DEV, remove(LATEST), remove(VERSION));
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(written()).toEqual([call(DEV, remove(LATEST)), call(DEV, remove(VERSION))]);
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
    exists('ami-b');
    aws.accepts(DEV, put(LATEST, 'ami-b'));
    expect(await withdraw()).toEqual({ targets: 1 });
    expect(aws.sent).not.toContainEqual(call(DEV, image('ami-a')));
    expect(written()).toEqual([call(DEV, put(LATEST, 'ami-b'))]);
  });

  it('restores an earlier value where every version that is left lost its AMI', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'), reads('ami-hand'));
    aws.on(DEV, published(), versions({ '1.4.20261120093000': 'ami-gone', [RELEASE.version]: 'ami-1' }));
    aws.on(DEV, history(), {
      Parameters: [
        { Value: 'ami-hand', Version: 1 },
        { Value: 'ami-1', Version: 2 },
      ],
    });
    aws.on(DEV, image('ami-gone'), awsError('InvalidAMIID.NotFound'));
    exists('ami-hand');
    aws.accepts(DEV, put(LATEST, 'ami-hand'), remove(VERSION));
    expect(await withdraw()).toEqual({ targets: 1 });
  });

  it('fails with NotReadyYet on the first attempt, because what was just written may appear late', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, get(LATEST), absent);
    await expect(withdraw(0)).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('fails on the first attempt with what is left rather than with NotReadyYet', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), absent);
    aws.accepts(DEV, remove(VERSION));
    expect(await leftoversOf(withdraw(0))).toMatchObject([{ resourceId: VERSION }]);
  });

  it('fails with the version while it is still there', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), absent);
    aws.accepts(DEV, remove(VERSION));
    expect(await leftoversOf(withdraw())).toEqual([
      { ...DEV, resourceId: VERSION, why: 'it still points at the release' },
    ]);
  });

  it('fails with latest while it still reads ours', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, published(), versions({ '1.4.20261120093000': 'ami-0' }));
    aws.on(DEV, history(), {});
    exists('ami-0');
    aws.accepts(DEV, put(LATEST, 'ami-0'), remove(VERSION));
    expect(await leftoversOf(withdraw())).toEqual([
      { ...DEV, resourceId: LATEST, why: 'it still points at the release' },
    ]);
  });

  it('fails when it may not see whether an earlier AMI exists, and deletes nothing', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, published(), {});
    aws.on(DEV, history(), { Parameters: [{ Value: 'ami-0', Version: 1 }] });
    aws.on(DEV, image('ami-0'), awsError('UnauthorizedOperation', 'no'));
    expect(await leftoversOf(withdraw())).toEqual(unseen(DEV, 'AccessDenied: UnauthorizedOperation: no'));
    expect(written()).toEqual([]);
  });

  it('fails when latest cannot be turned back, and keeps the version, which tells a retry whose latest it is', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.on(DEV, published(), {});
    aws.on(DEV, history(), {});
    aws.on(DEV, remove(LATEST), awsError('TooManyUpdates', 'slow down'));
    expect(await leftoversOf(withdraw())).toEqual(unseen(DEV, 'Throttled: TooManyUpdates: slow down'));
    expect(written()).toEqual([call(DEV, remove(LATEST))]);
  });

  it('fails for the target it cannot see, and withdraws from the others all the same', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'), absent);
    aws.on(DEV, get(LATEST), reads('ami-9'));
    aws.on(DEV, history(), {});
    aws.accepts(DEV, remove(VERSION));
    aws.on(PROD, imagesByTag, awsError('UnauthorizedOperation', 'no'));
    aws.on(PROD, imagesByName, { Images: [] });
    expect(await leftoversOf(withdraw(1, PROD))).toEqual(
      unseen(PROD, 'AccessDenied: UnauthorizedOperation: no'),
    );
    expect(written()).toEqual([call(DEV, remove(VERSION))]);
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ release: RELEASE, resolved: {} })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
