/** What CodeBuild does when a build has ended: it uploads the files that the buildspec names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { keys } from '../../core/contract/keys.ts';
import type { Build } from './code-build.ts';
import type { Credentials } from './moto.ts';

/** Where a project's artifacts go, in the words of a template. */
export interface Artifacts {
  readonly bucket: string;
  readonly path: string;
}

/** One folder per build, as with the namespace BUILD_ID. */
const folderOf = (build: Build, path: string): string => `${path}/${build.id.split(':')[1]}`;

/** @throws Error when the buildspec's directory is missing, as CodeBuild's phase UPLOAD_ARTIFACTS fails */
export async function upload(
  build: Build,
  { bucket, path }: Artifacts,
  baseDirectory: string,
  credentials: Credentials,
): Promise<void> {
  const from = join(build.directory, 'work', baseDirectory);
  if (!existsSync(from)) throw new Error(`no matching base directory path found for ${baseDirectory}`);
  const s3 = new S3Client({ credentials });
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const Key = `${folderOf(build, path)}/${file.slice(from.length + 1)}`;
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: readFileSync(file) }));
  }
}

/** Of these bakes, what the bucket should hold and does not: Packer's log, and the manifest when Packer succeeded. */
export async function missingRecords(builds: readonly Build[], bucket: string): Promise<string[]> {
  const { Contents = [] } = await new S3Client({}).send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: 'bakes/' }),
  );
  const sizes = new Map(Contents.map(({ Key = '', Size = 0 }) => [Key, Size]));
  return builds.flatMap((build) => {
    const folder = folderOf(build, keys.bakes(build.project.accountId));
    const expected = ['packer.log', ...(build.status === 'SUCCEEDED' ? ['packer-manifest.json'] : [])];
    return expected
      .map((name) => `${folder}/${name}`)
      .filter((key) => (sizes.get(key) ?? 0) === 0)
      .map((key) => `The build ${build.id} ended ${build.status} and left no ${key}.`);
  });
}
