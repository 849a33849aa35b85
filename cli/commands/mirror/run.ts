/** `packleader mirror`: what every bake downloads, in the hub's bucket or in the directory of a mirror. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { packerUrl, sessionManagerPluginUrl } from '../../../buildspecs/pinned-tools.mjs';
import { asClientError } from '../../../client/errors.ts';
import { DEPLOYMENT_FILE, type DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { loadFactory } from '../../../core/configuration/factory.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { keys } from '../../../core/contract/keys.ts';
import { bucketName } from '../../../core/contract/names.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { INTERNET, bytesAt } from '../../input/internet.ts';
import { deploymentOfProject } from '../../input/project.ts';
import { fromStart } from '../../input/start-directory.ts';
import type { Output } from '../../terminal/output.ts';

export interface MirrorOptions {
  /** A directory; default: the internet. */
  readonly from?: string;
  /** A directory; default: the hub's bucket. */
  readonly to?: string;
}

/** What a bake downloads. */
interface PinnedFile {
  readonly what: string;
  readonly url: string;
  readonly sha256: string;
}

/** Where files are put. */
interface Place {
  readonly has: (file: PinnedFile) => Promise<boolean>;
  readonly put: (file: PinnedFile, content: Uint8Array) => Promise<void>;
  readonly nameOf: (file: PinnedFile) => string;
}

/** @throws InvalidConfiguration before anything that is not as it is pinned is put anywhere */
export async function mirrorCommand(
  { from, to }: MirrorOptions,
  output: Output,
  internet = INTERNET,
): Promise<void> {
  const settings = deploymentOfProject(fromStart('.'));
  const files = pinnedFiles(settings);
  if (files.length === 0)
    throw refuse(DEPLOYMENT_FILE, 'pins nothing that a bake downloads: packleader pin --plugins writes it');
  const { downloads = 'bucket' } = settings;
  if (to === undefined && downloads !== 'bucket')
    throw refuse(
      '--to',
      `must be a directory, which you then serve as ${downloads}: so ${DEPLOYMENT_FILE} says`,
    );
  const place = to === undefined ? bucketOfHub() : directoryOf(fromStart(to));
  for (const file of files) {
    output.status(`  … ${file.what}`);
    const isThere = await place.has(file);
    if (!isThere) await place.put(file, await contentOf(file));
    output.status('');
    const done = isThere ? output.paint('dim', 'kept ') : output.paint('green', 'wrote');
    output.print(`  ${done}  ${file.what}\n         ${place.nameOf(file)}\n`);
  }

  async function contentOf(file: PinnedFile): Promise<Uint8Array> {
    const source = from === undefined ? file.url : pathIn(fromStart(from), file);
    if (from !== undefined && !existsSync(source))
      throw refuse('--from', `has no ${source}: packleader mirror --to makes such a directory`);
    const content = from === undefined ? await bytesAt(source, file.what, internet) : readFileSync(source);
    const found = digestOf(content);
    if (found === file.sha256) return content;
    throw refuse(source, `has the SHA-256 ${found}, must be ${file.sha256}, as ${DEPLOYMENT_FILE} pins it`);
  }
}

/** All that bakes fetch, for the architecture of their builds. */
function pinnedFiles({ packer, sessionManagerPlugin, plugins = [] }: DeploymentSettings): PinnedFile[] {
  const tool = (what: string, url: string, { sha256 }: { sha256: string }) => ({ what, url, sha256 });
  return [
    ...(packer ? [tool(`packer ${packer.version}`, packerUrl(packer.version, 'arm64'), packer)] : []),
    ...plugins.map((plugin) => tool(`${plugin.source} ${plugin.version}`, plugin.url, plugin)),
    ...(sessionManagerPlugin
      ? [
          tool(
            `sessionManagerPlugin ${sessionManagerPlugin.version}`,
            sessionManagerPluginUrl(sessionManagerPlugin.version, 'arm64'),
            sessionManagerPlugin,
          ),
        ]
      : []),
  ];
}

const digestOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** As a mirror serves it: the host, then the path. */
const pathIn = (directory: string, { url }: PinnedFile): string =>
  join(directory, url.replace('https://', ''));

function directoryOf(directory: string): Place {
  const nameOf = (file: PinnedFile) => pathIn(directory, file);
  return {
    nameOf,
    has: async (file) =>
      Promise.resolve(existsSync(nameOf(file)) && digestOf(readFileSync(nameOf(file))) === file.sha256),
    put: async (file, content) => {
      mkdirSync(dirname(nameOf(file)), { recursive: true });
      // Whoever serves the directory never has half of a file.
      writeFileSync(`${nameOf(file)}.new`, content);
      renameSync(`${nameOf(file)}.new`, nameOf(file));
      return Promise.resolve();
    },
  };
}

function bucketOfHub(): Place {
  const factory = loadFactory(configurationFiles(checkOutFactory('.').files));
  const s3 = new S3Client({ region: factory.hub.region });
  const Bucket = bucketName(factory);
  const nameOf = ({ sha256 }: PinnedFile) => `s3://${Bucket}/${keys.tool(sha256)}`;
  return {
    nameOf,
    has: async (file) => {
      try {
        const command = new HeadObjectCommand({
          Bucket,
          Key: keys.tool(file.sha256),
          ChecksumMode: 'ENABLED',
        });
        return (await s3.send(command)).ChecksumSHA256 === inBase64(file);
      } catch (error) {
        // A HEAD has no body: who may not list is told 403 of what is not there, and will hear of it when it is put.
        if (error instanceof Error && ['NotFound', 'Forbidden', '403', '404'].includes(error.name))
          return false;
        throw asClientError(error, `${nameOf(file)} could not be looked at`);
      }
    },
    put: async (file, content) => {
      try {
        // S3 refuses bytes that are not those.
        await s3.send(
          new PutObjectCommand({
            Bucket,
            Key: keys.tool(file.sha256),
            Body: content,
            ChecksumSHA256: inBase64(file),
          }),
        );
      } catch (error) {
        throw asClientError(error, `${nameOf(file)} could not be written`);
      }
    },
  };
}

/** As S3 writes digests. */
const inBase64 = ({ sha256 }: PinnedFile): string => Buffer.from(sha256, 'hex').toString('base64');
