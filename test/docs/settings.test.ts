import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { settingsOf } from '../../docs/settings-reference.ts';
import { loadConfiguration } from '../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../core/configuration/effective.ts';
import { factorySchema, imageSchema } from '../../core/configuration/factory.ts';
import { InvalidConfiguration } from '../../core/configuration/documents/problems.ts';
import { settingsSchema } from '../../core/configuration/settings.ts';

const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8');

/** The least that a factory, an image and its layers may say; an example takes the place of what it sets. */
const LEAST = {
  'factory.yaml': {
    repository: 'https://github.com/example/images',
    hub: { accountId: '999999999999', region: 'eu-west-1' },
    stages: [
      {
        name: 'dev',
        targets: [
          { accountId: '111111111111', region: 'eu-west-1' },
          { accountId: '111111111111', region: 'us-east-1' },
        ],
      },
      { name: 'prod', targets: [{ accountId: '222222222222', region: 'eu-west-1' }] },
    ],
  },
  'image.yaml': { description: 'An image.', version: '1.0', platform: 'linux' },
  Layers: {
    source: { ssmParameter: '/aws/service/debian/release/13/latest/amd64' },
    instanceType: 'm7i.large',
    network: { vpcId: 'vpc-0d0e0f01', subnetId: 'subnet-0d0e0f01', securityGroupIds: [] },
    kmsKeyId: 'alias/images',
    instanceProfile: 'packleader-builder',
    rootVolumeSizeGiB: 8,
  },
} as const;

/** Reads a factory that says the least and one example, by what reads every factory. */
function load(title: string, example: string): void {
  const text = (of: keyof typeof LEAST) =>
    stringify({ ...LEAST[of], ...(of === title ? z.looseObject({}).parse(parse(example)) : {}) });
  const configuration = loadConfiguration(
    new Map([
      ['factory.yaml', text('factory.yaml')],
      ['templates/linux/build.pkr.hcl', ''],
      ['images/linux-base/image.yaml', stringify(LEAST['image.yaml'])],
      ['images/linux-base/config/default.yaml', stringify(LEAST.Layers)],
      ['images/example/image.yaml', text('image.yaml')],
      ['images/example/config/default.yaml', text('Layers')],
    ]),
  );
  const [stage] = configuration.factory.stages;
  const [target] = stage?.targets ?? [];
  if (stage === undefined || target === undefined) throw new Error('The factory has no target.');
  effectiveSettings(configuration, { image: 'example', stage: stage.name, target });
}

/** Every example on the page, with the file and the setting that it is said of. */
const examples = page
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const title = section.slice(0, section.indexOf('\n'));
    return section.split(/^### /m).flatMap((part, index) => {
      const setting = index === 0 ? '' : part.slice(0, part.indexOf('\n'));
      return [...part.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => ({ title, setting, yaml }));
    });
  });

describe('the reference of all settings', () => {
  test.each(examples)('shows of $title $setting what the program takes: $yaml', ({ title, yaml }) => {
    load(title === 'regions and accounts' ? 'Layers' : title, yaml);
  });

  test('would notice an example that the program refuses', () => {
    expect(() => load('Layers', 'source: { filter: { name: debian-* } }')).toThrow(InvalidConfiguration);
    expect(() => load('image.yaml', 'version: 1.10')).toThrow(InvalidConfiguration);
    expect(() => load('factory.yaml', 'stages: []')).toThrow(InvalidConfiguration);
  });

  test('describes every setting that there is, with an example that shows it', () => {
    const settings = [factorySchema, imageSchema, settingsSchema].flatMap((schema) => settingsOf(schema));
    expect(settings.length).toBeGreaterThan(35);
    for (const { path, schema } of settings) {
      expect(schema.description, path).toMatch(/\.$/);
      const shown = examples.filter(({ setting }) => setting === path);
      expect(shown, path).not.toHaveLength(0);
      const key = path.replace(/\[\]$/, '').split('.').at(-1) ?? '';
      for (const { yaml } of shown) expect(yaml, path).toContain(key);
    }
  });

  test('shows a filter of source AMIs with its owners beside it', () => {
    const { yaml } = examples.find(({ setting }) => setting === 'source.filter') ?? { yaml: '' };
    expect(parse(yaml)).toMatchObject({
      source: { filter: { name: expect.any(String) }, owners: [expect.any(String)] },
    });
  });
});
