/** What HashiCorp and AWS publish: newest versions, programs, and the checksums of the one that has any. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { packerUrl, sessionManagerPluginUrl } from '../../../buildspecs/pinned-tools.mjs';
import { refuse } from '../../input/arguments.ts';

export interface Internet {
  readonly fetch: (url: string, options: RequestInit) => Promise<Response>;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export const INTERNET: Internet = { fetch: globalThis.fetch, sleep };

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

// ---------------------------------------------------------------------------------------------- fetching

const PATIENCE_MS = 300_000;
/** Four tries in about thirteen seconds. */
const WAITS_MS = [1_000, 3_000, 9_000];

/** A bucket that may not be listed answers 403 for what it does not have. */
const ABSENT = [403, 404, 410];
const isPassing = (status: number): boolean => status === 429 || status >= 500;

const textAt = (url: string, flag: string, internet: Internet): Promise<string> =>
  withRetries(url, flag, internet, (response) => response.text());

/** Hashed as it comes, and not kept. */
const digestAt = (url: string, flag: string, internet: Internet): Promise<string> =>
  withRetries(url, flag, internet, async ({ body }) => {
    const hash = createHash('sha256');
    if (body === null) throw new Error('the answer is empty');
    for await (const chunk of body) hash.update(chunk);
    return hash.digest('hex');
  });

async function withRetries<Result>(
  url: string,
  flag: string,
  internet: Internet,
  read: (response: Response) => Promise<Result>,
): Promise<Result> {
  for (const wait of [...WAITS_MS, undefined]) {
    const { result, why } = await once(url, flag, internet, read);
    if (why === undefined) return result;
    if (wait === undefined)
      throw refuse(
        flag,
        `${url} cannot be fetched: ${why}; run it where ${new URL(url).host} can be reached, or name the SHA-256 by hand: ${flag} <version>=<sha256>`,
      );
    await internet.sleep(wait);
  }
  throw new Error('the last try returns or throws');
}

type Tried<Result> =
  | { readonly result: Result; readonly why?: undefined }
  | { readonly result?: undefined; readonly why: string };

async function once<Result>(
  url: string,
  flag: string,
  internet: Internet,
  read: (response: Response) => Promise<Result>,
): Promise<Tried<Result>> {
  let response: Response;
  try {
    response = await internet.fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return { result: await read(response) };
    await response.body?.cancel();
  } catch (error) {
    return { why: reason(error) };
  }
  if (ABSENT.includes(response.status))
    throw refuse(flag, `there is no ${url} (${response.status}), must be a version that is published`);
  if (isPassing(response.status)) return { why: `it answers with ${response.status}` };
  throw refuse(flag, `${url} answers with ${response.status}`);
}

/** Node says only "fetch failed" itself. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
