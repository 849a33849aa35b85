import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { strToU8, unzipSync, zipSync } from 'fflate';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Changes } from '../../core/contract/releases.ts';
import { planSchema } from '../../core/contract/releases.ts';
import { handler } from '../../tasks/plan-releases.ts';
import { HUB, awsError, call, useAws } from '../fixtures/aws/strict-aws.ts';
import { IN_ONE_REGION, factoryWith } from '../core/configuration/example.ts';
import { KEEP_TEMPLATE, SOUND_TEMPLATE, SPOT_TEMPLATE } from '../fixtures/templates.ts';
import { COMMIT, REPOSITORY, VERSION as BASE_VERSION } from '../fixtures/releases.ts';

const aws = useAws();

const WEB_VARIABLES = `
variable "application" {}
variable "password" { sensitive = true }
`;
const SPOT_WEB = `${SPOT_TEMPLATE}${WEB_VARIABLES}`;

const FACTORY = factoryWith({
  'factory.yaml': `repository: ${REPOSITORY}
hub: { accountId: '999999999999', region: eu-west-1 }
stages:
  - { name: dev, targets: [{ accountId: '111111111111', region: eu-west-1 }] }
  - { name: prod, targets: [{ accountId: '222222222222', region: eu-west-1 }] }
`,
  'config/default.yaml': IN_ONE_REGION,
  'config/prod.yaml': 'instanceType: m7i.xlarge\n',
  'images/base/ansible/playbook.yml': '- not: [configuration',
  'images/web/config/default.yaml': `source: { image: base }
variables:
  application: '1.0'
  password: { secretsManager: web/password }
`,
  'images/desktop/image.yaml': null,
  'images/desktop/config/default.yaml': null,
  'images/base/base.pkr.hcl': SOUND_TEMPLATE,
  'images/web/web.pkr.hcl': `${SOUND_TEMPLATE}${WEB_VARIABLES}`,
});

const ASKED = {
  platform: 'linux',
  rootVolumeSizeGiB: 8,
  devices: ['/dev/xvda'],
  amiDevices: ['/dev/xvda'],
};
const SHA256 = 'a'.repeat(64);
const SOURCE = { bucket: 'hub', key: `sources/${COMMIT}.zip`, sha256: SHA256 };
const EXECUTION = {
  id: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-1',
  name: 'run-1',
  startedAt: '2026-11-21T09:30:00.123Z',
};
const WEB_VERSION = '2.0.20261121093000';

const factory = (changes: Readonly<Record<string, string>> = {}) =>
  zipSync(
    Object.fromEntries([...FACTORY, ...Object.entries(changes)].map(([name, text]) => [name, strToU8(text)])),
  );

const variables = (branch: string) =>
  Object.entries({
    COMMIT,
    BRANCH: branch,
    SOURCE_KEY: SOURCE.key,
    SOURCE_SHA256: SHA256,
    CHANGES_KEY: 'sources/changes.json',
  }).map(([Name, Value]) => ({ Name, Value }));

const DEPLOYED = { stages: ['dev', 'prod'], defaultBranch: 'main' };

/** Whether some versions were revoked is asked when nobody says which images. */
const asksForRevoked = () =>
  aws.expects(
    HUB,
    ({ command, input }) => command === 'ListObjectsV2' && Object(input).Prefix === 'revoked/',
  );

const plan = (request: unknown, branch = 'main', deployed: unknown = DEPLOYED) =>
  handler({ request, execution: EXECUTION, bucket: 'hub', deployed, variables: variables(branch) });

function acceptsWrites(...names: readonly string[]): void {
  aws.expects(HUB, ({ command, input }) => {
    const key = String(Object(input).Key);
    return command === 'PutObject' && names.some((name) => key === `plans/run-1/${name}`);
  });
}

const files = (image: string, accountIds: readonly string[] = ['111111111111', '222222222222']) =>
  [
    ...accountIds.map((id) => `${id}-eu-west-1.pkrvars.json`),
    ...(image === 'web' ? accountIds.map((id) => `${id}-eu-west-1.secrets.json`) : []),
    'plan.json',
  ].map((file) => `${image}/${file}`);
const metadataOf = (name: string): unknown =>
  Object(aws.sent.find(({ input }) => Object(input).Key === `plans/run-1/${name}`)?.input).Metadata;

/** What was written, by key below the execution's prefix. */
const written = (): Record<string, unknown> =>
  Object.fromEntries(
    aws.sent
      .filter(({ command }) => command === 'PutObject')
      .map(({ input }) => [Object(input).Key.replace('plans/run-1/', ''), JSON.parse(Object(input).Body)]),
  );

beforeEach(() => {
  aws.holds('hub', SOURCE.key, factory());
});

describe('planning a release of one image', () => {
  it('writes down where else builders may run, for those that have a choice, and says so beside the variables', async () => {
    aws.holds('hub', SOURCE.key, factory({ 'images/web/config/prod.yaml': 'instanceTypes: [m7a.xlarge]\n' }));
    acceptsWrites(...files('web'), 'web/222222222222-eu-west-1.builder.json');
    await plan({ image: 'web' });
    expect(written()['web/222222222222-eu-west-1.builder.json']).toMatchObject({
      instanceTypes: ['m7i.xlarge', 'm7a.xlarge'],
    });
    expect(metadataOf('web/222222222222-eu-west-1.pkrvars.json')).toEqual({ secrets: 'yes', builder: 'yes' });
    expect(metadataOf('web/111111111111-eu-west-1.pkrvars.json')).toEqual({ secrets: 'yes' });
  });

  describe('whose AMIs are deprecated one day', () => {
    const MAY = { ...DEPLOYED, deprecatesAmis: true };
    const inProd = { 'config/prod.yaml': 'deprecateAfterDays: 90\n' };

    it('says after how many days in each target, and that some are', async () => {
      aws.holds('hub', SOURCE.key, factory(inProd));
      acceptsWrites(...files('base'));
      const { tiers } = await plan({ image: 'base' }, 'main', MAY);
      expect(tiers[0]?.[0]?.plan).toEqual({ bucket: 'hub', prefix: 'plans/run-1/base', deprecates: true });
      const { stages } = planSchema.parse(written()['base/plan.json']);
      expect(stages.map(({ targets }) => targets[0]?.deprecateAfterDays)).toEqual([undefined, 90]);
    });

    it('fails before anything is written when what is deployed may not do that', async () => {
      aws.holds('hub', SOURCE.key, factory(inProd));
      await expect(plan({ image: 'base' })).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringContaining(
          'config/prod.yaml:1 deprecateAfterDays: found a value, but what is deployed may not do that: deploy a commit that has the setting in a layer, hub and targets, first',
        ),
      });
      await expect(plan({ image: 'base', overrides: { deprecateAfterDays: 60 } })).rejects.toMatchObject({
        message: expect.stringContaining('overrides deprecateAfterDays: found'),
      });
      expect(aws.commands).not.toContain('PutObject');
    });
  });

  describe('for a stage that somebody must approve', () => {
    const approval = { timeoutHours: 24, fourEyes: true };
    const text = String(FACTORY.get('factory.yaml'));
    const asking = {
      'factory.yaml': text.replace('name: prod,', `name: prod, approval: ${JSON.stringify(approval)},`),
    };
    const accepts = () => {
      aws.holds('hub', SOURCE.key, factory(asking));
      acceptsWrites(...files('base'));
    };

    it('goes on when that is what is deployed', async () => {
      accepts();
      const { tiers } = await plan({ image: 'base' }, 'main', { ...DEPLOYED, approvals: { prod: approval } });
      expect(tiers).toHaveLength(1);
    });

    it('goes on when it asks for less than is deployed, which is asked for all the same', async () => {
      aws.holds('hub', SOURCE.key, factory());
      acceptsWrites(...files('base'));
      const { tiers } = await plan({ image: 'base' }, 'main', { ...DEPLOYED, approvals: { prod: approval } });
      expect(tiers).toHaveLength(1);
    });

    it.each([
      [{}, 'none'],
      [{ prod: { timeoutHours: 24 } }, '{"timeoutHours":24}'],
    ])('fails when %j is deployed, and it asks for more', async (approvals, deployed) => {
      accepts();
      await expect(plan({ image: 'base' }, 'main', { ...DEPLOYED, approvals })).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringContaining(
          `found an approval of prod, {"timeoutHours":24,"fourEyes":true}, but ${deployed} is deployed: deploy this commit first`,
        ),
      });
    });
  });

  it.each([
    [
      'config/dev.yaml',
      KEEP_TEMPLATE,
      'config/dev.yaml:1 onFailure: found keep, but no target lets a bake keep its builder: write keepBuilders: true into packleader.config, and deploy hub and targets',
    ],
    [
      'config/prod.yaml',
      KEEP_TEMPLATE,
      'config/prod.yaml:1 onFailure: found keep, must be so in no stage after dev, the first: write it into config/dev.yaml or images/web/config/dev.yaml',
    ],
    [
      'config/dev.yaml',
      SOUND_TEMPLATE,
      'images/web: the template of web does not declare keep_minutes, which packleader gives a bake with onFailure: keep: declare it in images/web/*.pkr.hcl, or take a template that does\n    variable "keep_minutes" { default = 0 }',
    ],
    [
      'config/dev.yaml',
      `${SOUND_TEMPLATE}variable "keep_minutes" { default = 0 }\n`,
      'found no error-cleanup-provisioner, must have one that tells the builder when to end: the layers say that it is kept when a bake fails',
    ],
  ])('fails for a builder that %s keeps where that cannot be: %#', async (file, template, why) => {
    aws.holds(
      'hub',
      SOURCE.key,
      factory({ [file]: 'onFailure: keep\n', 'images/web/web.pkr.hcl': `${template}${WEB_VARIABLES}` }),
    );
    await expect(plan({ image: 'web' })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: expect.stringContaining(why),
    });
  });

  describe('whose AMIs others may launch', () => {
    const MAY = { ...DEPLOYED, shareAmis: true };
    const shared = (consumers: string, key = 'alias/images') => ({
      'images/base/config/default.yaml': `${FACTORY.get('images/base/config/default.yaml')}kmsKeyId: ${key}\nconsumers: ${consumers}\n`,
    });
    const SOME = `{ accounts: ['333333333333', '222222222222'] }`;

    it('writes down who, without the account that holds the AMI, and says that there are some', async () => {
      aws.holds('hub', SOURCE.key, factory(shared(SOME)));
      acceptsWrites(...files('base'), 'base/consumers.json');
      const { tiers } = await plan({ image: 'base' }, 'main', MAY);
      expect(tiers[0]?.[0]?.plan).toMatchObject({ shares: true });
      expect(written()['base/consumers.json']).toEqual({
        consumers: [
          { accounts: ['333333333333', '222222222222'], targets: ['111111111111/eu-west-1'] },
          { accounts: ['333333333333'], targets: ['222222222222/eu-west-1'] },
        ],
      });
    });

    it('writes nothing of it for a prerelease', async () => {
      aws.holds('hub', SOURCE.key, factory(shared(SOME)));
      acceptsWrites(...files('base'));
      const { tiers } = await plan({ image: 'base' }, 'feature/x', MAY);
      expect(tiers[0]?.[0]?.plan).not.toHaveProperty('shares');
    });

    it('fails where the hub is deployed without that, and says where they are asked for', async () => {
      aws.holds('hub', SOURCE.key, factory(shared(SOME)));
      await expect(plan({ image: 'base' })).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringMatching(
          /^images\/base\/config\/default\.yaml:\d+ consumers\.accounts: found consumers, but nothing may let others launch an AMI: write shareAmis: true into packleader\.config, and deploy the hub$/,
        ),
      });
      expect(aws.commands).not.toContain('PutObject');
    });

    it.each(['alias/aws/ebs', 'arn:aws:kms:eu-west-1:111111111111:alias/aws/ebs'])(
      'fails with %s, which can be shared with nobody',
      async (key) => {
        aws.holds('hub', SOURCE.key, factory(shared(SOME, key)));
        await expect(plan({ image: 'base' }, 'main', MAY)).rejects.toMatchObject({
          name: 'InvalidConfiguration',
          message: expect.stringContaining(
            `kmsKeyId: found "${key}" with consumers, must be a key of your own: what AWS’s own key for EBS encrypts can be shared with nobody`,
          ),
        });
      },
    );
  });

  describe('whose AMIs are tested', () => {
    const MAY = { ...DEPLOYED, testAmis: true };
    const tested = (test: string) => ({
      'images/base/config/default.yaml': `${FACTORY.get('images/base/config/default.yaml')}test: ${test}\n`,
      'images/base/tests/boot.sh': 'test_boots() {\n  true\n}\n',
    });

    it('writes down how, once for all that are tested in the same way', async () => {
      const onlyInProd = {
        'images/base/config/prod.yaml': 'test: { instanceType: t3.small, userData: "{}" }\n',
      };
      aws.holds('hub', SOURCE.key, factory({ ...tested('{}'), ...onlyInProd }));
      acceptsWrites(...files('base'), 'base/tests.json');
      await plan({ image: 'base' }, 'main', MAY);
      const { platform, script, tested: ways } = Object(written()['base/tests.json']);
      expect(platform).toBe('linux');
      expect(script.join('\n')).toContain(Buffer.from('test_boots() {\n  true\n}\n').toString('base64'));
      expect(ways).toMatchObject([
        { targets: ['111111111111/eu-west-1'], timeoutMinutes: 30 },
        {
          targets: ['222222222222/eu-west-1'],
          instanceType: 't3.small',
          timeoutMinutes: 30,
          userData: '{}',
        },
      ]);
    });

    it('fails where no target is deployed with them, and says where they are asked for', async () => {
      aws.holds('hub', SOURCE.key, factory(tested('{}')));
      await expect(plan({ image: 'base' })).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringMatching(
          /^images\/base\/config\/default\.yaml:\d+ test: found a test, but no target lets an AMI be booted: write testAmis: true into packleader\.config, and deploy hub and targets$/,
        ),
      });
      expect(aws.commands).not.toContain('PutObject');
    });

    it('fails without a test', async () => {
      aws.holds('hub', SOURCE.key, factory({ ...tested('{}'), 'images/base/tests/boot.sh': '' }));
      await expect(plan({ image: 'base' }, 'main', MAY)).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringContaining('images/base/tests/boot.sh: found no test in it'),
      });
    });
  });

  describe('whose AMIs are scanned', () => {
    const MAY = { ...DEPLOYED, scanAmis: 'inspector' };
    const scanned = (vulnerabilities: string) => ({
      'images/base/config/default.yaml': `${FACTORY.get('images/base/config/default.yaml')}vulnerabilities: ${vulnerabilities}\n`,
    });
    const IGNORED = '{ id: CVE-2026-7, until: 2020-01-31, reason: not called }';

    it('writes down what each target is judged by, also by an ignore that has run out', async () => {
      const inProd = { 'images/base/config/prod.yaml': 'vulnerabilities: { failOn: high }\n' };
      aws.holds('hub', SOURCE.key, factory({ ...scanned(`{ ignore: [${IGNORED}] }`), ...inProd }));
      acceptsWrites(...files('base'), 'base/scan.json');
      await plan({ image: 'base' }, 'main', MAY);
      const ignore = [{ id: 'CVE-2026-7', until: '2020-01-31', reason: 'not called' }];
      expect(written()['base/scan.json']).toEqual({
        judged: [
          { failOn: 'critical', ignore, targets: ['111111111111/eu-west-1'] },
          { failOn: 'high', ignore, targets: ['222222222222/eu-west-1'] },
        ],
      });
    });

    it('fails where nothing is deployed that scans', async () => {
      aws.holds('hub', SOURCE.key, factory(scanned('{ failOn: high }')));
      await expect(plan({ image: 'base' })).rejects.toMatchObject({
        name: 'InvalidConfiguration',
        message: expect.stringMatching(
          /^images\/base\/config\/default\.yaml:\d+ vulnerabilities\.failOn: found vulnerabilities to fail on, but nothing scans: write scanAmis: inspector into packleader\.config, and deploy the hub$/,
        ),
      });
    });
  });

  it('fails for builders on spot where no target is deployed with them', async () => {
    aws.holds(
      'hub',
      SOURCE.key,
      factory({ 'config/prod.yaml': 'spot: true\n', 'images/web/web.pkr.hcl': SPOT_WEB }),
    );
    await expect(plan({ image: 'web' })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message:
        'config/prod.yaml:1 spot: found true, but no target lets a bake ask for Spot Instances: write spotBuilders: true into packleader.config, and deploy hub and targets',
    });
  });

  it.each([
    ['', 'the template of web does not declare spot, which packleader gives a bake with spot: true'],
    [
      'variable "spot" { default = false }',
      'found no spot_price, must be spot_price = var.spot ? "auto" : null',
    ],
  ])('fails for builders on spot whose template says only %j', async (declared, why) => {
    const template = `${SOUND_TEMPLATE}${WEB_VARIABLES}${declared}\n`;
    aws.holds(
      'hub',
      SOURCE.key,
      factory({ 'config/prod.yaml': 'spot: true\n', 'images/web/web.pkr.hcl': template }),
    );
    await expect(plan({ image: 'web' })).rejects.toThrow(why);
  });

  it('writes into the plan what is kept for ever: branch, reason, and where each setting comes from', async () => {
    acceptsWrites(...files('web'));
    await plan({ image: 'web', reason: 'a new kernel', overrides: { rootVolumeSizeGiB: 24 } });
    const planned = planSchema.parse(written()['web/plan.json']);
    expect(planned).toMatchObject({ branch: 'main', reason: 'a new kernel' });
    const rows = (name: string) => planned.configuration?.filter(({ setting }) => setting === name);
    expect(rows('rootVolumeSizeGiB')).toEqual([
      { setting: 'rootVolumeSizeGiB', value: 24, file: 'overrides', line: 0 },
    ]);
    expect(rows('instanceType')).toEqual([
      expect.objectContaining({ targets: ['111111111111/eu-west-1'] }),
      expect.objectContaining({ value: 'm7i.xlarge', targets: ['222222222222/eu-west-1'] }),
    ]);
  });

  it('reads the source, and writes what each bake is told, its secrets by name, and the plan', async () => {
    acceptsWrites(...files('web'));
    const { tiers } = await plan({ image: 'web' });
    const release = {
      releaseId: `web@${WEB_VERSION}`,
      image: 'web',
      version: WEB_VERSION,
      commit: COMMIT,
      repository: REPOSITORY,
      prerelease: false,
    };
    expect(tiers).toEqual([
      [
        {
          release,
          source: SOURCE,
          plan: { bucket: 'hub', prefix: 'plans/run-1/web' },
          executionName: `web-${WEB_VERSION}`,
        },
      ],
    ]);
    expect(aws.sent[0]).toEqual(call(HUB, new GetObjectCommand({ Bucket: 'hub', Key: SOURCE.key })));
    expect(Object.keys(written()).toSorted()).toEqual(files('web').toSorted());
    const target = {
      sourceAmi: { image: 'base' },
      architecture: 'x86_64',
      asked: ASKED,
      timeoutMinutes: 120,
    };
    expect(written()['web/plan.json']).toEqual({
      release,
      branch: 'main',
      requestArn: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-1',
      configuration: expect.anything(),
      stages: [
        { name: 'dev', targets: [{ accountId: '111111111111', region: 'eu-west-1', ...target }] },
        { name: 'prod', targets: [{ accountId: '222222222222', region: 'eu-west-1', ...target }] },
      ],
    });
    expect(written()['web/222222222222-eu-west-1.pkrvars.json']).toMatchObject({
      application: '1.0',
      region: 'eu-west-1',
      ami_name: `web-${WEB_VERSION}-g4f2c1d9`,
      instance_type: 'm7i.xlarge',
      tags: {
        'packleader:release': `web@${WEB_VERSION}`,
        'packleader:stage': 'prod',
        'packleader:state': 'candidate',
        'packleader:execution': `arn:aws:states:eu-west-1:999999999999:execution:packleader-release-image:web-${WEB_VERSION}`,
      },
    });
    expect(written()['web/222222222222-eu-west-1.secrets.json']).toEqual({
      password: { secretsManager: 'web/password' },
    });
    expect(metadataOf('web/222222222222-eu-west-1.pkrvars.json')).toEqual({ secrets: 'yes' });
    expect(JSON.stringify(written()['web/222222222222-eu-west-1.pkrvars.json'])).not.toContain('password');
  });

  it('writes whole objects as JSON', async () => {
    acceptsWrites(...files('base'));
    await plan({ image: 'base' });
    const last = aws.sent.find(({ input }) => Object(input).Key === 'plans/run-1/base/plan.json');
    expect(metadataOf('base/222222222222-eu-west-1.pkrvars.json')).toBeUndefined();
    const Body = JSON.stringify(written()['base/plan.json'], null, 2);
    const Key = 'plans/run-1/base/plan.json';
    expect(last).toEqual(
      call(HUB, new PutObjectCommand({ Bucket: 'hub', Key, Body, ContentType: 'application/json' })),
    );
  });

  it('twice writes the same objects again', async () => {
    acceptsWrites(...files('base'));
    const first = await plan({ image: 'base' });
    const sent = aws.sent.splice(0);
    expect(await plan({ image: 'base' })).toEqual(first);
    expect(aws.sent).toEqual(sent);
  });

  it('takes the overrides of the request', async () => {
    acceptsWrites(...files('base'));
    await plan({ image: 'base', overrides: { instanceType: 'c7i.large' } });
    expect(written()['base/111111111111-eu-west-1.pkrvars.json']).toMatchObject({
      instance_type: 'c7i.large',
    });
  });

  it('from another branch bakes in the first stage only', async () => {
    acceptsWrites(...files('base', ['111111111111']));
    const { tiers } = await plan({ image: 'base' }, 'feature/Topic');
    expect(tiers).toMatchObject([
      [{ release: { version: `${BASE_VERSION}-feature-topic`, prerelease: true } }],
    ]);
    expect(written()['base/plan.json']).toMatchObject({
      stages: [{ targets: [{ accountId: '111111111111' }] }, { name: 'prod', targets: [] }],
    });
  });
});

describe('planning a release of an image with a template', () => {
  const LINUX = { 'templates/linux/source.pkr.hcl': 'source {}\n', 'templates/linux/bake/a.sh': '' };
  const withImage = (more: string) => ({
    ...LINUX,
    'images/base/image.yaml': `${FACTORY.get('images/base/image.yaml')}${more}`,
  });

  it.each([
    ['that of its platform, when it names none', '', { template: 'linux' }],
    ['the one that it names', 'template: hardened\n', { template: 'hardened' }],
    ['none, when it says so', 'template: none\n', undefined],
  ])('tells each bake which it takes: %s', async (_, stated, metadata) => {
    const hardened = { 'templates/hardened/source.pkr.hcl': 'source {}\n' };
    aws.holds('hub', SOURCE.key, factory({ ...withImage(stated), ...hardened }));
    acceptsWrites(...files('base'));
    await plan({ image: 'base' });
    for (const account of ['111111111111', '222222222222'])
      expect(metadataOf(`base/${account}-eu-west-1.pkrvars.json`)).toEqual(metadata);
    expect(metadataOf('base/plan.json')).toBeUndefined();
  });

  it('tells it beside that there are secrets', async () => {
    aws.holds('hub', SOURCE.key, factory(LINUX));
    acceptsWrites(...files('web'));
    await plan({ image: 'web' });
    const metadata = metadataOf('web/222222222222-eu-west-1.pkrvars.json');
    expect(metadata).toEqual({ template: 'linux', secrets: 'yes' });
  });

  it('fails when the source has no such template, with those that it has, and writes nothing', async () => {
    aws.holds('hub', SOURCE.key, factory(withImage('template: linx\n')));
    await expect(plan({ image: 'base' })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message:
        'images/base/image.yaml:4 template: found "linx", must be one of the directories below templates/, "linux", or none',
    });
    expect(aws.commands).toEqual(['GetObject']);
  });

  it('releases, after a push to a template, who takes it and what is built on that', async () => {
    const changes = { since: COMMIT, files: ['templates/hardened/source.pkr.hcl'] };
    aws.holds('hub', 'sources/changes.json', { base: changes, web: changes });
    const hardened = { 'templates/hardened/source.pkr.hcl': 'source {}\n' };
    const released = async (image: string) => {
      const own = `images/${image}/image.yaml`;
      aws.holds(
        'hub',
        SOURCE.key,
        factory({ ...hardened, [own]: `${FACTORY.get(own)}template: hardened\n` }),
      );
      const { tiers } = await plan({});
      return tiers.flat().map(({ release }) => release.image);
    };
    asksForRevoked();
    acceptsWrites(...files('base'), ...files('web'));
    expect(await released('web')).toEqual(['web']);
    expect(await released('base')).toEqual(['base', 'web']);
  });
});

describe('planning releases of several images', () => {
  it('puts a base before what is built on it, at exactly the version it is about to get', async () => {
    acceptsWrites(...files('base'), ...files('web'));
    const { tiers } = await plan({ images: ['web', 'base'] });
    expect(tiers.map((tier) => tier.map(({ release }) => release.image))).toEqual([['base'], ['web']]);
    expect(written()['web/plan.json']).toMatchObject({
      stages: [
        { targets: [{ sourceAmi: { image: 'base', version: BASE_VERSION, sameExecution: true } }] },
        {},
      ],
    });
  });

  it.each([
    ['everything that was never released', {}, [['base'], ['web']]],
    [
      'nothing when nothing changed',
      { base: { since: COMMIT, files: [] }, web: { since: COMMIT, files: [] } },
      [],
    ],
    [
      'what changed itself',
      { base: { since: COMMIT, files: [] }, web: { since: COMMIT, files: ['images/web/x.sh'] } },
      [['web']],
    ],
  ] satisfies [string, Changes, string[][]][])(
    'without a choice releases %s',
    async (_, changes, expected) => {
      aws.holds('hub', 'sources/changes.json', changes);
      asksForRevoked();
      acceptsWrites(...files('base'), ...files('web'));
      const { tiers } = await plan({});
      expect(tiers.map((tier) => tier.map(({ release }) => release.image))).toEqual(expected);
    },
  );
});

describe('planning an image whose template no release could use', () => {
  it.each([
    ['has none', { 'images/base/base.pkr.hcl': 'locals {}\n' }, 'found no build, must have one'],
    [
      'leaves its volume unencrypted',
      { 'images/base/base.pkr.hcl': SOUND_TEMPLATE.replace('encrypted   = true', 'encrypted   = false') },
      'must be encrypted = true',
    ],
    [
      'does not declare what it is told',
      { 'images/base/base.pkr.hcl': SOUND_TEMPLATE.replace('variable "kms_key_id"', 'variable "key"') },
      'does not declare kms_key_id',
    ],
    [
      'has a script that Linux cannot read',
      { 'images/base/setup.sh': '#!/bin/sh\r\ntrue\r\n' },
      'must end in LF',
    ],
  ])('fails before anything is built when it %s, and writes nothing', async (_, changes, why) => {
    aws.holds('hub', SOURCE.key, factory(changes));
    await expect(plan({ image: 'base' })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: expect.stringContaining(why),
    });
    expect(aws.commands).toEqual(['GetObject']);
  });
});

describe('planning a commit that is not deployed', () => {
  const refusal = (path: string, found: string, deployed: string) =>
    `factory.yaml ${path}: found ${found}, but ${deployed} is deployed: deploy this commit first`;

  it.each([
    ['has a stage more', ['dev']],
    ['has a stage less', ['dev', 'test', 'prod']],
    ['has its stages in another order', ['prod', 'dev']],
    ['calls a stage by another name', ['dev', 'production']],
  ])('fails with InvalidConfiguration when it %s, and writes nothing', async (_, stages) => {
    await expect(plan({ image: 'base' }, 'main', { ...DEPLOYED, stages })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: refusal('stages', 'dev, prod', stages.join(', ')),
    });
    expect(aws.commands).toEqual(['GetObject']);
  });

  it('fails when it names itself the default branch, which alone may move latest', async () => {
    const text = `${FACTORY.get('factory.yaml')}defaultBranch: feature/x\n`;
    aws.holds('hub', SOURCE.key, factory({ 'factory.yaml': text }));
    await expect(plan({ image: 'base' }, 'feature/x')).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: refusal('defaultBranch', 'feature/x', 'main'),
    });
    expect(aws.commands).toEqual(['GetObject']);
  });

  it('fails with both disagreements at once', async () => {
    const deployed = { stages: ['dev'], defaultBranch: 'trunk' };
    await expect(plan({ image: 'base' }, 'main', deployed)).rejects.toThrow(
      [refusal('stages', 'dev, prod', 'dev'), refusal('defaultBranch', 'main', 'trunk')].join('\n'),
    );
  });

  it('fails even when nothing changed, so that nobody takes it for released', async () => {
    const unchanged = { since: COMMIT, files: [] };
    aws.holds('hub', 'sources/changes.json', { base: unchanged, web: unchanged });
    asksForRevoked();
    await expect(plan({}, 'main', { ...DEPLOYED, stages: ['dev'] })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
    });
  });
});

describe('planning', () => {
  it('fails with InvalidRequest, and an example of a correct one, before it reads anything', async () => {
    await expect(plan({ imag: 'web' })).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(plan({ imag: 'web' })).rejects.toThrow('Did you mean "image"?');
    expect(aws.sent).toEqual([]);
  });

  it('fails with InvalidConfiguration, the file and the line, and writes nothing', async () => {
    aws.holds('hub', SOURCE.key, factory({ 'config/prod.yaml': 'instanceTyp: m7i.xlarge\n' }));
    const planning = plan({ image: 'base' });
    await expect(planning).rejects.toMatchObject({ name: 'InvalidConfiguration' });
    await expect(planning).rejects.toThrow('config/prod.yaml:1 instanceTyp');
    expect(aws.commands).toEqual(['GetObject']);
  });

  it('fails on an image that does not exist', async () => {
    await expect(plan({ image: 'bass' })).rejects.toThrow(/bass/);
    await expect(plan({ image: 'bass' })).rejects.toMatchObject({ name: 'InvalidConfiguration' });
  });

  it('fails when the source is read too often for now, with a name that Retry knows', async () => {
    aws.on(HUB, new GetObjectCommand({ Bucket: 'hub', Key: SOURCE.key }), awsError('SlowDown'));
    await expect(plan({ image: 'base' })).rejects.toMatchObject({ name: 'Throttled' });
  });

  it('fails when the build that fetched the source exported nothing', async () => {
    const event = { request: {}, execution: EXECUTION, bucket: 'hub', deployed: DEPLOYED, variables: [] };
    await expect(handler(event)).rejects.toThrow(
      'the build of packleader-fetch-source exported no SOURCE_KEY',
    );
  });

  it('fails on an event that is none', async () => {
    await expect(handler({})).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});

describe('planning a release of an image that takes a directory as it is', () => {
  const template = `variable "ami" {}
source "amazon-ebs" "web" {
  region     = "eu-west-1"
  source_ami = var.ami
  ami_name   = "web-{{timestamp}}"
  ami_users  = ["111111111111"]
}
build {
  sources = ["source.amazon-ebs.web"]
}
`;
  const adopting = (text: string) =>
    factory({
      'images/base/image.yaml':
        "description: x\nversion: '1.4'\nplatform: linux\npacker: { directory: ../../mine, variables: { ami: source_ami } }\n",
      'mine/web.pkr.hcl': text,
    });
  const named = ['111111111111', '222222222222'].flatMap((id) => [
    `base/${id}-eu-west-1.pkrvars.json`,
    `base/${id}-eu-west-1.overlay.json`,
  ]);
  const bodyOf = (name: string): string =>
    String(Object(aws.sent.find(({ input }) => Object(input).Key === `plans/run-1/${name}`)?.input).Body);

  it('writes what every bake lays over the source, and its digest where the bake looks and in the plan', async () => {
    const zip = adopting(template);
    // What the example has there would never be read.
    const { 'images/base/base.pkr.hcl': _, ...rest } = unzipSync(zip);
    aws.holds('hub', SOURCE.key, zipSync(rest));
    acceptsWrites(...named, 'base/plan.json');
    await plan({ image: 'base' });
    const overlay = bodyOf('base/111111111111-eu-west-1.overlay.json');
    const sha256 = createHash('sha256').update(overlay).digest('hex');
    expect(JSON.parse(overlay)).toMatchObject({
      directory: 'mine',
      arguments: [
        '-only=amazon-ebs.web',
        '-var=packleader_source_ami={source_ami}',
        '-var=ami={source_ami}',
        '-var=packleader_subnet_id={subnet_id}',
        '-var=packleader_instance_type={instance_type}',
      ],
      files: { 'web.pkr.hcl': expect.not.stringContaining('ami_users') },
    });
    expect(metadataOf('base/111111111111-eu-west-1.pkrvars.json')).toEqual({ overlay: sha256 });
    expect(JSON.parse(bodyOf('base/plan.json'))).toMatchObject({
      adopted: { directory: 'mine', overlaySha256: sha256 },
    });
    expect(Object.keys(JSON.parse(bodyOf('base/111111111111-eu-west-1.pkrvars.json')))).toEqual([
      'packleader',
    ]);
  });
});
