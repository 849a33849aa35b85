import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { type SchemaKind, editorTakes, schemaOf } from '../cli/editor.ts';
import { checkOutFactory } from '../../cli/input/checkout.ts';
import { checkFactory } from '../../core/configuration/check.ts';
import {
  type StatedDeployment,
  checkedDeployment,
  deploymentSchema,
} from '../../core/configuration/deployment-settings.ts';
import { factorySchema, imageSchema, isConfiguration } from '../../core/configuration/factory.ts';
import { settingsOf } from '../../docs/settings-reference.ts';
import { settingsSchema } from '../../core/configuration/settings.ts';

const ROOT = join(import.meta.dirname, '..', '..');

type Kind = SchemaKind;

// ---------------------------------------------------------------------------------------------- what packleader says

const FACTORY = {
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
};
const IMAGE = { description: 'An image.', version: '1.0', platform: 'linux' };
const LAYER = {
  source: { ssmParameter: '/aws/service/debian/release/13/latest/amd64' },
  instanceType: 'm7i.large',
  // What AWS's own key encrypts could be shared with nobody.
  kmsKeyId: 'alias/images',
  rootVolumeSizeGiB: 8,
};

const stated = (value: unknown): StatedDeployment => ({
  value: Object.fromEntries(Object.entries(value ?? {})),
  locate: (path) => ({ file: 'packleader.config', line: 1, path }),
});

/** Whether packleader takes a document in a factory that is sound besides. A layer is the last of an image that lacks nothing. */
function packleaderTakes(kind: Kind, document: unknown): boolean {
  if (kind === 'config') {
    try {
      checkedDeployment(stated(document));
      return true;
    } catch {
      return false;
    }
  }
  const text = (of: Kind, sound: unknown) => stringify(of === kind ? document : sound);
  const files = new Map([
    ['factory.yaml', text('factory', FACTORY)],
    ['templates/linux/build.pkr.hcl', ''],
    ['images/linux-base/image.yaml', stringify(IMAGE)],
    ['images/linux-base/config/default.yaml', stringify(LAYER)],
    ['images/web/image.yaml', text('image', IMAGE)],
    ['images/web/config/default.yaml', stringify(LAYER)],
    ...(kind === 'layer' ? [['images/web/config/dev.yaml', stringify(document)] as const] : []),
  ]);
  return checkFactory(files).length === 0;
}

// ---------------------------------------------------------------------------------------------- documents

/** A network is of one region, and a source takes away the one of a lower layer. */
function inOneRegion(example: unknown) {
  const { source, ...rest } = z.looseObject({ source: z.looseObject({}).optional() }).parse(example);
  return {
    regions: { 'eu-west-1': { ...rest, ...(source && { source: { ssmParameter: null, ...source } }) } },
  };
}

const documents: readonly { kind: Kind; document: unknown }[] = [
  ...[
    { kind: 'factory' as const, schema: factorySchema, sound: FACTORY },
    { kind: 'image' as const, schema: imageSchema, sound: IMAGE },
    { kind: 'layer' as const, schema: settingsSchema, sound: {} },
    { kind: 'config' as const, schema: deploymentSchema, sound: {} },
  ].flatMap(({ kind, schema, sound }) =>
    settingsOf(schema).flatMap(({ examples }) =>
      examples.map((example) => ({
        kind,
        document: kind === 'layer' ? inOneRegion(example) : { ...sound, ...Object(example) },
      })),
    ),
  ),
  { kind: 'factory', document: { ...FACTORY, hub: { accountId: 999999999999, region: 'eu-west-1' } } },
  {
    kind: 'layer',
    document: { instanceType: 'm7i.large', regions: { 'us-east-1': { timeoutMinutes: 90 } } },
  },
  { kind: 'layer', document: { network: null, tags: { Team: 'web', Old: null }, variables: { a: null } } },
  { kind: 'layer', document: { source: { ssmParameter: null, image: 'linux-base' } } },
  {
    kind: 'layer',
    document: {
      accounts: { '111111111111': { timeoutMinutes: 60, regions: { 'us-east-1': { kmsKeyId: 'alias/a' } } } },
      regions: { 'eu-west-1': null },
    },
  },
];

const BAD: readonly [Kind, unknown][] = [
  ['factory', { ...FACTORY, repositry: 'https://github.com/example/images' }],
  ['factory', { repository: FACTORY.repository, stages: FACTORY.stages }],
  ['factory', { ...FACTORY, stages: [] }],
  ['factory', { ...FACTORY, hub: { accountId: '99999999999', region: 'eu-west-1' } }],
  ['factory', { ...FACTORY, hub: { accountId: 99999999999, region: 'eu-west-1' } }],
  ['factory', { ...FACTORY, hub: { accountId: '999999999999', region: 'eu-west-9' } }],
  ['factory', { ...FACTORY, stages: [{ name: 'Dev', targets: FACTORY.stages[0]?.targets }] }],
  ['factory', { ...FACTORY, stages: [{ name: 'dev', targets: [] }] }],
  ['factory', { ...FACTORY, pushBranches: 'main' }],
  ['image', { ...IMAGE, version: 1.4 }],
  ['image', { ...IMAGE, platform: 'macos' }],
  ['image', { ...IMAGE, schedule: { rate: 'weekly' } }],
  ['image', { ...IMAGE, sourceAmi: 'ami-0123456789abcdef0' }],
  ['image', { version: '1.4', platform: 'linux' }],
  ['layer', { instanceTyp: 'm7i.large' }],
  ['layer', { instanceType: ['m7i.large'] }],
  ['layer', { instanceType: 'large' }],
  ['layer', { network: { vpc: 'vpc-0d0e0f01' } }],
  ['layer', { rootVolumeSizeGiB: '20' }],
  ['layer', { timeoutMinutes: 4 }],
  ['layer', { architecture: 'amd64' }],
  ['layer', { tags: { Retries: 3 } }],
  ['layer', { regions: { 'eu-west-9': { timeoutMinutes: 60 } } }],
  ['layer', { regions: { 'eu-west-1': { timeoutMinute: 60 } } }],
  ['layer', { accounts: { '1111': { timeoutMinutes: 60 } } }],
  ['layer', { accounts: { '111111111111': { accounts: {} } } }],
  ['config', { packer: { version: '1.11.2' } }],
  ['config', { packer: { version: '1.11.2', sha256: 'abc' } }],
  ['config', { packer: { version: 'latest', sha256: 'f'.repeat(64) } }],
  ['config', { webhookSecret: 'arn:aws:secretsmanager:eu-west-1:999999999999:secret:webhook' }],
  ['config', { bakeVpcs: { dev: {} } }],
  ['config', { alarms: { email: 'nobody' } }],
  ['config', { customerKey: 'yes' }],
  ['config', { costumerKey: true }],
];

/** What an editor cannot know: it hangs on another value, or on another file. */
const BEYOND: readonly [Kind, unknown][] = [
  ['factory', { ...FACTORY, repository: 'git@github.com:example/images.git' }],
  ['factory', { ...FACTORY, stages: [...FACTORY.stages, ...FACTORY.stages] }],
  ['image', { ...IMAGE, schedule: { cron: '0 4 ? * MON *', rate: '7 days' } }],
  ['image', { ...IMAGE, template: 'nowhere' }],
  ['layer', { source: { ssmParameter: null, filter: { name: 'debian-*' } } }],
  ['layer', { regions: { 'eu-central-1': { timeoutMinutes: 60 } } }],
  ['layer', { network: { vpcId: 'vpc-0d0e0f01' } }],
  ['layer', { variables: { source_ami: 'ami-0123456789abcdef0' } }],
  ['config', { alarms: { email: 'a@example.com', topicArn: 'arn:aws:sns:eu-west-1:999999999999:images' } }],
];

const title = (kind: Kind, document: unknown) => ({ kind, document, shown: JSON.stringify(document) });

describe('the JSON Schemas', () => {
  it.each(documents.map(({ kind, document }) => title(kind, document)))(
    'take as $kind what packleader takes: $shown',
    ({ kind, document }) => {
      expect(editorTakes(kind, document)).toBe(true);
      expect(packleaderTakes(kind, document)).toBe(true);
    },
  );

  it.each(BAD.map(([kind, document]) => title(kind, document)))(
    'refuse as $kind what packleader refuses: $shown',
    ({ kind, document }) => {
      expect(packleaderTakes(kind, document)).toBe(false);
      expect(editorTakes(kind, document)).toBe(false);
    },
  );

  it.each(BEYOND.map(([kind, document]) => title(kind, document)))(
    'leave to packleader what they cannot know of $kind: $shown',
    ({ kind, document }) => {
      expect(packleaderTakes(kind, document)).toBe(false);
      expect(editorTakes(kind, document)).toBe(true);
    },
  );
});

describe('the YAML files of the shipped factory', () => {
  const { files } = checkOutFactory(join(ROOT, 'packer'));
  const yaml = [...files].filter(([name]) => isConfiguration(name));

  it.each(yaml)('name a schema in the first line of %s, and are taken by it', (name, bytes) => {
    const text = new TextDecoder().decode(bytes);
    const schema = schemaOf(text) ?? '';
    const kind = name === 'factory.yaml' ? 'factory' : name.endsWith('/image.yaml') ? 'image' : 'layer';
    expect(normalize(join('packer', dirname(name), schema))).toBe(`schemas/${kind}.json`);
    expect(editorTakes(kind, parse(text))).toBe(true);
  });
});
