/** What HashiCorp and AWS publish: newest versions, programs, and the checksums of the one that has any. */
import * as z from 'zod';
import { packerUrl, sessionManagerPluginUrl } from '../../../buildspecs/pinned-tools.mjs';
import type { PinnedPlugin } from '../../../core/configuration/deployment-settings.ts';
import { refuse } from '../../input/arguments.ts';
import { type Internet, digestAt, textAt, textIfAny } from '../../input/internet.ts';

/** A program with the digest that a bake will ask for. */
export interface Pin {
  readonly version: string;
  readonly sha256: string;
}

export interface Tool {
  readonly flag: string;
  /** Its key in packleader.config. */
  readonly key: 'packer' | 'sessionManagerPlugin';
  readonly newest: (internet: Internet) => Promise<string>;
  readonly fetched: (version: string, internet: Internet) => Promise<Pin>;
  /** Who vouches for the digest, in words. */
  readonly vouched: string;
}

/** As the projects of hub and targets are. */
const ARCHITECTURE = 'arm64';

const NEWEST_PACKER = 'https://api.releases.hashicorp.com/v1/releases/packer/latest';
const NEWEST_PLUGIN = 'https://s3.amazonaws.com/session-manager-downloads/plugin/latest/VERSION';

export const PACKER: Tool = {
  flag: '--packer',
  key: 'packer',
  vouched: 'as HashiCorp publishes it',
  newest: async (internet) => {
    const text = await textAt(NEWEST_PACKER, '--packer', internet);
    return versionIn(/"version"\s*:\s*"([^"]+)"/.exec(text)?.[1], NEWEST_PACKER, '--packer');
  },
  fetched: async (version, internet) => {
    const url = packerUrl(version, ARCHITECTURE);
    const name = url.slice(url.lastIndexOf('/') + 1);
    const sums = url.replace(name, `packer_${version}_SHA256SUMS`);
    const published = publishedSum(await textAt(sums, '--packer', internet), name);
    if (published === undefined)
      throw refuse('--packer', `found no ${name} in ${sums}, must be a version that has one`);
    const sha256 = await digestAt(url, '--packer', internet);
    if (sha256 !== published)
      throw refuse(
        '--packer',
        `found the SHA-256 ${sha256} of ${url}, must be ${published}, as ${sums} says: what was fetched is not what HashiCorp publishes`,
      );
    return { version, sha256 };
  },
};

export const SESSION_MANAGER_PLUGIN: Tool = {
  flag: '--session-manager-plugin',
  key: 'sessionManagerPlugin',
  vouched: 'as it was fetched: AWS publishes none',
  newest: async (internet) => {
    const text = await textAt(NEWEST_PLUGIN, '--session-manager-plugin', internet);
    return versionIn(text.trim(), NEWEST_PLUGIN, '--session-manager-plugin');
  },
  fetched: async (version, internet) => {
    const url = sessionManagerPluginUrl(version, ARCHITECTURE);
    return { version, sha256: await digestAt(url, '--session-manager-plugin', internet) };
  },
};

function versionIn(found: string | undefined, url: string, flag: string): string {
  if (
    z
      .string()
      .regex(/^\d+(\.\d+)+$/)
      .safeParse(found).success &&
    found !== undefined
  )
    return found;
  throw refuse(flag, `found no version at ${url}: name one`);
}

function publishedSum(sums: string, name: string): string | undefined {
  const line = sums.split('\n').find((one) => one.trim().endsWith(` ${name}`));
  return /^[0-9a-f]{64}(?= )/.exec(line ?? '')?.[0];
}

const PLUGINS = '--plugins';

/**
 * A plugin with the digest that its vendor publishes. HashiCorp's own site is asked before GitHub, as Packer does.
 *  @throws InvalidConfiguration
 */
export async function publishedPlugin(
  { source, version }: Pick<PinnedPlugin, 'source' | 'version'>,
  internet: Internet,
): Promise<PinnedPlugin> {
  const [, owner, name] = /^github\.com\/([\w.-]+)\/([\w.-]+)$/.exec(source) ?? [];
  if (owner === undefined || name === undefined)
    throw refuse(
      PLUGINS,
      `found the source ${source}, must be one of github.com: write any other into packleader.config by hand`,
    );
  const plugin = `packer-plugin-${name}`;
  const atVendor = `https://releases.hashicorp.com/${plugin}/${version}/${plugin}_${version}_`;
  const atGitHub = `https://github.com/${owner}/${plugin}/releases/download/v${version}/${plugin}_v${version}_`;
  const places = owner === 'hashicorp' ? [atVendor, atGitHub] : [atGitHub];
  for (const place of places) {
    const sums = await textIfAny(`${place}SHA256SUMS`, PLUGINS, internet);
    if ('absent' in sums) continue;
    const [line = ''] = sums.result.split('\n').filter((one) => one.endsWith(`_linux_${ARCHITECTURE}.zip`));
    const [, published, file] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line) ?? [];
    if (published === undefined || file === undefined)
      throw refuse(
        PLUGINS,
        `found no zip for linux_${ARCHITECTURE} in ${place}SHA256SUMS, must be a version that has one`,
      );
    const url = `${place.slice(0, place.lastIndexOf('/'))}/${file}`;
    const sha256 = await digestAt(url, PLUGINS, internet);
    if (sha256 !== published)
      throw refuse(
        PLUGINS,
        `found the SHA-256 ${sha256} of ${url}, must be ${published}, as ${place}SHA256SUMS says: what was fetched is not what is published`,
      );
    return { source, version, url, sha256 };
  }
  throw refuse(
    PLUGINS,
    `there is no ${source} ${version} at ${places.map((place) => new URL(place).host).join(' or ')}, must be a version that is published`,
  );
}
