/** A request on the wire, in the words of the SDK: which operation of which service, with which input. */
import type { AskedCall } from '../../invariants/permissions/requests.ts';
import type { Asked } from '../faults/wire/protocols.ts';

/** The name that a service's requests are signed with, where it is not the one it is judged by. */
const SIGNED_AS: Readonly<Record<string, string>> = { events: 'eventbridge', states: 'sfn' };

export interface Recognised extends AskedCall {
  readonly accessKeyId: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Undefined when nobody signed it. The account is the caller's, and so not known yet. */
export function recognised(asked: Asked): Omit<Recognised, 'accountId'> | undefined {
  const scope = /Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    asked.headers.authorization ?? '',
  );
  if (!scope) return undefined;
  const [, accessKeyId = '', region = '', signedAs = ''] = scope;
  const service = SIGNED_AS[signedAs] ?? signedAs;
  const { operation, input } = operationOf(service, asked);
  return { accessKeyId, region, service, operation, input: withArn(region, input) };
}

/** A queue is called by its URL, and judged by its ARN. */
function withArn(region: string, input: Operation['input']): Operation['input'] {
  const [, accountId, name] = /\/(\d{12})\/([^/]+)$/.exec(String(input['QueueUrl'])) ?? [];
  return name === undefined ? input : { ...input, QueueArn: `arn:aws:sqs:${region}:${accountId}:${name}` };
}

interface Operation {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A header, the form, or method and path: it depends on the protocol. */
function operationOf(service: string, { method, url, headers, body }: Asked): Operation {
  const target = headers['x-amz-target'];
  if (typeof target === 'string')
    return {
      operation: target.slice(target.lastIndexOf('.') + 1),
      input: Object(JSON.parse(body === '' ? '{}' : body)),
    };
  if (service === 's3') return ofS3(method, new URL(url, 'http://s3'));
  if (service === 'lambda') {
    const [, name = ''] = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(url) ?? [];
    return { operation: 'Invoke', input: { FunctionName: decodeURIComponent(name) } };
  }
  const form = new URLSearchParams(body);
  const operation = form.get('Action') ?? '';
  if (operation === '') throw new Error(`Nobody knows the operation of ${service} ${method} ${url} here.`);
  return { operation, input: nested(form) };
}

function ofS3(method: string, { pathname, searchParams }: URL): Operation {
  const [, Bucket = '', Key = ''] = /^\/([^/]+)\/?(.*)$/.exec(decodeURIComponent(pathname)) ?? [];
  if (method === 'GET' && searchParams.has('acl')) return { operation: 'GetBucketAcl', input: { Bucket } };
  if (method === 'GET' && searchParams.has('location'))
    return { operation: 'GetBucketLocation', input: { Bucket } };
  if (method === 'GET' && Key === '')
    return { operation: 'ListObjectsV2', input: { Bucket, Prefix: searchParams.get('prefix') ?? '' } };
  const operation = { GET: 'GetObject', HEAD: 'HeadObject', PUT: 'PutObject' }[method];
  if (operation === undefined || Key === '')
    throw new Error(`Nobody knows ${method} ${pathname} of S3 here.`);
  return { operation, input: { Bucket, Key } };
}

/** On the wire, EC2 names a list in the singular; this is the one whose plural is another word. */
const LISTS: Readonly<Record<string, string>> = { ResourceId: 'Resources' };
const TRUTHS = ['DeleteAssociatedSnapshots'];

/** `TagSpecification.1.Tag.2.Key=x` is `{ TagSpecifications: [{ Tags: [, { Key: 'x' }] }] }`. */
function nested(form: URLSearchParams): Record<string, unknown> {
  const tree: Tree = new Map();
  for (const [name, value] of form) {
    let place = tree;
    const parts = name.split('.');
    for (const part of parts.slice(0, -1)) {
      const inner = place.get(part);
      const next: Tree = inner instanceof Map ? inner : new Map();
      place.set(part, next);
      place = next;
    }
    place.set(parts.at(-1) ?? '', value);
  }
  return Object.fromEntries([...tree].map(([key, value]) => member(key, value)));
}

type Tree = Map<string, string | Tree>;

function member(key: string, value: string | Tree): readonly [string, unknown] {
  if (typeof value === 'string') return [key, TRUTHS.includes(key) ? value === 'true' : value];
  if (![...value.keys()].every((index) => /^\d+$/.test(index)))
    return [key, Object.fromEntries([...value].map(([inner, item]) => member(inner, item)))];
  return [LISTS[key] ?? `${key}s`, [...value.values()].map((item) => member('', item)[1])];
}
