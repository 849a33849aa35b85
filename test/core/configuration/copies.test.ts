import { describe, expect, it } from 'vitest';
import { builderSwitchProblems } from '../../../core/configuration/builder-switches.ts';
import { checkFactory } from '../../../core/configuration/check.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { copiesOf } from '../../../core/configuration/copies.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { filesOf } from '../../fixtures/factories.ts';

const STAGES = {
  dev: targetsIn(0, 2),
  test: targetsIn(1, 1),
  prod: [...targetsIn(2, 1), ...targetsIn(2, 1, 'us-east-1')],
};

function files(layers: Readonly<Record<string, string>>, source?: string) {
  const made = new Map(
    filesOf({ stages: STAGES, ...(source !== undefined && { images: { base: source } }) }),
  );
  for (const [file, text] of Object.entries(layers)) made.set(file, text);
  return made;
}

const problemsOf = (layers: Readonly<Record<string, string>>, source?: string): string[] =>
  checkFactory(files(layers, source)).map(
    ({ file, line, path, message }) => `${file}:${line} ${path}: ${message}`,
  );

const copied = (layers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    [...copiesOf(loadConfiguration(files(layers)), 'base')].map(([target, { stage, target: from }]) => [
      target,
      `${stage} ${from.accountId}/${from.region}`,
    ]),
  );

describe('what a target copies', () => {
  it('is nothing where no layer says so', () => {
    expect(copied({})).toEqual({});
  });

  it('is of the nearest stage that bakes, of its first target where none is in the region', () => {
    expect(copied({ 'config/prod.yaml': 'strategy: copy' })).toEqual({
      '100002000001/eu-west-1': 'test 100001000001/eu-west-1',
      '100002000001/us-east-1': 'test 100001000001/eu-west-1',
    });
    expect(copied({ 'config/prod.yaml': 'strategy: copy', 'config/test.yaml': 'strategy: copy' })).toEqual({
      '100001000001/eu-west-1': 'dev 100000000001/eu-west-1',
      '100002000001/eu-west-1': 'dev 100000000001/eu-west-1',
      '100002000001/us-east-1': 'dev 100000000001/eu-west-1',
    });
  });

  it('is of the stage that it names', () => {
    expect(copied({ 'config/prod.yaml': 'strategy: copy\nfrom: dev' })).toMatchObject({
      '100002000001/eu-west-1': 'dev 100000000001/eu-west-1',
    });
  });

  it('may differ by account and region', () => {
    const layer = 'regions: { us-east-1: { strategy: copy } }';
    expect(Object.keys(copied({ 'config/prod.yaml': layer }))).toEqual(['100002000001/us-east-1']);
  });
});

describe('a copy that cannot be made', () => {
  it.each([
    [
      { 'config/dev.yaml': 'strategy: copy' },
      'config/dev.yaml:1 strategy: found copy in dev, the first stage, must be bake: there is no stage before it to copy from',
    ],
    [
      { 'config/prod.yaml': 'strategy: copy\nfrom: tst' },
      'config/prod.yaml:2 from: found "tst", must be a stage before prod, the nearest is "test"',
    ],
    [
      { 'config/test.yaml': 'strategy: copy\nfrom: prod' },
      'config/test.yaml:2 from: found "prod", must be a stage before test: dev',
    ],
    [
      { 'config/prod.yaml': 'strategy: copy\nfrom: test', 'config/test.yaml': 'strategy: copy' },
      'config/prod.yaml:2 from: found "test", must be a stage that bakes: every target of test copies',
    ],
    [
      { 'config/prod.yaml': 'strategy: share' },
      'config/prod.yaml:1 strategy: found "share", must be bake or copy',
    ],
    [
      { 'config/prod.yaml': 'strategy: copy\nrootVolumeSizeGiB: 32' },
      'config/prod.yaml:2 rootVolumeSizeGiB: found 32 in prod and 16 in test, must be the same: what prod copies is as test bakes it',
    ],
    [
      { 'config/prod.yaml': 'strategy: copy', 'config/test.yaml': 'kmsKeyId: alias/aws/ebs' },
      'config/test.yaml:1 kmsKeyId: found alias/aws/ebs in test, which prod copies from (100001000001 to 100002000001), must be a key of your own there, whose policy admits 100002000001: nobody else can be let read what that key encrypts',
    ],
  ])('is refused with the way out: %s', (layers, message) => {
    expect(problemsOf(layers)).toContain(message);
  });

  it('is any in a factory of so many stages that a release may outlast its first AMI', () => {
    const stages = Object.fromEntries(
      Array.from({ length: 11 }, (_, index) => [`s${index}`, targetsIn(index, 1)]),
    );
    const made = new Map(filesOf({ stages })).set('config/s1.yaml', 'strategy: copy');
    expect(checkFactory(made).map(({ message }) => message)).toEqual([
      'found copy in a factory of 11 stages, must be bake: with more than 10 a release may take longer than an AMI lasts that is soon deprecated',
    ]);
  });

  it('is one of a product of AWS Marketplace into another account', () => {
    const source = 'filter: { name: web-* }\n  owners: [aws-marketplace]';
    expect(problemsOf({ 'config/prod.yaml': 'strategy: copy' }, source)).toEqual([
      'config/prod.yaml:1 strategy: found copy of base, which starts from a product of AWS Marketplace, must be bake: EC2 copies none from one account to another (100001000001 to 100002000001)',
    ]);
  });

  it('is one of Windows into another account, unless somebody wants to try', () => {
    const image = { 'images/base/image.yaml': "description: base\nversion: '1.4'\nplatform: windows\n" };
    expect(problemsOf({ ...image, 'config/prod.yaml': 'strategy: copy' })).toEqual([
      'config/prod.yaml:1 strategy: found copy of base, a Windows image, must be bake: EC2 may refuse to copy one from one account to another (100001000001 to 100002000001); allowWindowsCopy: true lets you try',
    ]);
    expect(problemsOf({ ...image, 'config/prod.yaml': 'strategy: copy\nallowWindowsCopy: true' })).toEqual(
      [],
    );
  });

  it('is any where the stacks have no role for it', () => {
    const configuration = loadConfiguration(files({ 'config/prod.yaml': 'strategy: copy' }));
    expect(builderSwitchProblems(configuration, ['base'], {}).map(({ message }) => message)).toEqual([
      'found copy, but no target lets an AMI be copied: write copyAmis: true into packleader.config, and deploy hub and targets',
    ]);
    expect(builderSwitchProblems(configuration, ['base'], { copyAmis: true })).toEqual([]);
  });
});
