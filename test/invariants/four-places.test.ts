/** What keeps an image from being released is refused in all four places, in the same words: docs/decisions/one-list-of-checks.md. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidConfiguration } from '../../core/configuration/documents/problems.ts';
import { filesInDirectory } from '../../core/source/directory.ts';
import { checkedConfiguration } from '../../core/templates/check.ts';
import { handler as planReleases } from '../../tasks/plan-releases.ts';
import { type Zippable, strToU8, zipSync } from 'fflate';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import { run } from '../cli/output.ts';
import { useAws } from '../fixtures/aws/strict-aws.ts';
import { temporaryDirectory, writeFiles } from '../fixtures/directories.ts';
import { STAGES, filesOf } from '../fixtures/factories.ts';
import { SOUND_TEMPLATE } from '../fixtures/templates.ts';

const TEMPLATE = 'images/base/image.pkr.hcl';
const CONFIGURATION = 'config/default.yaml';
const sound = filesOf({ stages: STAGES });

/** What a file of a factory may be instead of a text. */
type Entry = string | Uint8Array | { readonly link: string } | { readonly submodule: true };
type Changes = Readonly<Record<string, Entry | null>>;
type Entries = ReadonlyMap<string, Entry>;

const recorded = (name: string) => readFileSync(new URL(`../core/source/recorded/${name}`, import.meta.url));

function template(from: string, to: string): Changes {
  if (!SOUND_TEMPLATE.includes(from)) throw new Error(`the sound template has no ${from}`);
  return { [TEMPLATE]: SOUND_TEMPLATE.replace(from, to) };
}
const attribute = (text: string): Changes =>
  template('region          = var.region', `region = var.region\n  ${text}`);
function configuration(from: string | RegExp, to: string): Changes {
  const text = sound.get(CONFIGURATION) ?? '';
  if (text.search(from) < 0) throw new Error(`the sound configuration has no ${from}`);
  return { [CONFIGURATION]: text.replace(from, to) };
}
const adopting = (directory: string): Changes => ({
  'images/base/image.yaml': `description: base\nversion: '1.4'\nplatform: linux\npacker: { directory: ${directory} }\n`,
});
const factory = (from: string, to: string): Changes => ({
  'factory.yaml': (sound.get('factory.yaml') ?? '').replaceAll(from, to),
});

/** By the first column of the table in the decision. */
const KINDS: Readonly<Record<string, readonly [Changes, string]>> = {
  'an image without a template': [{ [TEMPLATE]: null }, 'found no template of Packer'],
  'a template without packleader’s variables': [
    { [TEMPLATE]: SOUND_TEMPLATE.slice(SOUND_TEMPLATE.indexOf('source "')) },
    'which packleader gives every bake: declare them in',
  ],
  'a volume that is not encrypted': [
    template('encrypted   = true', 'encrypted = false'),
    'must be encrypted = true',
  ],
  'another key than that of the target': [
    template('kms_key_id  = var.kms_key_id', ''),
    'found no kms_key_id',
  ],
  'no `run_tags`': [template('run_tags        = var.tags', ''), 'found no run_tags'],
  'no `snapshot_tags`': [template('snapshot_tags   = var.tags', ''), 'found no snapshot_tags'],
  'no manifest': [template('post-processor "manifest" {}', ''), 'found no post-processor "manifest"'],
  'an `ami_name` of its own': [template('= var.ami_name', '= "mine"'), 'must be var.ami_name'],
  'several sources, or builds': [
    { [TEMPLATE]: `${SOUND_TEMPLATE}build {\n  sources = ["source.amazon-ebs.image"]\n}\n` },
    'found a second build',
  ],
  '`ami_users`': [attribute('ami_users = ["111111111111"]'), 'Packer shares before it tags'],
  '`ami_regions`': [attribute('ami_regions = ["us-east-1"]'), 'copies in other regions'],
  '`force_deregister`': [attribute('force_deregister = true'), 'which is another release'],
  '`encrypt_boot`': [attribute('encrypt_boot = true'), 'under another name first'],
  'a credential': [attribute('access_key = "AKIA"'), 'a bake has the credentials of its role'],
  'a directory of Packer that is not there': [
    { ...adopting('../../mine'), [TEMPLATE]: null },
    'found "../../mine", must be a directory that the repository has',
  ],
  'an adopted template that cannot be released': [
    {
      ...adopting('../../mine'),
      [TEMPLATE]: null,
      'mine/a.pkr.hcl':
        `variable "colour" {}\n${SOUND_TEMPLATE.slice(SOUND_TEMPLATE.indexOf('source "'))}`.replace(
          'ami_name        = var.ami_name',
          'ami_description = var.colour',
        ),
    },
    'colour: has no default, must be set for',
  ],
  'a script with CR LF': [{ 'images/base/setup.sh': '#!/bin/sh\r\ntrue\r\n' }, 'must end in LF'],
  'a pointer of Git LFS': [
    { 'images/base/big.bin': recorded('lfs-pointer') },
    'images/base/big.bin: found a pointer of Git LFS',
  ],
  'a file that git-crypt has encrypted': [
    { 'shared/key': recorded('git-crypt') },
    'shared/key: found a file that git-crypt has encrypted',
  ],
  'a submodule': [{ 'images/base/lib': { submodule: true } }, 'images/base/lib: found a submodule'],
  'a symbolic link out of the factory': [
    { 'images/base/run': { link: '../../../outside' } },
    'images/base/run: found a symbolic link to "../../../outside", must lead to',
  ],
  'a name that zip or Windows does not keep': [
    { 'images/base/a\\b': '' },
    'found the name "a\\\\b", must hold no backslash',
  ],
  'names that differ in case only': [
    { 'shared/setup.sh': '', 'shared/Setup.sh': '' },
    'found "shared/Setup.sh" as well',
  ],
  'a region that there is none of': [factory('eu-west-1', 'us-esat-1'), 'the nearest is "us-east-1"'],
  'a key of another account or region': [
    configuration(/kmsKeyId: .*/, "kmsKeyId: 'arn:aws:kms:eu-north-1:100000000001:alias/x'"),
    'found a key of 100000000001 in eu-north-1',
  ],
  'a VPC or subnet in two regions': [
    {
      'factory.yaml': (sound.get('factory.yaml') ?? '').replace(
        /( +- \{ accountId: '\d+', region: )eu-west-1 \}/,
        (line, before: string) => `${line}\n${before}eu-north-1 }`,
      ),
    },
    'must be in one region',
  ],
  'a list where a map belongs': [
    configuration('rootVolumeSizeGiB: 16', 'rootVolumeSizeGiB: 16\nvariables: [1]'),
    'variables: ',
  ],
  'a setting that no layer has': [
    configuration('instanceType: m7i.large', ''),
    'instanceType: found nothing',
  ],
};

const aws = useAws();

function changed(changes: Changes): Entries {
  const files = new Map<string, Entry>(sound);
  for (const [file, entry] of Object.entries(changes)) {
    if (entry === null) files.delete(file);
    else files.set(file, entry);
  }
  return files;
}

function lay(directory: string, entries: Entries): void {
  for (const [name, entry] of entries) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof entry === 'string' || entry instanceof Uint8Array) writeFileSync(path, entry);
    else if ('link' in entry) symlinkSync(entry.link, path);
    else writeFiles(path, { '.git': 'gitdir: ../../../.git/modules/lib\n' });
  }
}

/** As git archives it. */
function zipped(entries: Entries): Uint8Array {
  const zip = [...entries].map(([name, entry]): [string, Zippable[string]] => {
    if (typeof entry === 'string') return [name, strToU8(entry)];
    if (entry instanceof Uint8Array) return [name, entry];
    if ('link' in entry) return [name, [strToU8(entry.link), { os: 3, attrs: (0o120777 << 16) >>> 0 }]];
    return [`${name}/`, new Uint8Array()];
  });
  return zipSync(Object.fromEntries(zip));
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.message;
    throw error;
  }
  return 'nothing was refused';
}

/** What `Plan releases` says before anything is built. */
async function planned(files: Entries): Promise<string> {
  aws.holds('hub', 'sources/a.zip', zipped(files));
  const told = {
    COMMIT: 'a'.repeat(40),
    BRANCH: 'main',
    SOURCE_KEY: 'sources/a.zip',
    SOURCE_SHA256: 'a'.repeat(64),
    CHANGES_KEY: 'sources/a.changes.json',
  };
  return refusalOf(
    planReleases({
      request: { image: 'base' },
      execution: { id: 'run', name: 'run', startedAt: '2026-11-21T09:30:00.123Z' },
      bucket: 'hub',
      deployed: { stages: ['dev', 'prod'], defaultBranch: 'main' },
      variables: Object.entries(told).map(([Name, Value]) => ({ Name, Value })),
    }),
  );
}

describe('what could never be released is refused by rehearse, validate, synthesis and the release:', () => {
  it.each(Object.entries(KINDS))('%s', async (_, [changes, sentence]) => {
    const files = changed(changes);
    const directory = temporaryDirectory();
    lay(directory, files);
    const said = await refusalOf(checkedConfiguration(filesInDirectory(directory), {}));
    expect(said).toContain(sentence);
    expect(await planned(files)).toBe(said);
    const rehearsed = await run('rehearse', '--factory', directory, '--no-validate');
    expect([rehearsed.exit, rehearsed.err]).toEqual([EXIT.refused, expect.stringContaining(sentence)]);
    const validated = await run('validate', '--factory', directory);
    expect([validated.exit, validated.out + validated.err]).toEqual([
      EXIT.refused,
      expect.stringContaining(sentence),
    ]);
  });

  it('is what the table in the decision lists', () => {
    const page = readFileSync(
      join(import.meta.dirname, '../../docs/decisions/one-list-of-checks.md'),
      'utf8',
    );
    const listed = [...page.matchAll(/^\| (.+?) +\| refused +\| refused +\| refused +\| refused +\|$/gm)];
    expect(listed.map(([, kind]) => kind)).toEqual(Object.keys(KINDS));
  });
});
