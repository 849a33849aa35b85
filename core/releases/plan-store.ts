import {
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { asFact } from '../aws/errors.ts';
import { type Plan, planSchema } from '../contract/releases.ts';

const s3 = new S3Client({});

/** An object of the hub's bucket. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
}

export async function readBytes({ bucket, key }: Place): Promise<Uint8Array> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (!Body) throw new Error(`s3://${bucket}/${key} has no content`);
    return await Body.transformToByteArray();
  } catch (error) {
    throw asFact(error);
  }
}

export async function readJson({ bucket, key }: Place): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await readBytes({ bucket, key })));
}

/**
 * A document, or undefined when there is none. The key is listed first: to whoever may list only some folders, S3 answers
 * a read of what is not there as it answers a read that is forbidden.
 *  @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export async function readJsonIfThere({ bucket, key }: Place): Promise<unknown> {
  return (await listKeys(bucket, key)).includes(key) ? readJson({ bucket, key }) : undefined;
}

/** The keys of every object below a prefix. */
export const listKeys = async (bucket: string, prefix: string): Promise<string[]> =>
  (await listObjects(bucket, prefix)).map(({ key }) => key);

/** Every object below a prefix, and when it was written last. */
export async function listObjects(
  bucket: string,
  prefix: string,
): Promise<{ readonly key: string; readonly writtenAt: Date }[]> {
  try {
    const pages = await Array.fromAsync(
      paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix }),
    );
    return pages
      .flatMap((page) => page.Contents ?? [])
      .map(({ Key: key = '', LastModified: writtenAt = new Date(0) }) => ({ key, writtenAt }));
  } catch (error) {
    throw asFact(error);
  }
}

export async function readPlan(place: Place): Promise<Plan> {
  return planSchema.parse(await readJson(place));
}

export const writeJson = async (
  place: Place,
  document: unknown,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> =>
  write(place, {
    Body: JSON.stringify(document, null, 2),
    ContentType: 'application/json',
    ...(Object.keys(metadata).length > 0 && { Metadata: metadata }),
  });

export const writeText = async (
  place: Place,
  text: string,
  ContentType = 'text/plain; charset=utf-8',
): Promise<void> => write(place, { Body: text, ContentType });

async function write(
  { bucket, key }: Place,
  object: Omit<PutObjectCommandInput, 'Bucket' | 'Key'>,
): Promise<void> {
  const command = new PutObjectCommand({ Bucket: bucket, Key: key, ...object });
  try {
    await s3.send(command);
  } catch (error) {
    throw asFact(error);
  }
}
