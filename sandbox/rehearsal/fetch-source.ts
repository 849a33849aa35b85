/** The project `packleader-fetch-source`, simulated: one zip of one commit into the hub's bucket. */
import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import { FETCH_SOURCE } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { releaseRequestSchema, type ReleaseRequest } from '../../core/contract/requests.ts';
import type { Changes } from '../../core/contract/releases.ts';
import type { BuildRun } from '../aws/builds.ts';
import { compare } from '../aws/world.ts';

export interface Checkout {
  /** 40 hex digits. */
  readonly commit: string;
  readonly branch: string;
  /** Path in the zip -> content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly changes: Changes;
}

/** Checks out what a request asks for; throwing fails the build. */
export type CheckOut = (request: ReleaseRequest) => Checkout | Promise<Checkout>;

/** Of the request only what names the commit is read; `Plan releases` judges the rest. */
const namedSchema = releaseRequestSchema.pick({ ref: true, branch: true }).strip();

const MINUTE = 60_000;
/** The earliest instant a zip can express: every file of every zip has it, so the same commit gives the same bytes. */
const ZIP_EPOCH = new Date(1980, 0, 1);

export const fetchSource =
  (checkOut: CheckOut) =>
  async (build: BuildRun): Promise<void> => {
    const { environment } = build;
    const asked: unknown = JSON.parse(environment[FETCH_SOURCE.request] ?? '{}');
    const { commit, branch, files, changes } = await checkOut(namedSchema.catch({}).parse(asked));
    await build.sleep(MINUTE);
    const zip = zipOf(files);
    const sha256 = createHash('sha256').update(zip).digest('hex');
    const bucket = environment[FETCH_SOURCE.bucket];
    const put = async (key: string, body: Uint8Array | string): Promise<unknown> =>
      build.call('s3', 'PutObject', build.region, { Bucket: bucket, Key: key, Body: body });
    await put(keys.source(commit, sha256), zip);
    await put(keys.changes(commit, sha256), JSON.stringify(changes));
    build.export(FETCH_SOURCE.commit, commit);
    build.export(FETCH_SOURCE.branch, branch);
    build.export(FETCH_SOURCE.key, keys.source(commit, sha256));
    build.export(FETCH_SOURCE.sha256, sha256);
    build.export(FETCH_SOURCE.changesKey, keys.changes(commit, sha256));
  };

/** The same files always give the same bytes. */
export function zipOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries = [...files].sort(([a], [b]) => compare(a, b));
  return zipSync(Object.fromEntries(entries), { mtime: ZIP_EPOCH, os: 3, level: 6 });
}
