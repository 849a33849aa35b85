import { describe, expect, test } from 'vitest';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import { AL2023 as PARAMETER } from '../../fixtures/factories.ts';

const stages = {
  dev: [...targetsIn(0, 1), ...targetsIn(0, 1, 'eu-central-1')],
  prod: [...targetsIn(1, 1), ...targetsIn(1, 1, 'eu-central-1')],
};
const AL2023 = "'al2023-ami-2023.*-kernel-6.1-x86_64'";

/** Rehearses one image with this source, and tells which AMI each target's bake started from. */
async function sourcesOf(source: string) {
  let sandbox: Sandbox | undefined;
  const report = await rehearseFactory(
    { stages, images: { base: source } },
    { prepare: (prepared) => void (sandbox = prepared) },
  );
  const [release] = report.releases;
  const images = (release?.targets ?? []).map(({ accountId, region, sourceImageId }) =>
    sandbox?.world.visibleImage(accountId, region, sourceImageId ?? ''),
  );
  return { error: release?.error ?? null, regions: release?.targets.map(({ region }) => region), images };
}

describe.each([
  ['a public parameter', PARAMETER],
  ['a filter and its owners', `filter: { name: ${AL2023} }\n  owners: [amazon]`],
])('%s', (_, source) => {
  test('gives every account the newest AMI of its publisher: one per region, of one name', async () => {
    const { error, images, regions } = await sourcesOf(source);
    expect(error).toBeNull();
    expect(new Set(images.map((image) => image?.ownerId))).toEqual(new Set(['137112412989']));
    expect(new Set(images.map((image) => image?.name))).toEqual(
      new Set(['al2023-ami-2023.9.20261118.0-kernel-6.1-x86_64']),
    );
    const ids = images.map((image, index) => `${regions?.[index]} ${image?.imageId}`);
    expect(new Set(ids).size).toBe(2);
  });
});

test("a stranger's newer look-alike is there, and would be chosen if owners were not mandatory", async () => {
  const { images } = await sourcesOf(`filter: { name: ${AL2023} }\n  owners: ['666655554444']`);
  expect(images.map((image) => image?.name)).toContain('al2023-ami-2023.9.20261120.0-kernel-6.1-x86_64');
});

test.each([
  [
    `filter: { name: ${AL2023} }\n  owners: [amazon]\n  maxAgeDays: 1`,
    /^SourceAmiRefused: .* is 3 days old, and source\.maxAgeDays allows 1/,
  ],
  [`filter: { name: 'no-such-*' }\n  owners: [amazon]`, /^SourceAmiNotFound: .* No AMI of amazon matches/],
  [
    'ssmParameter: /aws/service/no/such/parameter',
    /^SourceAmiNotFound: .* There is no parameter \/aws\/service\/no\/such\/parameter/,
  ],
  [
    'ids: { eu-west-1: ami-0123456789abcdef0, eu-central-1: ami-0123456789abcdef0 }',
    /^SourceAmiNotFound: .* ami-0123456789abcdef0 \(from source\.ids\) does not exist here/,
  ],
])('fails before anything is built on the source %s', async (source, sentence) => {
  const { error } = await sourcesOf(source);
  expect(error?.cause).toMatch(sentence);
});

test('fails before anything is built on a source whose root is another device than the template’s', async () => {
  const { error } = await sourcesOf(
    'ssmParameter: /aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id',
  );
  expect(error?.cause).toMatch(
    /^SourceAmiRefused: .* its root device is \/dev\/sda1, and the template makes \/dev\/xvda/,
  );
});
