import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { statusesOf, tellingsOf } from '../../../cli/commands/rehearse/told.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';
import { RELEASE } from '../../fixtures/releases.ts';
import { INPUT } from '../../telling/executions.ts';
import { run } from '../output.ts';
import { shipped } from '../rehearsing.ts';

const ARN = 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release-image:web';
const AT = '2026-11-21T09:40:00.000Z';
const detail = { schema: 1, ...RELEASE, executionArn: ARN };
const approved = {
  at: AT,
  source: 'packleader',
  detailType: 'Release Approved',
  detail: { ...detail, stage: 'prod', by: 'alice', reason: 'CHG-4711' },
};
const released = {
  at: AT,
  source: 'packleader',
  detailType: 'Image Released',
  detail: {
    ...detail,
    images: [{ stage: 'prod', accountId: '222222222222', region: 'eu-west-1', imageId: 'ami-1' }],
  },
};
const others = { ...released, source: 'somebody.else' };
const events = [approved, released, others];
const executions = [
  {
    executionArn: ARN,
    startedAt: '2026-11-21T09:30:00.000Z',
    endedAt: AT,
    status: 'SUCCEEDED',
    error: '',
    cause: '',
    input: INPUT,
    output: {
      announced: true,
      ...RELEASE,
      amis: { prod: [{ accountId: '222222222222', region: 'eu-west-1', imageId: 'ami-1' }] },
    },
  },
];

const told = (
  ...[settings, approvers]: [Parameters<typeof tellingsOf>[1], Parameters<typeof tellingsOf>[2]]
) => tellingsOf({ events, executions }, settings, approvers).map(({ topic, title }) => `${topic}: ${title}`);

describe('what people would be told of a rehearsal', () => {
  it('is nothing where nobody is told', () => {
    expect(told({}, {})).toEqual([]);
  });

  it('is what the topic of all releases is for, and no event of others', () => {
    expect(told({ notify: {} }, {})).toEqual([
      `packleader-releases: ${RELEASE.releaseId} is approved for prod, by alice`,
      `packleader-releases: ${RELEASE.releaseId} is released`,
    ]);
  });

  it('is only what was asked for, on a topic of one’s own', () => {
    const topicArn = 'arn:aws:sns:eu-west-1:999999999999:images';
    expect(told({ notify: { topicArn, events: ['released'] } }, {})).toEqual([
      `images: ${RELEASE.releaseId} is released`,
    ]);
    expect(told({ notify: { stages: ['dev'] } }, {})).toEqual([]);
  });

  it('goes to those who approve a stage, of that stage alone', () => {
    const line = `${RELEASE.releaseId} is approved for prod, by alice`;
    expect(told({}, { prod: {} })).toEqual([`packleader-approvals-prod: ${line}`]);
    expect(told({}, { test: {} })).toEqual([]);
  });

  it('is told of a beginning where that was asked for, in the order of time', () => {
    expect(told({ notify: { events: ['released', 'started'] } }, {})).toEqual([
      `packleader-releases: ${RELEASE.releaseId} is being released`,
      `packleader-releases: ${RELEASE.releaseId} is released`,
    ]);
  });
});

describe('what the commit would show', () => {
  const [execution = expect.unreachable()] = executions;
  const shown = (provider: 'github' | 'bitbucket', more: object = {}) =>
    statusesOf([{ ...execution, ...more }], { commitStatus: { provider, tokenSecret: 'packleader/status' } });

  it('is nothing where no statuses are set', () => {
    expect(statusesOf(executions, {})).toEqual([]);
  });

  it('is pending from the beginning on, and the AMIs in the end', () => {
    expect(shown('github').map(({ at, name, state, description }) => [at, name, state, description])).toEqual(
      [
        [execution.startedAt, 'packleader/web', 'pending', `Releasing ${RELEASE.version}`],
        [AT, 'packleader/web', 'success', `${RELEASE.version}: ami-1 (222222222222/eu-west-1)`],
      ],
    );
  });

  it('says the line why it failed, as much of it as the provider shows', () => {
    const cause = `dev: ${'x'.repeat(400)}\nDeregister dev AMIs: done.`;
    const failed = { status: 'FAILED', error: 'BakeFailed', cause, output: null };
    const lengths = (['github', 'bitbucket'] as const).map((provider) => {
      const { state, description } = shown(provider, failed).at(-1) ?? {};
      expect(state).toBe('failure');
      return description?.length;
    });
    expect(lengths).toEqual([140, 255]);
  });

  it('ends a rehearsal, and what the deployment would refuse is refused', async () => {
    const project = temporaryDirectory();
    cpSync(shipped, join(project, 'packer'), { recursive: true });
    const configured = (provider: string) => ({
      'package.json': '{}',
      'packleader.config': `commitStatus: { provider: ${provider}, tokenSecret: packleader/status }\n`,
    });
    const asked = ['rehearse', 'linux-base', '--factory', project, '--no-validate'] as const;
    writeFiles(project, configured('github'));
    expect((await run(...asked)).out).toMatch(
      /\n {2}shown by github at [0-9a-f]{7}: packleader\/linux-base success, 1\.4\.\d{14}: ami-\S+ \(111111111111\/eu-west-1\), ami-/,
    );
    const { out } = await run(...asked, '--json');
    const { statuses } = z
      .object({ statuses: z.array(z.looseObject({ state: z.string() })) })
      .parse(JSON.parse(out));
    expect(statuses.map(({ state }) => state)).toEqual(['pending', 'success']);
    writeFiles(project, configured('gitlab'));
    const refused = await run(...asked);
    expect([refused.exit, refused.err]).toEqual([
      2,
      expect.stringContaining(
        'packleader.config commitStatus.provider: found gitlab, must be github: the repository lives at github.com',
      ),
    ]);
  });
});
