import { type Build } from '@aws-sdk/client-codebuild';
import type { Image } from '@aws-sdk/client-ec2';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/check-amis.ts';
import type { AskedAmi } from '../../core/contract/asked-amis.ts';
import type { Target } from '../../core/contract/targets.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, builds, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, batchOf } from '../fixtures/releases.ts';
import {
  candidate,
  imagesByName,
  imagesByTag,
  imagesByTagSecondPage,
} from '../fixtures/aws/release-images.ts';
import { build, getBuilds, listBuilds } from '../fixtures/aws/looks.ts';

const aws = useAws();

const ASKED: AskedAmi = {
  platform: 'linux',
  rootVolumeSizeGiB: 20,
  devices: ['/dev/xvda'],
  amiDevices: ['/dev/xvda'],
};
const EVENT = {
  release: RELEASE,
  plan: { bucket: 'hub', prefix: 'plans/x/web' },
  stage: 'dev',
  since: '2026-11-21T09:30:00.500Z',
};
const readsPlan = call(HUB, new GetObjectCommand({ Bucket: 'hub', Key: 'plans/x/web/plan.json' }));

function check(
  targets: readonly Target[] = [DEV],
  baked: unknown = [{ bakes: targets.map(() => ({})) }],
  attempt = 0,
  asked: AskedAmi = ASKED,
  architecture: 'x86_64' | 'arm64' = 'x86_64',
) {
  const planned = targets.map((target) => ({
    ...target,
    sourceAmi: { ids: {} },
    architecture,
    asked,
    timeoutMinutes: 60,
  }));
  aws.holds('hub', 'plans/x/web/plan.json', {
    release: RELEASE,
    stages: [{ name: 'dev', targets: planned }],
  });
  return handler({ ...EVENT, batches: [batchOf(...targets)], baked, attempt });
}

/** After the last look for an AMI that cannot be seen. */
const tooLate = (...targets: readonly Target[]) => check(targets, undefined, 4);

function holds(target: Target, ...images: readonly Image[]): void {
  aws.on(target, imagesByTag, { Images: [...images] });
  aws.on(target, imagesByName, { Images: [...images] });
}

describe('checking the AMIs of a stage', () => {
  it('finds the one sound AMI in every target, by tag and by name', async () => {
    holds(DEV, candidate('ami-1'));
    holds(PROD, candidate('ami-2'));
    expect(await check([DEV, PROD])).toEqual([
      { ...DEV, imageId: 'ami-1' },
      { ...PROD, imageId: 'ami-2' },
    ]);
    expect(aws.sentTo(HUB)).toEqual([readsPlan]);
    expect(aws.sentTo(DEV)).toEqual([call(DEV, imagesByTag), call(DEV, imagesByName)]);
    expect(aws.sentTo(PROD)).toEqual([call(PROD, imagesByTag), call(PROD, imagesByName)]);
  });

  it('twice says the same, of an AMI that has been released since as well', async () => {
    holds(DEV, candidate('ami-1', { 'packleader:state': 'released' }));
    expect(await check()).toEqual(await check());
  });

  it('of a stage without targets finds nothing to check', async () => {
    expect(await handler({ ...EVENT, stage: 'prod', batches: [], baked: [], attempt: 0 })).toEqual([]);
    expect(aws.sent).toEqual([]);
  });

  it('fails on a second AMI that is on the second page', async () => {
    holds(DEV);
    aws.on(DEV, imagesByTag, { Images: [candidate('ami-1')], NextToken: 'more' });
    aws.on(DEV, imagesByTagSecondPage, { Images: [candidate('ami-2')] });
    await expect(check()).rejects.toMatchObject({
      name: 'AmiRejected',
      message: `111111111111/eu-west-1: more than one AMI of ${RELEASE.releaseId} exists: ami-1, ami-2`,
    });
  });

  it.each([
    ['alone', []],
    ['beside its own', [candidate('ami-1')]],
  ])(
    'fails with NotReadyYet while EC2 shows the AMI of an earlier attempt %s, which is gone',
    async (_how, own) => {
      holds(DEV, { ...candidate('ami-9'), CreationDate: '2026-11-21T09:29:59.000Z' }, ...own);
      await expect(check()).rejects.toMatchObject({
        name: 'NotReadyYet',
        message: '111111111111/eu-west-1: ami-9 is that of an earlier attempt; looking again',
      });
      holds(DEV, { ...candidate('ami-1'), CreationDate: '2026-11-21T09:30:00.000Z' });
      expect(await check()).toEqual([{ ...DEV, imageId: 'ami-1' }]);
    },
  );

  it('of a stage that a retry has kept asks for no bakes, and takes what is older than itself', async () => {
    holds(DEV, { ...candidate('ami-1'), CreationDate: '2026-11-21T08:00:00.000Z' });
    await tooLate(DEV);
    const kept = { ...EVENT, batches: [batchOf(DEV)], baked: [], attempt: 0, toBake: [] };
    expect(await handler(kept)).toEqual([{ ...DEV, imageId: 'ami-1' }]);
    holds(DEV, { ...candidate('ami-1', { 'packleader:state': 'quarantined' }) });
    await expect(handler(kept)).rejects.toMatchObject({ name: 'AmiRejected' });
  });

  it('fails on an older AMI of the release beside its own that stays to be seen', async () => {
    holds(DEV, { ...candidate('ami-9'), CreationDate: '2026-11-21T09:29:59.000Z' }, candidate('ami-1'));
    await expect(tooLate(DEV)).rejects.toMatchObject({ name: 'AmiRejected' });
  });

  it('fails with NotReadyYet while an AMI is pending', async () => {
    holds(DEV, candidate('ami-1', {}, { State: 'pending' }));
    await expect(check()).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it.each([0, 1, 2, 3])(
    'fails with NotReadyYet at attempt %d when a build succeeded and no AMI is to be seen: EC2 may show it late',
    async (attempt) => {
      holds(DEV);
      await expect(check([DEV], undefined, attempt)).rejects.toMatchObject({ name: 'NotReadyYet' });
    },
  );

  it.each([4, 5])(
    'fails with BakeFailed at attempt %d when a build succeeded and left no AMI',
    async (attempt) => {
      holds(DEV);
      await expect(check([DEV], undefined, attempt)).rejects.toMatchObject({
        name: 'BakeFailed',
        message: `111111111111/eu-west-1: the build succeeded but left no AMI of ${RELEASE.releaseId}`,
      });
    },
  );

  const unsound: readonly (readonly [string, Image, string])[] = [
    [
      'failed',
      candidate('ami-1', {}, { State: 'failed', StateReason: { Message: 'no snapshot' } }),
      'is failed: no snapshot',
    ],
    [
      'misnamed',
      candidate('ami-1', {}, { Name: 'web' }),
      'is named web, not web-1.4.20261121093000-g4f2c1d9',
    ],
    ['without a snapshot', candidate('ami-1', {}, { BlockDeviceMappings: [] }), 'has no snapshot'],
    [
      'not encrypted',
      candidate(
        'ami-1',
        {},
        {
          BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: 'snap-1', Encrypted: false } }],
        },
      ),
      'is not encrypted (/dev/xvda)',
    ],
    [
      'of unknown encryption',
      candidate(
        'ami-1',
        {},
        { BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: 'snap-1' } }] },
      ),
      'is not encrypted (/dev/xvda)',
    ],
    [
      'from another source',
      candidate('ami-1', { 'packleader:source-ami': 'ami-x' }),
      'has the tag packleader:source-ami=ami-x, expected ami-source',
    ],
    [
      'of another stage',
      candidate('ami-1', { 'packleader:stage': 'prod' }),
      'has the tag packleader:stage=prod, expected dev',
    ],
    [
      'untagged',
      candidate('ami-1', {}, { Tags: [] }),
      `has the tag packleader:release=(none), expected ${RELEASE.releaseId}`,
    ],
    ['quarantined', candidate('ami-1', { 'packleader:state': 'quarantined' }), 'has the state quarantined'],
  ];

  it.each(unsound)('fails with AmiRejected on an AMI that is %s', async (_, image, why) => {
    holds(DEV, image);
    await expect(check()).rejects.toMatchObject({
      name: 'AmiRejected',
      message: `111111111111/eu-west-1: ami-1 ${why}`,
    });
  });

  const VOLUME = { SnapshotId: 'snap-1', VolumeSize: 20, Encrypted: true };
  const unlike: readonly (readonly [string, Partial<Image>, string])[] = [
    [
      'whose root is another device',
      {
        RootDeviceName: '/dev/sda1',
        BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: VOLUME }],
      },
      'has the root device /dev/sda1, expected /dev/xvda',
    ],
    [
      'with a stray second volume',
      {
        BlockDeviceMappings: [
          { DeviceName: '/dev/xvda', Ebs: VOLUME },
          { DeviceName: '/dev/sda1', Ebs: VOLUME },
        ],
      },
      'has a volume /dev/sda1 that the template does not ask for',
    ],
    [
      'of another size',
      { BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { ...VOLUME, VolumeSize: 8 } }] },
      'has a root volume of 8 GiB, expected 20',
    ],
    ['of another architecture', { Architecture: 'arm64' }, 'has the architecture arm64, expected x86_64'],
    ['of another platform', { Platform: 'Windows' }, 'has the platform windows, expected linux'],
    [
      'paravirtual',
      { VirtualizationType: 'paravirtual' },
      'has the virtualization type paravirtual, expected hvm',
    ],
    ['without IMDSv2', { ImdsSupport: undefined }, 'has the IMDS support (none), expected v2.0'],
    [
      'without ENA',
      { EnaSupport: undefined },
      'has no ENA support, without which no current instance type launches it',
    ],
    ['public', { Public: true }, 'is public: whoever wants can launch it'],
  ];

  it.each(unlike)('fails with AmiRejected on an AMI %s', async (_, changes, why) => {
    holds(DEV, candidate('ami-1', {}, changes));
    await expect(check()).rejects.toMatchObject({
      name: 'AmiRejected',
      message: `111111111111/eu-west-1: ami-1 ${why}`,
    });
  });

  it.each<[string, AskedAmi, 'x86_64' | 'arm64', Partial<Image>, string]>([
    [
      'of another boot mode than the template’s',
      { ...ASKED, bootMode: 'uefi' },
      'x86_64',
      { BootMode: 'legacy-bios' },
      'has the boot mode legacy-bios, expected uefi',
    ],
    [
      'for arm64 that boots by BIOS',
      ASKED,
      'arm64',
      { Architecture: 'arm64', BootMode: 'legacy-bios' },
      'has the boot mode legacy-bios, which no arm64 instance has',
    ],
    [
      'of a surrogate whose root is another device',
      { platform: 'linux', rootVolumeSizeGiB: 20, rootDevice: '/dev/sda1' },
      'x86_64',
      {},
      'has the root device /dev/xvda, expected /dev/sda1',
    ],
  ])('fails with AmiRejected on an AMI %s', async (_, asked, architecture, changes, why) => {
    holds(DEV, candidate('ami-1', {}, changes));
    await expect(check([DEV], undefined, 0, asked, architecture)).rejects.toMatchObject({
      name: 'AmiRejected',
      message: `111111111111/eu-west-1: ami-1 ${why}`,
    });
  });

  it('takes the root device that there is where the template computes its own', async () => {
    holds(
      DEV,
      candidate(
        'ami-1',
        {},
        { RootDeviceName: '/dev/sda1', BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: VOLUME }] },
      ),
    );
    const asked: AskedAmi = { platform: 'linux', rootVolumeSizeGiB: 20 };
    expect(await check([DEV], undefined, 0, asked)).toHaveLength(1);
  });

  it('passes an AMI by that is being deregistered', async () => {
    holds(DEV, candidate('ami-0', {}, { State: 'deregistered' }), candidate('ami-1'));
    expect(await check()).toEqual([{ ...DEV, imageId: 'ami-1' }]);
  });

  it('fails with what no waiting can mend when another target is only not ready yet', async () => {
    holds(DEV, candidate('ami-1', {}, { State: 'pending' }));
    holds(PROD);
    await expect(tooLate(DEV, PROD)).rejects.toMatchObject({ name: 'BakeFailed' });
  });

  it('fails when it may not look', async () => {
    aws.on(DEV, imagesByTag, awsError('UnauthorizedOperation'));
    aws.on(DEV, imagesByName, { Images: [] });
    await expect(check()).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('checking a stage of which a bake failed', () => {
  const get = getBuilds('packleader-bake:1');
  const ended: Build = {
    ...build('packleader-bake:1', 'FAILED', DEV),
    phases: [
      { phaseType: 'INSTALL', phaseStatus: 'SUCCEEDED' },
      {
        phaseType: 'BUILD',
        phaseStatus: 'FAILED',
        contexts: [{ message: 'exit status 1' }, { message: '' }],
      },
    ],
    arn: 'arn:aws:codebuild:eu-central-1:111111111111:build/packleader-bake:1',
    logs: { groupName: '/packleader/packleader-bake', streamName: '1' },
  };
  const QUOTA =
    'CodeBuild let no build start for 8 hours. Raise the quota "Concurrently running builds for ARM/Small environment" of 111111111111 in Service Quotas, ' +
    "in the hub's region: in a young account it is 1, or 0.";
  const log =
    'Log, in account 111111111111: https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/$252Fpackleader$252Fpackleader-bake/log-events/1';
  const checkAfter = (aBuild: Build) => {
    aws.on(builds(DEV), listBuilds, { ids: ['packleader-bake:1'] });
    aws.on(builds(DEV), get, { builds: [aBuild] });
    return check([DEV], [{ bakes: [{ ...DEV, error: 'States.TaskFailed' }] }]);
  };

  it("fails with Packer's own reason, which the build found in its log, in one line", async () => {
    const value = 'Error: No match for argument: ngnix\n | Script exited with non-zero exit status: 1.';
    const explained = {
      ...ended,
      exportedEnvironmentVariables: [{ name: 'AMI_ID' }, { name: 'LAST_ERROR', value }],
    };
    await expect(checkAfter(explained)).rejects.toMatchObject({
      message: `111111111111/eu-west-1: build packleader-bake:1 ended FAILED in BUILD: Error: No match for argument: ngnix | Script exited with non-zero exit status: 1. ${log}`,
    });
  });

  it('says once what to look at, however many builds failed of it', async () => {
    const value = 'Timeout waiting for SSH.';
    for (const target of [DEV, PROD]) {
      aws.on(builds(target), listBuilds, { ids: ['packleader-bake:1'] });
      const explained = { ...ended, exportedEnvironmentVariables: [{ name: 'LAST_ERROR', value }] };
      aws.on(builds(target), get, { builds: [explained] });
    }
    const failed = { error: 'States.TaskFailed' };
    const error: unknown = await check([DEV, PROD], [{ bakes: [failed, failed] }]).catch((e: unknown) => e);
    const lines = error instanceof Error ? error.message.split('\n') : [];
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/^Advice: SSH never answered\. Look at: 1\. whether the builder is listed/);
  });

  it('fails with the beginning of a reason that is too long, where the error stands', async () => {
    const value = `the error ${'x'.repeat(5_000)}`;
    const explained = { ...ended, exportedEnvironmentVariables: [{ name: 'LAST_ERROR', value }] };
    await expect(checkAfter(explained)).rejects.toMatchObject({
      message: expect.stringMatching(/in BUILD: the error x{589}…\. Log, in account/),
    });
  });

  it('fails without a link when a build has no log', async () => {
    const { logs, ...silent } = ended;
    expect(logs).toBeDefined();
    await expect(checkAfter(silent)).rejects.toMatchObject({
      message: '111111111111/eu-west-1: build packleader-bake:1 ended FAILED in BUILD: exit status 1.',
    });
  });

  it('fails with the phase, the message and the log of the build', async () => {
    aws.on(builds(DEV), listBuilds, { ids: ['packleader-bake:1'] });
    aws.on(builds(DEV), get, { builds: [ended] });
    await expect(check([DEV], [{ bakes: [{ ...DEV, error: 'States.TaskFailed' }] }])).rejects.toMatchObject({
      name: 'BakeFailed',
      message: `111111111111/eu-west-1: build packleader-bake:1 ended FAILED in BUILD: exit status 1. ${log}`,
    });
    expect(aws.sent).toEqual([call(builds(DEV), listBuilds), call(builds(DEV), get)]);
  });

  describe('whose build had made its AMI before', () => {
    const made = (changes: Partial<Build> = {}): Build => ({
      ...ended,
      phases: [
        { phaseType: 'BUILD', phaseStatus: 'SUCCEEDED' },
        { phaseType: 'UPLOAD_ARTIFACTS', phaseStatus: 'FAILED', contexts: [{ message: 'no such bucket' }] },
      ],
      exportedEnvironmentVariables: [{ name: 'AMI_ID', value: 'ami-1' }],
      ...changes,
    });

    it('takes the AMI, when it is the only one and sound: only its record could not be uploaded', async () => {
      holds(DEV, candidate('ami-1'));
      expect(await checkAfter(made())).toEqual([{ ...DEV, imageId: 'ami-1' }]);
    });

    it('takes the AMI of a build that succeeded without anybody hearing of it', async () => {
      holds(DEV, candidate('ami-1'));
      expect(await checkAfter(made({ buildStatus: 'SUCCEEDED' }))).toEqual([{ ...DEV, imageId: 'ami-1' }]);
    });

    it('fails when another AMI is there than the one that the build names', async () => {
      holds(DEV, candidate('ami-2'));
      await expect(checkAfter(made())).rejects.toMatchObject({
        name: 'AmiRejected',
        message: '111111111111/eu-west-1: ami-2 is not the AMI that its build made, ami-1',
      });
    });

    it('fails when the AMI is not sound', async () => {
      holds(DEV, candidate('ami-1', { 'packleader:source-ami': 'ami-x' }));
      await expect(checkAfter(made())).rejects.toMatchObject({ name: 'AmiRejected' });
    });

    it.each<readonly [string, Partial<Build>]>([
      ['that still runs', { buildStatus: 'IN_PROGRESS' }],
      ['that named no AMI', { exportedEnvironmentVariables: [] }],
      ['whose builder may be left', { phases: [{ phaseType: 'BUILD', phaseStatus: 'FAILED' }] }],
      ['that never came to its phase BUILD', { phases: [{ phaseType: 'QUEUED', phaseStatus: 'TIMED_OUT' }] }],
    ])('fails for a build %s, whatever AMI there is', async (_, changes) => {
      await expect(checkAfter(made(changes))).rejects.toMatchObject({ name: 'BakeFailed' });
      expect(aws.sentTo(DEV)).toEqual([]);
    });

    it('fails while an older build of the release still runs', async () => {
      aws.on(builds(DEV), listBuilds, { ids: ['packleader-bake:2', 'packleader-bake:1'] });
      aws.on(builds(DEV), getBuilds('packleader-bake:2', 'packleader-bake:1'), {
        builds: [made(), made({ buildStatus: 'IN_PROGRESS' })],
      });
      await expect(check([DEV], [{ bakes: [{ error: 'x' }] }])).rejects.toMatchObject({ name: 'BakeFailed' });
    });
  });

  it('fails with a build that still runs although its bake is over', async () => {
    aws.on(builds(DEV), listBuilds, { ids: ['packleader-bake:1'] });
    aws.on(builds(DEV), get, { builds: [{ ...ended, buildStatus: 'IN_PROGRESS', phases: [] }] });
    await expect(check([DEV], [{ bakes: [{ error: 'States.Timeout' }] }])).rejects.toMatchObject({
      name: 'BakeFailed',
      message: `111111111111/eu-west-1: build packleader-bake:1 still runs, but nobody heard of it any more. ${log}`,
    });
  });

  it('fails at once, at the first attempt: a build that failed leaves nothing to wait for', async () => {
    aws.on(builds(DEV), listBuilds, { ids: [] });
    const checking = check([DEV, PROD], [{ bakes: [{ error: 'x' }, {}] }], 0);
    await expect(checking).rejects.toMatchObject({ name: 'BakeFailed' });
    expect(aws.sent).toEqual([call(builds(DEV), listBuilds)]);
  });

  it('fails with the error of the bake when no build was started', async () => {
    aws.on(builds(DEV), listBuilds, { ids: [] });
    await expect(check([DEV], [{ bakes: [{ error: 'CodeBuild.AccessDenied' }] }])).rejects.toMatchObject({
      name: 'BakeFailed',
      message: '111111111111/eu-west-1: no build ran (CodeBuild.AccessDenied)',
    });
  });

  it('fails with the quota to raise when the account had no build free for as long as a bake takes', async () => {
    aws.on(builds(DEV), listBuilds, { ids: [] });
    const error = 'CodeBuild.AccountLimitExceededException';
    await expect(check([DEV], [{ bakes: [{ error }] }])).rejects.toMatchObject({
      name: 'BakeFailed',
      message: `111111111111/eu-west-1: no build ran: ${QUOTA}`,
    });
  });

  it('fails with the quota to raise when the build never left the queue', async () => {
    aws.on(builds(DEV), listBuilds, { ids: ['packleader-bake:1'] });
    const phases = [{ phaseType: 'QUEUED' as const, phaseStatus: 'TIMED_OUT' as const }];
    aws.on(builds(DEV), get, { builds: [{ ...ended, buildStatus: 'TIMED_OUT', phases }] });
    await expect(check([DEV], [{ bakes: [{ error: 'States.TaskFailed' }] }])).rejects.toMatchObject({
      name: 'BakeFailed',
      message: `111111111111/eu-west-1: build packleader-bake:1 ended TIMED_OUT in QUEUED: no message given. ${QUOTA} ${log}`,
    });
  });

  it.each([
    ['of a batch that failed', [{ error: 'States.Timeout' }], 'States.Timeout'],
    ['of a batch that never ran', [], 'the batch never ran'],
    ['that nothing was heard of', [{ bakes: [] }], 'the bake never ran'],
  ])('fails for every bake %s', async (_, baked, why) => {
    aws.on(builds(DEV), listBuilds, { ids: [] });
    await expect(check([DEV], baked)).rejects.toThrow(`111111111111/eu-west-1: no build ran (${why})`);
  });

  it('fails with three reasons, and counts the rest', async () => {
    const targets = ['1', '2', '3', '4', '5'].map((digit) => ({ ...DEV, accountId: digit.repeat(12) }));
    for (const target of targets) aws.on(builds(target), listBuilds, { ids: [] });
    const failed = targets.map(() => ({ error: 'x' }));
    const checking = check(targets, [{ bakes: failed }]);
    await expect(checking).rejects.toThrow(/^111.*: no build ran \(x\)\n222.*\n333.*\nAnd 2 more targets\.$/);
    expect(aws.sent).toHaveLength(5);
  });
});

it('fails on an event that does not say how often it was tried', async () => {
  const event = { ...EVENT, batches: [], baked: [] };
  await expect(handler(event)).rejects.toMatchObject({ name: 'InvalidEvent' });
});
