import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { BAKE_FILES, keys } from '../../core/contract/keys.ts';
import type { Plan } from '../../core/contract/releases.ts';
import { handler } from '../../tasks/approve.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { PLAN, PLANNED, RELEASE_ARN } from '../fixtures/aws/executions.ts';
import { HUB, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { PRERELEASE, RELEASE, amiIn } from '../fixtures/releases.ts';

const aws = useAws();

const EVENT = {
  token: 'a-token',
  stage: 'prod',
  approval: { timeoutHours: 24, fourEyes: true },
  enteredAt: '2026-11-21T10:00:00.000Z',
  release: RELEASE,
  plan: PLANNED.plan,
  ami: amiIn(DEV, 'ami-new'),
  tested: { dev: { instances: 1, tests: 4 } },
  run: { executionArn: RELEASE_ARN, redriveCount: 0 },
};
const BEFORE = '1.3.20261101093000';
const list = (Prefix: string, ...written: readonly (readonly [string, string])[]) =>
  aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix }), {
    Contents: written.map(([Key, at]) => ({ Key, LastModified: new Date(at) })),
  });
const setting = (value: number) => ({
  setting: 'rootVolumeSizeGiB',
  value,
  file: 'config/default.yaml',
  line: 3,
});
const plan: Plan = { ...PLAN, configuration: [setting(20)] };

beforeEach(() => {
  aws.holds('hub', 'plans/x/web/plan.json', plan);
  list(keys.revokedOf('web'));
  list(keys.releasedOf('web'));
  aws.expects(HUB, ({ command }) => command === 'PutEvents');
});

function told() {
  const { Entries } = Object(aws.sent.find(({ command }) => command === 'PutEvents')?.input);
  return { type: Entries[0].DetailType, ...JSON.parse(Entries[0].Detail) };
}

describe('asking for approval', () => {
  it('tells what is to be approved, until when, and how; of a first version nothing changes', async () => {
    expect(await handler(EVENT)).toEqual({ asked: true });
    expect(told()).toEqual({
      type: 'Approval Requested',
      schema: 1,
      ...RELEASE,
      executionArn: RELEASE_ARN,
      stage: 'prod',
      until: '2026-11-22T10:00:00.000Z',
      fourEyes: true,
      since: null,
      changes: [],
      tests: [{ stage: 'dev', instances: 1, tests: 4 }],
      approve: `packleader approve ${RELEASE.releaseId} --reason '…'`,
      reject: `packleader reject ${RELEASE.releaseId} --reason '…'`,
    });
    expect(JSON.stringify(told())).not.toContain('a-token');
  });

  it('compares with the newest version that stands in the stage: commits, packages and configuration', async () => {
    const record = {
      ...RELEASE,
      releaseId: `web@${BEFORE}`,
      version: BEFORE,
      commit: 'b'.repeat(40),
      configuration: [setting(16)],
      images: [
        { ...amiIn(DEV, 'ami-old-dev'), stage: 'dev' },
        { ...amiIn(PROD, 'ami-old'), stage: 'prod' },
      ],
    };
    const revoked = '1.3.20261110093000';
    list(
      keys.releasedOf('web'),
      [keys.released('web', BEFORE), '2026-11-01'],
      [keys.released('web', revoked), '2026-11-10'],
    );
    list(keys.revokedOf('web'), [keys.revoked('web', revoked), '2026-11-11']);
    aws.holds('hub', keys.revoked('web', revoked), {
      schema: 1,
      releaseId: `web@${revoked}`,
      image: 'web',
      version: revoked,
      at: '2026-11-11T09:30:00.000Z',
      by: 'revoke',
      executionArn: 'arn:aws:states:eu-central-1:999999999999:execution:packleader-repoint:x',
    });
    aws.holds('hub', keys.released('web', BEFORE), record);
    for (const [{ accountId, region }, imageId, at, packages] of [
      [DEV, 'ami-new', '2026-11-21T09:45:00Z', 'curl\t8.2\tx86_64\nnginx\t1.26\tx86_64\n'],
      [PROD, 'ami-old', '2026-11-01T10:00:00Z', 'curl\t8.1\tx86_64\n'],
    ] as const) {
      const folder = `bakes/${accountId}/a-build/`;
      list(
        `bakes/${accountId}/`,
        [`${folder}${BAKE_FILES.manifest}`, at],
        [`${folder}${BAKE_FILES.packages}`, at],
        [`bakes/${accountId}/long-ago/${BAKE_FILES.manifest}`, '2026-01-01'],
      );
      aws.holds('hub', `${folder}${BAKE_FILES.manifest}`, {
        builds: [{ artifact_id: `${region}:${imageId}` }],
      });
      aws.holds('hub', `${folder}${BAKE_FILES.packages}`, new TextEncoder().encode(packages));
    }
    await handler(EVENT);
    expect(told()).toMatchObject({
      since: { releaseId: `web@${BEFORE}`, commit: 'b'.repeat(40) },
      compareUrl: `https://github.com/example/images/compare/${'b'.repeat(40)}...${RELEASE.commit}`,
      changes: [
        {
          what: 'packages',
          count: 2,
          first: ['curl: 8.1 becomes 8.2', 'nginx: not installed becomes 1.26'],
        },
        { what: 'configuration', count: 1, first: ['rootVolumeSizeGiB: 16 becomes 20'] },
      ],
    });
  });

  it('says why packages and configuration cannot be compared, and asks all the same', async () => {
    list(keys.releasedOf('web'), [keys.released('web', BEFORE), '2026-11-01']);
    aws.holds('hub', keys.released('web', BEFORE), {
      ...RELEASE,
      releaseId: `web@${BEFORE}`,
      version: BEFORE,
      images: [{ ...amiIn(PROD, 'ami-old'), stage: 'prod' }],
    });
    list(`bakes/${DEV.accountId}/`);
    list(`bakes/${PROD.accountId}/`);
    await handler(EVENT);
    expect(told()).not.toHaveProperty('compareUrl');
    expect(told().changes).toEqual([
      {
        what: 'packages',
        count: null,
        first: [`web@${BEFORE}: what its bake left is not kept any more`],
      },
      { what: 'configuration', count: null, first: [`the record of web@${BEFORE} holds none`] },
    ]);
  });

  it('fails with NothingToApprove for a prerelease, which is not baked there, and tells nobody', async () => {
    aws.holds('hub', 'plans/x/web/plan.json', {
      ...plan,
      stages: [plan.stages[0], { name: 'prod', targets: [] }],
    });
    await expect(handler({ ...EVENT, release: PRERELEASE })).rejects.toMatchObject({
      name: 'NothingToApprove',
    });
    expect(aws.sent).toEqual([
      call(HUB, new GetObjectCommand({ Bucket: 'hub', Key: 'plans/x/web/plan.json' })),
    ]);
  });

  it('fails in an attempt that was redriven beside a retry', async () => {
    aws.on(HUB, new DescribeExecutionCommand({ executionArn: `${RELEASE_ARN}-r2` }), { status: 'RUNNING' });
    const run = { ...EVENT.run, redriveCount: 1 };
    await expect(handler({ ...EVENT, run })).rejects.toMatchObject({ name: 'ReleaseRetried' });
  });

  it('fails on an event that is none', async () => {
    await expect(handler({ ...EVENT, token: undefined })).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
