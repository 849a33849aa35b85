import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFactoryDirectory } from '../../../core/configuration/factory-directory.ts';
import { checkFactory } from '../../../core/configuration/check.ts';
import { edited, factoryWith, problemsWith } from './example.ts';

describe('the check of a factory', () => {
  it('finds nothing wrong with the example', () => {
    expect(problemsWith({})).toEqual([]);
  });

  it('finds nothing wrong with the images of this repository', () => {
    expect(checkFactory(readFactoryDirectory('.'))).toEqual([]);
  });

  it('says once what is wrong in many targets', () => {
    expect(problemsWith({ 'config/default.yaml': '- a\n' })).toEqual([
      'config/default.yaml:1: found a list, must be a map of keys to values',
    ]);
    expect(problemsWith(edited('config/default.yaml', 'alias/images', 'key'))).toHaveLength(1);
  });

  it.each([
    ['variables: [1, 2]\n', ':1 variables: found a list, must be a map of Packer variables'],
    ['tags: none\n', ':1 tags: found "none", must be a map of strings'],
    ['instanceType: [m7i.large]\n', ':1 instanceType: found a list, must look like m7i.large'],
    ['timeoutMinutes: { dev: 5 }\n', ':1 timeoutMinutes: found a map, must be a whole number from 5 to 480'],
    ['network: vpc-0123456789abcdef0\n', ':1 network: found "vpc-0123456789abcdef0", must be a map'],
    [
      'network:\n  securityGroupIds: sg-0123456789abcdef0\n',
      ':2 network.securityGroupIds: found "sg-0123456789abcdef0", must be a list of security group ids',
    ],
    [
      'accounts:\n  "111111111111":\n    regions:\n      us-east-1:\n        tags: [a]\n',
      ':5 accounts.111111111111.regions.us-east-1.tags: found a list, must be a map of strings',
    ],
  ])('fails for %j in one layer, although a later layer covers it', (layer, message) => {
    const covering = `${factoryWith().get('images/base/config/default.yaml')}variables: { a: 1 }
tags: { Team: images }
instanceType: m7i.large
timeoutMinutes: 60
network:
  vpcId: vpc-0123456789abcdef0
  subnetId: subnet-0123456789abcdef0
  securityGroupIds: []
`;
    const files = { 'config/dev.yaml': layer, 'images/base/config/dev.yaml': covering };
    expect(problemsWith(files, { images: ['base'] })).toEqual([`config/dev.yaml${message}`]);
  });

  it('fails for owners inside a filter, and says where they belong', () => {
    const source = 'source: { filter: { name: x, owners: amazon }, owners: [amazon] }\n';
    expect(problemsWith({ 'images/base/config/default.yaml': source }, { images: ['base'] })).toEqual([
      'images/base/config/default.yaml:1 source.filter: found owners inside the filter, must stand beside it: filter: { … } and owners: [ … ]',
    ]);
  });

  it('looks at the values of every single target', () => {
    const layer = `accounts: { '111111111111': { regions: { us-east-1: { timeoutMinutes: 1 } } } }\n`;
    expect(
      problemsWith({ 'config/default.yaml': `${factoryWith().get('config/default.yaml')}${layer}` }),
    ).toEqual([
      'config/default.yaml:15 accounts.111111111111.regions.us-east-1.timeoutMinutes: found 1, must be a whole number from 5 to 480',
    ]);
  });

  it('fails for a problem of a chosen image only', () => {
    const files = { 'images/web/config/dev.yaml': 'timeoutMinutes: 1\n' };
    expect(problemsWith(files, { images: ['base'] })).toEqual([]);
    expect(problemsWith(files, { images: ['web'] })).toHaveLength(1);
  });

  it('fails for a chosen image that there is not', () => {
    expect(problemsWith({}, { images: ['wbe'] })).toEqual([
      'images: found no image "wbe", the nearest is "web"',
    ]);
  });

  it('fails for images that are built on each other, also in one stage only', () => {
    const source = 'source: { ssmParameter: null, image: web }\n';
    expect(problemsWith({ 'images/base/config/prod.yaml': source }, { images: ['web'] })).toEqual([
      'images/base/config/prod.yaml:1 source.image: found images built on each other, must not be a circle: web -> base -> web',
    ]);
  });

  it('does not call missing what an unreadable layer may have set', () => {
    expect(problemsWith({ 'config/default.yaml': 'a: [' })).toHaveLength(1);
  });

  it('checks what layers it can without factory.yaml', () => {
    const problems = problemsWith({ 'factory.yaml': null, 'config/dev.yaml': '' });
    expect(problems).toEqual([
      'config/dev.yaml:1: is empty: delete it or write at least one setting',
      'factory.yaml: found no factory.yaml, must name the repository, the hub and the stages',
    ]);
  });
});

describe('whatever the files say', () => {
  const fragment = fc.constantFrom(
    ...'a: |- |{|}|[|]|\n|  |\t|&a |*a|<<: |"|? |!x |---|#|~|.nan|1e999|null|true|0|image: web|__proto__: |'.split(
      '|',
    ),
    ...'source: |regions: |accounts: |eu-west-1: |variables: |tags: |network: |stages: |hub: |constructor: '.split(
      '|',
    ),
  );
  const text = fc.oneof(
    fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.string(),
  );

  it('the check answers with problems and never throws', () => {
    const file = fc.constantFrom(
      'factory.yaml',
      'config/default.yaml',
      'images/base/image.yaml',
      'images/web/config/dev.yaml',
    );
    fc.assert(
      fc.property(file, text, (name, content) => {
        for (const one of checkFactory(factoryWith({ [name]: content }))) {
          expect(one.message).toMatch(/^(found|is|must|repeats) /);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('the check of any overrides answers with problems and never throws', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('source', 'regions', 'accounts', 'tags', 'variables', 'x'),
          fc.jsonValue(),
        ),
        (overrides) => {
          expect(Array.isArray(checkFactory(factoryWith(), { overrides }))).toBe(true);
        },
      ),
    );
  });
});
