import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  DeleteObjectCommandInput,
  DeleteObjectCommandOutput,
  GetObjectCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandInput,
  HeadObjectCommandOutput,
  ListObjectsV2CommandInput,
  ListObjectsV2CommandOutput,
  PutObjectCommandInput,
  PutObjectCommandOutput,
} from '@aws-sdk/client-s3';
import type { Context, Output } from './context.ts';
import { awsError } from './errors.ts';
import { page } from './page.ts';
import { denied } from './permissions.ts';
import { compare, type Bucket, type StoredObject } from './world.ts';

function bucketOf(context: Context, operation: string, name = ''): Bucket {
  const bucket = context.world.buckets.get(name);
  if (bucket === undefined) throw awsError('s3', 'NoSuchBucket', 'The specified bucket does not exist', 404);
  if (bucket.ownerId !== context.accountId && !bucket.guests.has(context.accountId)) {
    throw denied(context, 's3', operation, `arn:aws:s3:::${name}`);
  }
  return bucket;
}

function putObject(context: Context, input: PutObjectCommandInput): Output<PutObjectCommandOutput> {
  const { objects } = bucketOf(context, 'PutObject', input.Bucket);
  const key = input.Key ?? '';
  const current = objects.get(key);
  if (
    (input.IfNoneMatch === '*' && current !== undefined) ||
    (input.IfMatch !== undefined && input.IfMatch !== current?.etag)
  ) {
    throw awsError(
      's3',
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
      412,
    );
  }
  const body = bytesOf(input.Body);
  const etag = etagOf(body);
  objects.set(key, {
    body,
    etag,
    at: context.now,
    ...(input.ContentType === undefined ? {} : { contentType: input.ContentType }),
    metadata: { ...input.Metadata },
  });
  return { ETag: etag };
}

export const etagOf = (body: Uint8Array): string => `"${createHash('md5').update(body).digest('hex')}"`;

function bytesOf(body: PutObjectCommandInput['Body']): Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Uint8Array.from(body);
  throw awsError('s3', 'NotImplemented', 'The sandbox stores strings and byte arrays, not streams', 501);
}

function objectOf({ objects }: Bucket, key = ''): StoredObject {
  const object = objects.get(key);
  if (object === undefined) throw awsError('s3', 'NoSuchKey', 'The specified key does not exist.', 404);
  return object;
}

const headers = (object: StoredObject): Output<HeadObjectCommandOutput> => ({
  ContentLength: object.body.length,
  ContentType: object.contentType ?? 'application/octet-stream',
  ETag: object.etag,
  LastModified: new Date(object.at),
  Metadata: { ...object.metadata },
});

function getObject(context: Context, input: GetObjectCommandInput): Output<GetObjectCommandOutput> {
  const object = objectOf(bucketOf(context, 'GetObject', input.Bucket), input.Key);
  return { ...headers(object), Body: streamOf(object.body) };
}

/** What the SDK puts into `Body`: a stream that can also be read whole. */
function streamOf(body: Uint8Array): NonNullable<GetObjectCommandOutput['Body']> {
  const stream = Readable.from([Buffer.from(body)]);
  return Object.assign(stream, {
    transformToByteArray: async () => Promise.resolve(Uint8Array.from(body)),
    transformToString: async (encoding?: string) => Promise.resolve(new TextDecoder(encoding).decode(body)),
    transformToWebStream: () => new Blob([Uint8Array.from(body)]).stream(),
  });
}

/** HeadObject has no body to say which error it was: 404 is NotFound. */
function headObject(context: Context, input: HeadObjectCommandInput): Output<HeadObjectCommandOutput> {
  const object = bucketOf(context, 'HeadObject', input.Bucket).objects.get(input.Key ?? '');
  if (object === undefined) throw awsError('s3', 'NotFound', 'UnknownError', 404);
  return headers(object);
}

function listObjects(context: Context, input: ListObjectsV2CommandInput): Output<ListObjectsV2CommandOutput> {
  const { objects } = bucketOf(context, 'ListBucket', input.Bucket);
  const {
    ContinuationToken: token,
    MaxKeys: asked = 1_000,
    Prefix: prefix = '',
    Delimiter: delimiter,
    StartAfter: after = '',
    ...rest
  } = input;
  const entries = new Map<string, StoredObject | undefined>();
  for (const key of [...objects.keys()].sort(compare)) {
    if (!key.startsWith(prefix) || key <= after) continue;
    const cut = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    if (cut < 0) entries.set(key, objects.get(key));
    else entries.set(key.slice(0, cut + (delimiter ?? '').length), undefined);
  }
  const { items, nextToken } = page(
    [...entries],
    Math.min(asked, 1_000),
    token,
    [prefix, delimiter, after, rest],
    () => awsError('s3', 'InvalidArgument', 'The continuation token provided is incorrect'),
  );
  return {
    Name: input.Bucket,
    Prefix: prefix,
    KeyCount: items.length,
    MaxKeys: asked,
    IsTruncated: nextToken !== undefined,
    Contents: items.flatMap(([Key, object]) =>
      object === undefined
        ? []
        : [{ Key, Size: object.body.length, ETag: object.etag, LastModified: new Date(object.at) }],
    ),
    CommonPrefixes: items.flatMap(([Prefix, object]) => (object === undefined ? [{ Prefix }] : [])),
    ...(nextToken === undefined ? {} : { NextContinuationToken: nextToken }),
  };
}

function deleteObject(context: Context, input: DeleteObjectCommandInput): Output<DeleteObjectCommandOutput> {
  bucketOf(context, 'DeleteObject', input.Bucket).objects.delete(input.Key ?? '');
  return {};
}

export const s3 = {
  DeleteObject: deleteObject,
  GetObject: getObject,
  HeadObject: headObject,
  ListObjectsV2: listObjects,
  PutObject: putObject,
};
