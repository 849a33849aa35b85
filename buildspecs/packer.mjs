// The source of a release and the Packer that reads it, for the builds that run Packer.
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { again } from './again.mjs';
import { laidOverText, layTemplate } from './lay-template.mjs';
import { packerUrl } from './pinned-tools.mjs';
import { getObject } from './aws.mjs';
import { environment, run, say, sha256Of } from './program.mjs';

const OLDEST_PACKER = [1, 11];
/** Packer would ask its maker for a newer one. */
const NO_CHECKPOINT = { CHECKPOINT_DISABLE: '1' };
export const SLUG = '[a-z][a-z0-9-]*';

/** @typedef {{ directory: string, arguments: string[], files: Record<string, string> }} Overlay */

/**
 * The directory that Packer runs in: the image's, laid over its template; or the one that it takes as it is, in a copy of the
 * source of its own, with what the plan lays over it.
 * @param {string} image
 * @param {string | undefined} template
 * @param {Overlay} [overlay]
 * @returns {string}
 */
export function directoryOf(image, template, overlay) {
  if (overlay) {
    cpSync('factory', image, { recursive: true, verbatimSymlinks: true });
    const adopted = resolve(image, overlay.directory);
    for (const [name, text] of Object.entries(overlay.files)) writeFileSync(join(adopted, name), text);
    return adopted;
  }
  const directory = resolve('factory', 'images', image);
  if (!existsSync(directory)) throw new Error(`The source has no images/${image}.`);
  if (template !== undefined) say(laidOverText(image, template, layTemplate('factory', image, template)));
  if (readdirSync(directory).some((file) => /\.pkr\.(hcl|json)$/.test(file))) return directory;
  const why = template === undefined ? 'takes no template' : `neither does templates/${template}`;
  throw new Error(`images/${image} holds no *.pkr.hcl, and ${why}.`);
}

/**
 * @param {string} bucket
 * @param {string} key
 * @param {string} expected
 */
export async function fetchSource(bucket, key, expected) {
  await download(bucket, key, 'source.zip');
  verify('source.zip', expected, `s3://${bucket}/${key}`);
  // In the C locale unzip writes ü as #U00fc.
  run('unzip', ['-q', 'source.zip', '-d', 'factory'], { env: { LC_ALL: 'C.UTF-8' } });
}

/**
 * @param {string} file
 * @param {string} expected
 * @param {string} from
 */
function verify(file, expected, from) {
  const found = sha256Of(file);
  if (found === expected) return;
  rmSync(file);
  throw new Error(`${from} has the SHA-256 ${found}, expected ${expected}. Nothing of it was used.`);
}

/**
 * Returns the metadata of the object.
 * @param {string} bucket
 * @param {string} key
 * @param {string} file
 * @returns {Promise<Record<string, string>>}
 */
export async function download(bucket, key, file) {
  const { body, metadata } = await getObject(bucket, key);
  writeFileSync(file, body);
  return metadata;
}

/**
 * What a plan lays over the source, of an image that takes a directory as it is.
 * @param {string} file
 * @param {string} sha256
 * @returns {Overlay}
 */
export function readOverlay(file, sha256) {
  if (sha256Of(file) !== sha256) throw new Error(`${file} is not as planned.`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * What Packer is asked besides the variables of its file, with what is told in the place of each `{name}`: some is told to few.
 * @param {Overlay} overlay
 * @param {Record<string, any>} told
 */
export function argumentsOf(overlay, told) {
  return overlay.arguments.map((one) =>
    one.replace(/\{(\w+)\}$/, (_, name) => told[name] ?? (name === 'spot' ? false : 0)),
  );
}

/** The Packer on PATH when it is new enough, else the pinned one. */
export async function packerCommand() {
  // On Amazon Linux /usr/sbin/packer is a part of cracklib and waits for input, hence the time limit.
  const { stdout } = await promisify(execFile)('packer', ['version'], {
    env: { ...process.env, ...NO_CHECKPOINT },
    timeout: 20_000,
  }).catch(() => ({ stdout: '' }));
  const [, major = '0', minor = '0'] = /^Packer v(\d+)\.(\d+)\./.exec(stdout) ?? [];
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_PACKER;
  const isNew =
    Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
  return isNew ? 'packer' : installPacker();
}

async function installPacker() {
  const version = environment('PACKLEADER_PACKER_VERSION');
  const sha256 = environment('PACKLEADER_PACKER_SHA256');
  if (version === undefined || sha256 === undefined) {
    throw new Error(
      `No Packer ${OLDEST_PACKER.join('.')} or newer is here or pinned: use packleader pin, and deploy hub and targets.`,
    );
  }
  await fetchPinned(packerUrl(version, process.arch), 'packer.zip', sha256);
  mkdirSync('tools', { recursive: true });
  run('unzip', ['-q', '-o', 'packer.zip', 'packer', '-d', 'tools']);
  return resolve('tools', 'packer');
}

/**
 * Installs the plugins that the project pins, in place of what `packer init` would choose; false when it pins none. What a template
 * requires besides, Packer misses by its name.
 * @param {string} packer
 */
export async function installPlugins(packer) {
  const pinned = environment('PACKLEADER_PLUGINS');
  for (const [, source = '', url = '', sha256 = ''] of pinned?.matchAll(/(\S+) (\S+) (\S+)/g) ?? []) {
    await fetchPinned(url, 'plugin.zip', sha256);
    run('unzip', ['-qojd', sha256, 'plugin.zip', 'packer-plugin-*']);
    const [file = ''] = readdirSync(sha256);
    run(packer, ['plugins', 'install', '--path', join(sha256, file), source], { env: NO_CHECKPOINT });
  }
  return pinned !== undefined;
}

/** curl's own words for no connection, none for long, or one that ended too early. A certificate that is wrong stays wrong. */
const HEALS = /^curl: \((5|6|7|18|28|35|52|55|56|92)\)|error: (429|5\d\d)$/m;

/**
 * Fetches what is pinned: from its vendor, from a mirror that has it under its vendor's host and path, or from the hub's bucket.
 * @param {string} vendors
 * @param {string} file
 * @param {string} sha256
 */
export async function fetchPinned(vendors, file, sha256) {
  const from = environment('PACKLEADER_DOWNLOADS');
  const bucket = from === 'bucket' && String(environment('PACKLEADER_BUCKET'));
  const url = bucket ? `s3://${bucket}/tools/${sha256}` : vendors.replace('https:/', from ?? '$&');
  say(`Fetching ${url}`);
  if (bucket) await download(bucket, `tools/${sha256}`, file);
  else await curl(url, file);
  verify(file, sha256, url);
}

/**
 * @param {string} url
 * @param {string} file
 */
async function curl(url, file) {
  const args = [
    '-fsSL',
    '--proto',
    '=https',
    '--connect-timeout',
    '20',
    '--speed-time',
    '60',
    '-o',
    file,
    url,
  ];
  const { status, said } = await again(
    async () => {
      const { status: ended, stderr, error } = spawnSync('curl', args, { encoding: 'utf8' });
      return { status: ended, said: error?.message ?? stderr.trim() };
    },
    (ended) => (HEALS.test(ended.said) ? { why: ended.said } : undefined),
  );
  if (status !== 0) throw new Error(`${url} could not be fetched: ${said}`);
}
