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

  it('looks at the values of every single target', () => {
    const layer = `accounts: { '111111111111': { regions: { us-east-1: { timeoutMinutes: 1 } } } }\n`;
    expect(
      problemsWith({ 'config/default.yaml': `${factoryWith().get('config/default.yaml')}${layer}` }),
    ).toEqual([
      'config/default.yaml:9 accounts.111111111111.regions.us-east-1.timeoutMinutes: found 1, must be a whole number from 5 to 480',
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
