/** AWS's protocols, as far as a proxy must speak them: who asks for what, and errors as each service words them. */
import type { IncomingHttpHeaders } from 'node:http';
import { denial, interrupted, refusal, throttling } from '../../../faults/player/aws-errors.ts';
import type { Service } from '../../../../sandbox/aws/errors.ts';
import type { Call } from '../../../../sandbox/sandbox.ts';
import type { Caller } from '../../../../sandbox/aws/context.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer | string;
}

/** The name that a service's requests are signed with, where it is not the client's. */
const SIGNED_AS: Readonly<Record<string, Service>> = {
  autoscaling: 'autoscaling',
  codebuild: 'codebuild',
  ec2: 'ec2',
  events: 'eventbridge',
  s3: 's3',
  ssm: 'ssm',
  states: 'sfn',
  sts: 'sts',
};

const READING = /^(Describe|Get|List|BatchGet|Head|AssumeRole)/;

/** @throws Error for a request that is not signed for a service known here: no call passes unseen */
export function recognise(
  asked: Asked,
  number: number,
  callerOf: (accessKeyId: string) => Omit<Caller, 'region'>,
): Call {
  const { headers } = asked;
  const scope = /Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '');
  const [, accessKeyId = '', region = '', signedAs = ''] = scope ?? [];
  const service = SIGNED_AS[signedAs];
  if (service === undefined) throw new Error(`Nobody knows the service "${signedAs}" here.`);
  const input = inputOf(asked);
  const operation = operationOf(asked, input);
  return {
    ...callerOf(accessKeyId),
    region,
    number,
    at: new Date().toISOString(),
    service,
    operation,
    input,
    mutating: !READING.test(operation),
  };
}

/** Where a request names its operation depends on the protocol: in a header, in the form, or in its method and path. */
function operationOf(asked: Asked, { Action: action }: Record<string, unknown>): string {
  const target = asked.headers['x-amz-target'];
  if (typeof target === 'string') return target.slice(target.lastIndexOf('.') + 1);
  return typeof action === 'string' ? action : s3Of(asked);
}

function inputOf({ body, headers }: Asked): Record<string, unknown> {
  if (headers['x-amz-target'] !== undefined) return { ...Object(JSON.parse(body === '' ? '{}' : body)) };
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true) return {};
  return Object.fromEntries(new URLSearchParams(body));
}

/** Of S3's operations those that packleader uses. */
function s3Of({ method, url }: Asked): string {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, , key] = /^\/([^/]+)\/?(.*)$/.exec(pathname) ?? [];
  if (method === 'GET' && searchParams.get('list-type') === '2') return 'ListObjectsV2';
  if (method === 'GET' && key) return 'GetObject';
  if (method === 'PUT' && key) return 'PutObject';
  throw new Error(`Nobody knows the operation of ${method} ${url} here.`);
}

export type Refusal = 'refused' | 'denied' | 'throttled' | 'interrupted';

/** The answer with which the service itself would refuse a call. */
export function refusalOf(how: Refusal, call: Call): Answer {
  const make = { refused: refusal, denied: denial, throttled: throttling, interrupted }[how];
  return errorAnswer(call.service, make(call), statusOf(how, call.service));
}

function statusOf(how: Refusal, service: Service): number {
  if (how === 'interrupted') return 500;
  const isXml = XML.includes(service);
  if (how === 'throttled') return isXml ? 503 : 400;
  return how === 'denied' && isXml ? 403 : 400;
}

const XML: readonly Service[] = ['autoscaling', 'ec2', 's3', 'sts'];

export function errorAnswer(service: Service, { name, message }: Error, status = 400): Answer {
  if (!XML.includes(service)) return jsonAnswer({ __type: name, message }, status);
  const error = `<Code>${escaped(name)}</Code><Message>${escaped(message)}</Message>`;
  const id = '<RequestId>00000000-0000-4000-8000-000000000000</RequestId>';
  const text = {
    ec2: `<Response><Errors><Error>${error}</Error></Errors>${id}</Response>`,
    s3: `<Error>${error}${id}</Error>`,
  };
  const query = `<ErrorResponse><Error><Type>Sender</Type>${error}</Error>${id}</ErrorResponse>`;
  const body = service === 'ec2' || service === 's3' ? text[service] : query;
  return {
    status,
    headers: { 'content-type': 'text/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

export function jsonAnswer(document: unknown, status = 200): Answer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    // A date is a number of seconds in these protocols.
    body: JSON.stringify(inSeconds(document)),
  };
}

function inSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(inSeconds);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inSeconds(inner)]));
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The answer to a list of what does not exist yet: its first list, emptied. */
export function emptied({ body, ...rest }: Answer): Answer {
  const text = body.toString();
  const name = /<(\w+(?:Set|Info))>/.exec(text)?.[1];
  const less = name === undefined ? text : text.replace(new RegExp(`<${name}>[^]*</${name}>`), `<${name}/>`);
  if (less === text) throw new Error(`There is no list to empty in ${text.slice(0, 200)}`);
  return withBody({ body, ...rest }, less);
}

export function withBody({ status, headers }: Answer, body: string): Answer {
  const { 'content-length': _length, ...kept } = headers;
  return { status, headers: kept, body };
}

/** Only the first of the resources that the request names. */
export function onlyFirstResource(asked: Asked): Asked {
  const fields = new URLSearchParams(asked.body);
  const kept = [...fields].filter(([name]) => !/^ResourceId\.\d+$/.test(name) || name === 'ResourceId.1');
  return { ...asked, body: new URLSearchParams(kept).toString() };
}
