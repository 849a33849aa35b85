/**
 * What AWS limits, in stacks for 2 accounts as for a thousand: within its quotas, or refused by a sentence that says what to do. Whatever
 * a template holds is measured, so a resource of a new type fails here until somebody has said what of it AWS limits.
 */
import { describe, expect, it } from 'vitest';
import { type Factory, type Image, loadFactory } from '../../core/configuration/factory.ts';
import { ACCOUNTS_PER_POLICY, MOST_SCHEDULES, MOST_STAGES } from '../../core/contract/limits.ts';
import { NAMES, roleArn } from '../../core/contract/names.ts';
import { stewards } from '../../core/contract/tasks.ts';
import { REGIONS } from '../../core/contract/regions.ts';
import { targetsIn } from '../fixtures/accounts.ts';
import { CLOUDFORMATION } from '../fixtures/aws-quotas.ts';
import { AL2023, filesOf, retentionOf } from '../fixtures/factories.ts';
import { SCHEDULED_REBUILD, taskRole, triggerRole } from '../../workflow/constructs/role-names.ts';
import { type Synthesised, hub, target } from '../fixtures/synthesised.ts';
import { above, quantitiesOf, unknownTypes } from './quantities.ts';

const ORGANISATION = { organizationId: 'o-a1b2c3d4e5' };
const STAGES = ['dev', 'test', 'pre-prod', 'prod'];

/** With the longest list of branches that an EventBridge rule holds, in CodeCommit, which has a rule of its own for them. */
const BRANCHES = Array.from({ length: 48 }, (_, index) => `release/${String(index).padStart(10, '0')}*`);

function factoryOf(accounts: number, { stages = STAGES, images = 1 } = {}): Factory {
  const each = Math.ceil(accounts / stages.length);
  const placed = stages.map((name, stage) => {
    const count = Math.max(0, Math.min(each, accounts - stage * each));
    return [name, targetsIn(stage, count, 'ap-southeast-1')] as const;
  });
  const filled = placed.filter(([, { length }]) => length > 0);
  const files = new Map(
    filesOf({
      stages: Object.fromEntries(filled),
      approvals: Object.fromEntries(filled.slice(1).map(([name]) => [name, { timeoutHours: 1, notify: {} }])),
      ...(filled.length > 1 && { waitHours: 1 }),
      images: Object.fromEntries(Array.from({ length: images }, (_, index) => [`image-${index}`, AL2023])),
    }),
  );
  const factory = loadFactory(
    new Map([
      ...files,
      [
        'factory.yaml',
        (files.get('factory.yaml') ?? '').replace(
          /^repository: .*$/m,
          `repository: codecommit://images\npushBranches: ${JSON.stringify(BRANCHES)}`,
        ),
      ],
    ]),
  );
  return { ...factory, images: factory.images.map(onSchedule) };
}

const onSchedule = (image: Image): Image => ({
  ...image,
  schedule: { cron: '0 4 ? * MON *', timeZone: 'Europe/Berlin', when: 'newer-source-ami' },
});

/** The longest list of plugins, from the bucket. */
const DOWNLOADS = {
  downloads: 'bucket',
  plugins: Array.from({ length: 10 }, (_, index) => ({
    source: `github.com/example/plugin-${index}`,
    version: '1.0.0',
    url: `https://github.com/${'e'.repeat(250)}.zip`,
    sha256: 'f'.repeat(64),
  })),
};

/** With everything that can be switched on. */
const hubOf = (factory: Factory, more: { organizationId?: string } = {}) =>
  hub(factory, {
    customerKey: true,
    spotBuilders: true,
    keepBuilders: true,
    testAmis: true,
    shareAmis: true,
    copyAmis: true,
    scanAmis: { command: 'scan "$SBOM"' },
    webhookSecret: 'packleader/webhook',
    packer: { version: '1.14.2', sha256: 'a'.repeat(64) },
    alarms: { notify: { email: 'people@example.com' } },
    retention: retentionOf(factory),
    notify: {},
    staleAfterDays: 30,
    commitStatus: { provider: 'github', tokenSecret: 'packleader/status' },
    ...DOWNLOADS,
    ...more,
  });

const accountsIn = ({ stages }: Factory) =>
  stages.flatMap(({ targets }) => targets.map(({ accountId }) => accountId));

/** What a role of the hub may take on in target accounts. */
const takesOn = (stack: Synthesised, name: string): string[] =>
  stack
    .roles()
    .filter((role) => role.name === name)
    .flatMap(({ statements }) => statements)
    .filter(({ Action }) => Action.includes('sts:AssumeRole'))
    .flatMap(({ Resource }) => Resource)
    .toSorted();

describe.each([
  { accounts: 2, images: 1, organisation: {} },
  { accounts: 50, images: 5, organisation: {} },
  { accounts: 250, images: 20, organisation: {} },
  { accounts: 1_000, images: MOST_SCHEDULES, organisation: ORGANISATION },
])(
  'the hub of $accounts accounts, $images of its images on a schedule',
  ({ accounts, images, organisation }) => {
    const factory = factoryOf(accounts, { images });
    const stack = hubOf(factory, organisation);

    it('can be synthesised', () => {
      expect(stack.errors).toEqual([]);
    });

    it('stays within every quota of AWS', () => {
      expect(above(quantitiesOf(stack))).toEqual([]);
    });

    it('holds nothing of which nobody has said what AWS limits', () => {
      expect(unknownTypes(stack.resources)).toEqual([]);
    });

    it('names every account that its roles act in, and no other', () => {
      const ofRole = (role: string) =>
        accountsIn(factory)
          .map((id) => roleArn(id, role))
          .toSorted();
      for (const name of [
        ...stewards({
          retiring: true,
          tests: true,
          copies: true,
          scans: true,
          approval: true,
          retry: true,
        }).map(taskRole),
        triggerRole(SCHEDULED_REBUILD),
      ])
        expect(takesOn(stack, name), name).toEqual(ofRole(NAMES.stewardRole));
      expect(takesOn(stack, taskRole('test-amis'))).toEqual(ofRole(NAMES.testerRole));
      expect(takesOn(stack, taskRole('copy-amis'))).toEqual(ofRole(NAMES.copierRole));
      expect(takesOn(stack, NAMES.bakeBatchMachine)).toEqual(ofRole(NAMES.orchestratorRole));
    });
  },
);

describe('the hub of 1,000 accounts that names no organisation', () => {
  it('fails with what to set, and with nothing else', () => {
    expect(hubOf(factoryOf(1_000)).errors).toEqual([
      expect.stringMatching(
        /^The bucket's policy names 1000 accounts .* at most 20480 are allowed: set organizationId in packleader\.config,/,
      ),
    ]);
  });
});

describe('the most stages', () => {
  const names = Array.from(
    { length: MOST_STAGES },
    (_, index) => `stage-of-20-letter-${'abcdefghijklmnopqrst'[index]}`,
  );

  it('stay within every quota of AWS', () => {
    expect(above(quantitiesOf(hubOf(factoryOf(MOST_STAGES, { stages: names }))))).toEqual([]);
  });

  it('fails with one more, and says how many may be', () => {
    expect(() => factoryOf(MOST_STAGES + 1, { stages: [...names, 'prod'] })).toThrow(
      /^factory\.yaml:\d+ stages: .*must hold at most 20 stages$/,
    );
  });
});

describe('a factory that the hub has no room for', () => {
  it('fails when so many stages have too many targets together', () => {
    expect(() => factoryOf(1_000, { stages: [...STAGES, 'last'] })).toThrow(
      /^factory\.yaml:\d+ stages: found 1000 targets in all stages, must be at most 960, because there are 5 stages$/,
    );
  });

  it('fails when too many images have a schedule, and says what to do', () => {
    const files = new Map(
      filesOf({
        stages: { dev: targetsIn(0, 1) },
        images: Object.fromEntries(
          Array.from({ length: MOST_SCHEDULES + 1 }, (_, index) => [`image-${index + 100}`, AL2023]),
        ),
      }),
    );
    for (const [name, text] of files)
      if (name.endsWith('image.yaml')) files.set(name, `${text}schedule: { rate: 7 days }\n`);
    expect(() => loadFactory(files)).toThrow(
      /^images\/image-210\/image\.yaml schedule: found a schedule in 111 images, must be in at most 110, because the hub's stack holds no more: leave it out, and start the release of several images from one schedule of your own$/,
    );
  });

  it('fails when no rule holds its branches, and says what to do', () => {
    const files = new Map(filesOf({ stages: { dev: targetsIn(0, 1) } }));
    const branches = JSON.stringify([...BRANCHES, ...BRANCHES]);
    files.set('factory.yaml', `pushBranches: ${branches}\n${files.get('factory.yaml')}`);
    expect(() => loadFactory(files)).toThrow(
      /^factory\.yaml:1 pushBranches: found a list, must be shorter, because no EventBridge rule holds 96 branches that are so long: let one \* stand for many$/,
    );
  });
});

describe('a target', () => {
  const everywhere = loadFactory(
    filesOf({ stages: { dev: REGIONS.map((region) => ({ accountId: '111111111111', region })) } }),
  );
  const packer = { version: '1.14.2', sha256: 'a'.repeat(64) };
  const common = {
    customerKey: true,
    spotBuilders: true,
    keepBuilders: true,
    testAmis: true,
    copyAmis: true,
    packer,
    sessionManagerPlugin: packer,
  };
  const bakeVpc = {
    vpcId: 'vpc-0d0e0f00000000001',
    subnetIds: Array.from({ length: 16 }, (_, index) => `subnet-${String(index).padStart(17, '0')}`),
    securityGroupIds: Array.from({ length: 5 }, (_, index) => `sg-${String(index).padStart(17, '0')}`),
  };

  it.each([
    ['of one account among 1,000', { factory: factoryOf(1_000), accountId: '100000000001' }],
    [
      'in every region, with builds in the largest VPC',
      { factory: everywhere, accountId: '111111111111', bakeVpc },
    ],
    ['for any account, in every region', { factory: everywhere }],
  ])('%s stays within every quota of AWS', (_, props) => {
    const stack = target({ ...common, ...DOWNLOADS, retires: true, ...props });
    expect(stack.errors).toEqual([]);
    expect(above(quantitiesOf(stack))).toEqual([]);
    expect(unknownTypes(stack.resources)).toEqual([]);
  });

  it('for any account fits into the request that makes a StackSet, in every region, unless it tests or copies AMIs', () => {
    const charactersOf = (testAmis: boolean, copyAmis = testAmis) =>
      target({
        ...common,
        factory: everywhere,
        testAmis,
        copyAmis,
        retires: true,
        suppressTemplateIndentation: true,
      }).template.characters;
    expect(charactersOf(false)).toBeLessThan(CLOUDFORMATION.templateInRequest);
    // Else it goes by the URL of an object, as docs/deploying.md says.
    expect(charactersOf(true)).toBeLessThan(60_000);
  });
});

describe('the measure', () => {
  const stack = hubOf(factoryOf(ACCOUNTS_PER_POLICY + 1));

  it('finds each policy of each role, own and shared', () => {
    const whats = quantitiesOf(stack).map(({ what }) => what);
    expect(whats).toContain('managed policies of packleader-task-check-amis');
    expect(whats).toContain('inline policies of packleader-task-check-amis');
    expect(whats.filter((what) => what.startsWith('definition of '))).toHaveLength(8);
    expect(whats.filter((what) => what.startsWith('environment of ')).length).toBeGreaterThan(15);
  });

  it('fails for what is above a quota', () => {
    const small = quantitiesOf(stack).map((one) => ({ ...one, quota: one.found - 1 }));
    expect(above(small)).toHaveLength(small.length);
    expect(unknownTypes([...stack.resources, { type: 'AWS::New::Thing' }])).toEqual(['AWS::New::Thing']);
  });
});
