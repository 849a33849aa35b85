import { createHash } from 'node:crypto';
import { BatchGetBuildsCommand, ListBuildsForProjectCommand } from '@aws-sdk/client-codebuild';
import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { Parity } from '../../core/contract/comparison.ts';
import type { Target } from '../../core/contract/targets.ts';
import { handler } from '../../tasks/compare-amis.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, builds, useAws } from '../fixtures/aws/strict-aws.ts';
import { cycloneDxProblems } from '../fixtures/cyclonedx.ts';
import { RELEASE, SOURCE_AMI, amiIn } from '../fixtures/releases.ts';

const aws = useAws();

const PREFIX = 'plans/x/web';
const OLD = 'openssl\t3.0-1\tx86_64\n';
const NEW = 'openssl\t3.0-2\tx86_64\n';
const THIRD = { accountId: '333333333333', region: 'eu-west-1' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const SBOM_OF_OLD = `sboms/web/1.4.20261121093000/${sha256(OLD).slice(0, 12)}.cdx.json`;
const SAME = { compared: 1, differences: 0, notCompared: 0, sboms: 1 };

interface Made {
  readonly target: Target;
  /** What it lists as installed; undefined when it lists nothing. */
  readonly packages?: string | undefined;
  /** What its bake left, if not that. */
  readonly left?: string;
  readonly source?: string;
  /** CodeBuild does not show its build. */
  readonly unseen?: true;
}

/** The build of each target, with an older build of another release before it. */
function baked({ target, packages, left, unseen }: Made): void {
  const id = `packleader-bake:${target.accountId}`;
  aws.on(
    builds(target),
    new ListBuildsForProjectCommand({ projectName: 'packleader-bake', sortOrder: 'DESCENDING' }),
    { ids: ['packleader-bake:other', id] },
  );
  aws.on(builds(target), new BatchGetBuildsCommand({ ids: ['packleader-bake:other', id] }), {
    builds: [
      { id: 'packleader-bake:other', exportedEnvironmentVariables: [{ name: 'AMI_ID', value: 'ami-other' }] },
      {
        id,
        exportedEnvironmentVariables: [
          { name: 'AMI_ID', value: unseen ? '' : `ami-${target.accountId}` },
          { name: 'PACKAGES_SHA256', value: packages === undefined ? '' : sha256(packages) },
        ],
      },
    ],
  });
  if (packages !== undefined)
    aws.holds(
      'hub',
      `bakes/${target.accountId}/${target.accountId}/package-manifest.tsv`,
      new TextEncoder().encode(left ?? packages),
    );
}

async function compareThese(
  made: readonly Made[],
  parity: Exclude<Parity, 'off'> = 'enforce',
  attempt = 0,
  isSeen = true,
) {
  for (const one of isSeen ? made : []) baked(one);
  aws.expects(HUB, ({ command }) => command === 'PutObject');
  const stages = made.map(({ target }, index) => ({ name: `stage-${index}`, target }));
  const target = { sourceAmi: { ids: {} }, architecture: 'x86_64', timeoutMinutes: 60 };
  aws.holds('hub', `${PREFIX}/plan.json`, {
    release: RELEASE,
    stages: stages.map(({ name, target: where }) => ({ name, targets: [{ ...where, ...target }] })),
  });
  return handler({
    release: RELEASE,
    plan: { bucket: 'hub', prefix: PREFIX },
    parity,
    attempt,
    resolved: Object.fromEntries(
      stages.map(({ name, target: where }, index) => [
        name,
        {
          batches: [
            {
              number: 1,
              targets: [{ ...where, sourceImageId: made[index]?.source ?? SOURCE_AMI, timeoutMinutes: 60 }],
            },
          ],
        },
      ]),
    ),
    amis: Object.fromEntries(
      stages.map(({ name, target: where }) => [name, [amiIn(where, `ami-${where.accountId}`)]]),
    ),
  });
}

/** What was put under a key that ends so. */
function written(end = 'comparison.json'): unknown {
  const found = aws.sent.find(
    ({ command, input }) =>
      command === 'PutObject' && String(Reflect.get(Object(input), 'Key')).endsWith(end),
  )?.input;
  return JSON.parse(String(Reflect.get(Object(found), 'Body')));
}

describe('comparing the AMIs of a release', () => {
  it('that list the same reads one list, and no source AMI, and writes down that nothing differs', async () => {
    expect(
      await compareThese([
        { target: DEV, packages: OLD },
        { target: PROD, packages: OLD },
      ]),
    ).toEqual(SAME);
    expect(aws.commands.filter((command) => command === 'GetObject')).toHaveLength(2);
    expect(aws.commands).not.toContain('DescribeImages');
    expect(written()).toMatchObject({ compared: 1, count: 0, differences: [] });
  });

  it('of a single target compares nothing, and leaves its SBOM', async () => {
    expect(await compareThese([{ target: DEV, packages: OLD }])).toEqual({ ...SAME, compared: 0 });
    expect(aws.commands.filter((command) => command === 'PutObject')).toHaveLength(2);
    expect(written('sboms.json')).toEqual({
      sboms: [
        {
          key: SBOM_OF_OLD,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          components: 1,
          packagesSha256: sha256(OLD),
        },
      ],
      without: [],
    });
    const sbom = written(SBOM_OF_OLD);
    expect(cycloneDxProblems(sbom)).toEqual([]);
    expect(sbom).toMatchObject({ components: [{ name: 'openssl', version: '3.0-1' }] });
  });

  it('leaves one SBOM of each list, and says which targets have which, and which have none', async () => {
    const made = [{ target: DEV, packages: OLD }, { target: PROD, packages: NEW }, { target: THIRD }];
    expect(await compareThese(made, 'report')).toMatchObject({ sboms: 2, notCompared: 1 });
    expect(written('sboms.json')).toMatchObject({
      sboms: [
        { key: SBOM_OF_OLD, targets: ['111111111111/eu-west-1'] },
        { key: expect.stringContaining(sha256(NEW).slice(0, 12)), targets: ['222222222222/us-east-1'] },
      ],
      without: [{ targets: ['333333333333/eu-west-1'], why: 'its bake told of no list' }],
    });
  });

  it('of nothing leaves nothing', async () => {
    expect(await compareThese([])).toEqual({ compared: 0, differences: 0, notCompared: 0, sboms: 0 });
    expect(aws.commands).toEqual(['GetObject']);
  });

  it('of a release that waited for days looks past the newest 500 builds, and no further than its start', async () => {
    const page = (from: number) => Array.from({ length: 100 }, (_, at) => `packleader-bake:${from + at}`);
    const listed = (nextToken?: string) =>
      new ListBuildsForProjectCommand({
        projectName: 'packleader-bake',
        sortOrder: 'DESCENDING',
        ...(nextToken !== undefined && { nextToken }),
      });
    const pages = (startOf: (number: number) => string) => {
      aws.on(builds(DEV), listed(), { ids: page(0), nextToken: '1' });
      for (let at = 0; at < 9; at++) {
        if (at > 0) aws.on(builds(DEV), listed(`${at}`), { ids: page(at * 100), nextToken: `${at + 1}` });
        aws.on(builds(DEV), new BatchGetBuildsCommand({ ids: page(at * 100) }), {
          builds: page(at * 100).map((id) => ({ id, startTime: new Date(startOf(at)) })),
        });
      }
    };
    baked({ target: DEV, packages: OLD });
    const made = { DEV: [{ target: DEV, packages: OLD }] };
    pages((at) => (at < 7 ? '2026-11-25T00:00:00Z' : '2026-11-20T00:00:00Z'));
    await expect(compareThese(made.DEV, 'report', 0, false)).rejects.toMatchObject({ name: 'NotReadyYet' });
    expect(aws.commands.filter((command) => command === 'BatchGetBuilds')).toHaveLength(8);
    aws.on(builds(DEV), new BatchGetBuildsCommand({ ids: page(600) }), {
      builds: [
        {
          id: `packleader-bake:${DEV.accountId}`,
          startTime: new Date('2026-11-21T10:00:00Z'),
          exportedEnvironmentVariables: [
            { name: 'AMI_ID', value: `ami-${DEV.accountId}` },
            { name: 'PACKAGES_SHA256', value: sha256(OLD) },
          ],
        },
      ],
    });
    expect(await compareThese(made.DEV, 'report', 0, false)).toMatchObject({ sboms: 1 });
  });

  it('says how they differ, and fails only where that is enforced', async () => {
    const made = [
      { target: DEV, packages: OLD },
      { target: PROD, packages: NEW },
    ];
    expect(await compareThese(made, 'report')).toEqual({ ...SAME, differences: 1, sboms: 2 });
    await expect(compareThese(made)).rejects.toMatchObject({
      name: 'AmisDiffer',
      message:
        'The AMIs of web@1.4.20261121093000 differ.\n222222222222/us-east-1: openssl x86_64 is 3.0-2, in 111111111111/eu-west-1 3.0-1',
    });
    expect(written()).toMatchObject({
      reference: '111111111111/eu-west-1',
      differences: [{ targets: ['222222222222/us-east-1'], changes: [{ found: '3.0-2' }] }],
    });
  });

  it('tells the first ten differences, and how many more there are', async () => {
    const list = (version: number) =>
      Array.from({ length: 14 }, (_, at) => `p${at}\t${version}\tnoarch\n`).join('');
    await expect(
      compareThese([
        { target: DEV, packages: list(1) },
        { target: PROD, packages: list(2) },
      ]),
    ).rejects.toThrow(/(\n222222222222.*){10}\nAnd 4 more differences\.$/);
  });

  it('names source AMIs that have an id of their own in each account', async () => {
    const made = [
      { target: DEV, packages: OLD, source: 'ami-a' },
      { target: PROD, packages: OLD, source: 'ami-b' },
    ];
    const named = (where: Target, id: string, Name: string) =>
      aws.on(where, new DescribeImagesCommand({ ImageIds: [id] }), { Images: [{ Name }] });
    named(DEV, 'ami-a', 'golden-7');
    named(PROD, 'ami-b', 'golden-7');
    expect(await compareThese(made)).toEqual(SAME);
    named(PROD, 'ami-b', 'golden-6');
    await expect(compareThese(made)).rejects.toThrow(
      'the source AMI is golden-6, in 111111111111/eu-west-1 golden-7',
    );
    aws.on(PROD, new DescribeImagesCommand({ ImageIds: ['ami-b'] }), awsError('InvalidAMIID.NotFound'));
    await expect(compareThese(made)).rejects.toThrow('the source AMI is ami-b, in');
  });

  it('lets an image pass that lists its packages nowhere, and no image that does so only somewhere', async () => {
    const none = await compareThese([{ target: DEV }, { target: PROD }]);
    expect(none).toEqual({ ...SAME, notCompared: 2, sboms: 0 });
    await expect(compareThese([{ target: DEV, packages: OLD }, { target: PROD }])).rejects.toThrow(
      '222222222222/us-east-1: no packages to compare: its bake told of no list',
    );
  });

  it('looks again for a build that does not show yet, and passes for nothing what it never saw', async () => {
    const made: Made[] = [
      { target: DEV, packages: OLD },
      { target: PROD, unseen: true },
    ];
    await expect(compareThese(made)).rejects.toMatchObject({ name: 'NotReadyYet' });
    await expect(compareThese(made, 'enforce', 4)).rejects.toThrow('its build cannot be found');
    expect(await compareThese(made, 'report', 4)).toEqual({ ...SAME, notCompared: 1 });
    const none: Made[] = [
      { target: DEV, unseen: true },
      { target: PROD, unseen: true },
    ];
    await expect(compareThese(none, 'enforce', 4)).rejects.toThrow('its build cannot be found');
  });

  it('believes no list that is not the one its bake told of', async () => {
    const made = [
      { target: DEV, packages: OLD },
      { target: PROD, packages: NEW, left: OLD },
    ];
    await expect(compareThese(made, 'report')).rejects.toThrow(
      /package-manifest\.tsv has the SHA-256 [0-9a-f]{64}, and its bake told [0-9a-f]{64}$/,
    );
  });
});
