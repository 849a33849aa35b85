import { DescribeImagesCommand, type Image } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/publish-release.ts';
import type { Release } from '../../core/contract/releases.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { PRERELEASE, RELEASE, amiIn } from '../fixtures/releases.ts';
import { LATEST, VERSION, get, published, put, reads, versions } from '../fixtures/aws/parameters.ts';

const aws = useAws();
const absent = awsError('ParameterNotFound');

const publish = (release: Release = RELEASE, amis = { dev: [amiIn(DEV, 'ami-1')] }) =>
  handler({ release, amis });

const shown = (ImageId: string, changes: Partial<Image> = {}) =>
  aws.on(
    DEV,
    new DescribeImagesCommand({ ImageIds: [ImageId], IncludeDeprecated: true, IncludeDisabled: true }),
    { Images: [{ ImageId, State: 'available', ...changes }] },
  );
const ours = versions({ [RELEASE.version]: 'ami-1' });

describe('publishing a release', () => {
  it('writes the version, reads it back, and only then points latest at the newest version', async () => {
    aws.on(DEV, get(VERSION), absent, reads('ami-1'));
    aws.on(DEV, get(LATEST), reads('ami-0'), reads('ami-1'));
    aws.on(DEV, published(), ours);
    aws.accepts(DEV, put(VERSION, 'ami-1'), put(LATEST, 'ami-1'));
    expect(await publish()).toEqual({ published: 1 });
    expect(aws.sent).toEqual(
      [
        get(VERSION),
        put(VERSION, 'ami-1'),
        get(VERSION),
        published(),
        get(LATEST),
        put(LATEST, 'ami-1'),
        get(LATEST),
        published(),
      ].map((command) => call(DEV, command)),
    );
  });

  it('flips no latest before the version reads back in every target', async () => {
    aws.on(DEV, get(VERSION), absent, reads('ami-1'));
    aws.on(PROD, get(VERSION), absent);
    aws.accepts(DEV, put(VERSION, 'ami-1'));
    aws.accepts(PROD, put(VERSION, 'ami-2'));
    const amis = { dev: [amiIn(DEV, 'ami-1')], prod: [amiIn(PROD, 'ami-2')] };
    await expect(handler({ release: RELEASE, amis })).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: `222222222222/us-east-1: ${VERSION} reads nothing, expected ami-2`,
    });
    expect(aws.sent).not.toContainEqual(call(DEV, get(LATEST)));
  });

  it('twice writes nothing the second time', async () => {
    aws.on(DEV, get(VERSION), absent, reads('ami-1'));
    aws.on(DEV, get(LATEST), absent, reads('ami-1'));
    aws.on(DEV, published(), ours);
    aws.accepts(DEV, put(VERSION, 'ami-1'), put(LATEST, 'ami-1'));
    await publish();
    aws.sent = [];
    expect(await publish()).toEqual({ published: 1 });
    expect(aws.commands).toEqual(['GetParameter', 'GetParameter', 'GetParametersByPath', 'GetParameter']);
  });

  it('leaves latest at a newer version that another release published meanwhile', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, published(), versions({ [RELEASE.version]: 'ami-1', '1.4.20261122093000': 'ami-9' }));
    aws.on(DEV, get(LATEST), reads('ami-9'));
    shown('ami-9');
    expect(await publish()).toEqual({ published: 1 });
    expect(aws.commands).not.toContain('PutParameter');
  });

  it('moves latest on to a newer version that its own release has not flipped yet', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, published(), versions({ [RELEASE.version]: 'ami-1', '1.4.20261122093000': 'ami-9' }));
    aws.on(DEV, get(LATEST), reads('ami-0'), reads('ami-9'));
    shown('ami-9');
    aws.accepts(DEV, put(LATEST, 'ami-9'));
    expect(await publish()).toEqual({ published: 1 });
  });

  it.each<Partial<Image>>([
    { State: 'disabled' },
    { State: 'failed' },
    { State: 'deregistered' },
    { Tags: [{ Key: 'packleader:state', Value: 'quarantined' }] },
  ])('passes a newer version by whose AMI cannot be used: %j', async (changes) => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, published(), versions({ [RELEASE.version]: 'ami-1', '1.4.20261122093000': 'ami-9' }));
    aws.on(DEV, get(LATEST), reads('ami-9'), reads('ami-1'));
    shown('ami-9', changes);
    aws.accepts(DEV, put(LATEST, 'ami-1'));
    expect(await publish()).toEqual({ published: 1 });
  });

  it('fails with NotReadyYet while EC2 neither shows a newer version’s AMI nor says that it is gone', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, published(), versions({ [RELEASE.version]: 'ami-1', '1.4.20261122093000': 'ami-9' }));
    aws.on(
      DEV,
      new DescribeImagesCommand({ ImageIds: ['ami-9'], IncludeDeprecated: true, IncludeDisabled: true }),
      { Images: [] },
    );
    await expect(publish()).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('of a prerelease never touches latest', async () => {
    const version = `/packleader/web/versions/${PRERELEASE.version}`;
    aws.on(DEV, get(version), absent, reads('ami-1'));
    aws.accepts(DEV, put(version, 'ami-1'));
    expect(await publish(PRERELEASE)).toEqual({ published: 1 });
    expect(aws.commands).toEqual(['GetParameter', 'PutParameter', 'GetParameter']);
  });

  it('fails with NotReadyYet while latest does not read back', async () => {
    aws.on(DEV, get(VERSION), reads('ami-1'));
    aws.on(DEV, published(), ours);
    aws.on(DEV, get(LATEST), reads('ami-0'));
    aws.accepts(DEV, put(LATEST, 'ami-1'));
    await expect(publish()).rejects.toMatchObject({
      name: 'NotReadyYet',
      message: `111111111111/eu-west-1: ${LATEST} reads ami-0, expected ami-1`,
    });
  });

  it('fails when a parameter may not be read, rather than write it', async () => {
    aws.on(DEV, get(VERSION), awsError('AccessDeniedException'));
    await expect(publish()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(aws.commands).toEqual(['GetParameter']);
  });

  it('fails with Throttled when SSM has too many updates', async () => {
    aws.on(DEV, get(VERSION), absent);
    aws.on(DEV, put(VERSION, 'ami-1'), awsError('TooManyUpdates'));
    await expect(publish()).rejects.toMatchObject({ name: 'Throttled' });
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ release: RELEASE })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
