/** A release that fetches Packer and its plugin from the bucket alone, on machines that have neither, and no way to the internet. */
import { createHash } from 'node:crypto';
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { zipSync } from 'fflate';
import { keys } from '../../core/contract/keys.ts';
import { NAMES, bucketName } from '../../core/contract/names.ts';
import { DEV, HUB } from '../fixtures/accounts.ts';
import type { Build } from './code-build.ts';
import { LOGIN } from './factory-files.ts';
import type { Installation } from './installation.ts';
import { type Released, Stand, answerBakes } from './release.ts';

const FORGED = 'not the plugin';
/** Where nothing listens, so that a request which leaves the machine fails. */
const NOWHERE = 'http://127.0.0.1:9';

/** Returns what is wrong, if anything. */
export async function releaseWithoutInternet(
  installation: Installation,
  directory: string,
  number: number,
): Promise<string[]> {
  const tool = zipped('packer', readFileSync(installation.packer.command));
  const [file = ''] = globSync(`${installation.packer.environment['PACKER_PLUGIN_PATH']}/**/*_x5.0_linux_*`, {
    exclude: ['**/*_SHA256SUM'],
  });
  const plugin = zipped(basename(file), readFileSync(file));
  const pinned = {
    downloads: 'bucket',
    packer: { version: '1.11.2', sha256: tool.sha256 },
    plugins: [
      {
        source: 'github.com/hashicorp/amazon',
        version: '1.3.2',
        url: 'https://example.com/plugin.zip',
        sha256: plugin.sha256,
      },
    ],
  };
  const stand = await Stand.start(installation, directory, { dev: [DEV] }, number, {}, {}, pinned);
  forgetPacker(stand, directory);
  const put = async (sha256: string, Body: Uint8Array | string) =>
    new S3Client({ region: HUB.region }).send(
      new PutObjectCommand({ Bucket: bucketName(stand.made.factory), Key: keys.tool(sha256), Body }),
    );
  await put(tool.sha256, tool.zip);
  await put(plugin.sha256, plugin.zip);

  const machine = { root: installation.root, directory, login: LOGIN };
  answerBakes(stand, machine, () => 'bake');
  const good = await stand.release({ images: ['linux-base'] });
  const ofGood = bakesOf(stand);
  // From here on the bucket holds something else, once the templates have been validated.
  answerBakes(
    stand,
    machine,
    () => 'bake',
    async () => void (await put(plugin.sha256, FORGED)),
  );
  const bad = await stand.release({ images: ['linux-base'] });
  const ofBad = bakesOf(stand).filter((build) => !ofGood.includes(build));
  const forged = createHash('sha256').update(FORGED).digest('hex');
  const refusal = `tools/${plugin.sha256} has the SHA-256 ${forged}, expected ${plugin.sha256}. Nothing of it was used.`;
  return [
    ...ended(good, 'released'),
    ...ofGood.flatMap((build) => unlike(build, [tool.sha256, plugin.sha256])),
    ...ended(bad, 'rolled back'),
    ...(ofBad.some((build) => logOf(build).includes(refusal))
      ? []
      : ['The forged plugin was not refused.', ...ofBad.map(logOf)]),
    ...(ofBad.some((build) => logOf(build).includes('amazon-ebs'))
      ? ['Packer ran with the forged plugin.']
      : []),
  ];
}

/** As a vendor publishes a program. */
function zipped(name: string, content: Uint8Array): { readonly zip: Uint8Array; readonly sha256: string } {
  const zip = zipSync({ [name]: [content, { level: 1, os: 3, attrs: 0o100755 << 16 }] });
  return { zip, sha256: createHash('sha256').update(zip).digest('hex') };
}

/** As on a build image: an old Packer, no plugin. */
function forgetPacker({ environment }: Stand, directory: string): void {
  const packer = join(directory, 'bin', 'packer');
  rmSync(packer, { force: true });
  writeFileSync(packer, "#!/bin/sh\necho 'Packer v1.8.7'\n");
  chmodSync(packer, 0o755);
  delete environment['PACKER_PLUGIN_PATH'];
  Object.assign(environment, { HTTPS_PROXY: NOWHERE, https_proxy: NOWHERE });
}

const bakesOf = ({ codeBuild }: Stand): Build[] =>
  codeBuild.builds.filter(({ project }) => project.name === NAMES.bakeProject);

const logOf = (build: Build | undefined): string =>
  build ? readFileSync(join(build.directory, 'log'), 'utf8') : '';

function ended({ releases, error }: Released, expected: string): string[] {
  const [release] = releases;
  return release?.outcome === expected
    ? []
    : [
        `The release ended ${release?.outcome ?? 'early'}, expected ${expected}: ${release?.error?.cause ?? error}`,
      ];
}

/** What else than these files a build fetched, and which of them it did not. */
function unlike(build: Build, digests: readonly string[]): string[] {
  const fetched = [...logOf(build).matchAll(/^Fetching (\S+)$/gm)].map(([, url = '']) => url);
  const expected = digests.map(
    (sha256) => `s3://packleader-${HUB.accountId}-${HUB.region}/${keys.tool(sha256)}`,
  );
  return fetched.toSorted().join(' ') === expected.toSorted().join(' ')
    ? []
    : [`The build fetched ${fetched.join(', ') || 'nothing'}, expected ${expected.join(', ')}.`];
}
