// The few calls that every build makes, without the AWS CLI, which takes half a second to start. Signed here, because a library
// would fill a fifth of the StackSet's template; a test compares the signatures with the SDK's.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { again } from './again.mjs';
import { environment, run, sha256 } from './program.mjs';

/** In seconds. */
const FIRST_PAUSE = 0.2;
/** Of one attempt; a source may be large. */
const TIMEOUT_MS = 300_000;
const CONTAINER = 'http://169.254.170.2';

/**
 * @typedef {{ accessKeyId: string, secretAccessKey: string, sessionToken?: string }} Credentials
 * @typedef {{ method: string, url: URL, headers: Record<string, string>, body: Uint8Array | string }} Call
 * @typedef {Call & { failed: string }} ToldCall with what to say when it fails
 */

/**
 * An object and its metadata, whose names are in lower case.
 * @param {string} bucket
 * @param {string} key
 */
export async function getObject(bucket, key) {
  const failed = `s3://${bucket}/${key} could not be read`;
  const url = s3Url(bucket, key);
  const response = await send('s3', hub(), { method: 'GET', url, headers: {}, body: '', failed });
  /** @type {Record<string, string>} */
  const metadata = {};
  for (const [name, value] of response.headers)
    if (name.startsWith('x-amz-meta-')) metadata[name.slice('x-amz-meta-'.length)] = value;
  return {
    body: response.body,
    metadata,
  };
}

/**
 * S3 refuses the object when its bytes are not those that were signed.
 * @param {string} bucket
 * @param {string} key
 * @param {string} file
 */
export async function putObject(bucket, key, file) {
  const failed = `s3://${bucket}/${key} could not be written`;
  const url = s3Url(bucket, key);
  await send('s3', hub(), { method: 'PUT', url, headers: {}, body: readFileSync(file), failed });
}

/**
 * Every key that begins with the prefix.
 * @param {string} bucket
 * @param {string} prefix
 * @returns {Promise<string[]>}
 */
export async function listObjects(bucket, prefix) {
  const failed = `s3://${bucket}/${prefix} could not be listed`;
  const keys = [];
  let token;
  do {
    const url = s3Url(bucket, '');
    const asked = { 'list-type': '2', prefix, 'encoding-type': 'url' };
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
    if (token !== undefined) url.searchParams.set('continuation-token', token);
    const call = { method: 'GET', url, headers: {}, body: '', failed };
    const page = (await send('s3', hub(), call)).body.toString();
    keys.push(...elements(page, 'Key').map((key) => decodeURIComponent(key.replaceAll('+', ' '))));
    [token] = elements(page, 'NextContinuationToken');
  } while (token !== undefined);
  return keys;
}

/**
 * @param {string} region
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export async function getParameter(region, name) {
  const input = { Name: name, WithDecryption: true };
  const failed = `The parameter ${name} could not be read`;
  return (await json('ssm', region, 'AmazonSSM.GetParameter', input, failed)).Parameter?.Value;
}

/**
 * @param {string} region
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export async function getSecretValue(region, name) {
  const failed = `The secret ${name} could not be read`;
  const input = { SecretId: name };
  return (await json('secretsmanager', region, 'secretsmanager.GetSecretValue', input, failed)).SecretString;
}

/**
 * The ids of what carries a tag: what the element holds that is nowhere but in the things themselves.
 * @param {string} region
 * @param {'DescribeInstances' | 'DescribeKeyPairs' | 'DescribeLaunchTemplates' | 'DescribeSecurityGroups' | 'DescribeSubnets'} action
 * @param {'instanceId' | 'keyPairId' | 'launchTemplateId' | 'groupId' | 'subnetId'} element
 * @param {Record<string, readonly string[]>} filters
 * @returns {Promise<string[]>}
 */
export async function describe(region, action, element, filters) {
  /** @type {Record<string, string>} */
  const asked = {};
  for (const [at, [name, values]] of Object.entries(filters).entries()) {
    asked[`Filter.${at + 1}.Name`] = name;
    for (const [value, text] of values.entries()) asked[`Filter.${at + 1}.Value.${value + 1}`] = text;
  }
  const answer = await ec2(region, action, asked);
  if (elements(answer, 'nextToken').length > 0) throw new Error(`${action} answers in pages.`);
  // The rules of a security group name other groups.
  return [...new Set(elements(answer.replaceAll(/<(ipPermissions(?:Egress)?)>.*?<\/\1>/gs, ''), element))];
}

/**
 * A call of EC2's query API, by its own names of parameters, like `InstanceId.1`; returns XML.
 * @param {string} region
 * @param {string} action
 * @param {Record<string, string>} asked
 * @returns {Promise<string>}
 */
export async function ec2(region, action, asked) {
  const body = new URLSearchParams({ Action: action, Version: '2016-11-15', ...asked }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const url = endpoint('ec2', region);
  const call = { method: 'POST', url, headers, body, failed: `${action} failed` };
  return (await send('ec2', region, call)).body.toString();
}

/**
 * @param {string} service
 * @param {string} region
 * @param {string} target
 * @param {unknown} input
 * @param {string} failed
 * @returns {Promise<any>}
 */
async function json(service, region, target, input, failed) {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const url = endpoint(service, region);
  const call = { method: 'POST', url, headers, body: JSON.stringify(input), failed };
  return JSON.parse((await send(service, region, call)).body.toString());
}

/** @type {Promise<Credentials> | undefined} */
let known;

/**
 * @param {string} service
 * @param {string} region
 * @param {ToldCall} call
 */
async function send(service, region, call) {
  known ??= credentials();
  const by = await known;
  return answerTo(call, () => signed(call, service, region, by, new Date()));
}

/**
 * What a second attempt may heal has up to five.
 * @param {ToldCall} call
 * @param {() => Record<string, string>} headers of each attempt: a signature ages
 */
async function answerTo({ url, method, body, failed }, headers) {
  const { answer, why } = await again(
    async () => {
      const got = await fetch(url, {
        method,
        headers: headers(),
        ...(method !== 'GET' && { body }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
        // A connection may end within a large object.
        .then(async (response) => ({
          ok: response.ok,
          status: response.status,
          headers: response.headers,
          body: Buffer.from(await response.arrayBuffer()),
        }))
        .catch(unreachable);
      if (typeof got === 'string') return { heals: true, why: `${url.host}: ${got}` };
      return got.ok ? { answer: got, why: '' } : refusal(got.status, got.body.toString());
    },
    (said) => ('heals' in said && said.heals ? { why: said.why, firstPause: FIRST_PAUSE } : undefined),
  );
  if (answer === undefined) throw new Error(`${failed}: ${why}`);
  return answer;
}

/** Why `fetch` failed: the reason is in what caused it.
 * @param {unknown} error */
function unreachable(error) {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * @param {number} status
 * @param {string} text
 */
function refusal(status, text) {
  const [code = /"__type"\s*:\s*"(?:[^"]*#)?(\w+)/.exec(text)?.[1] ?? `status ${status}`] = elements(
    text,
    'Code',
  );
  const [message = /"message"\s*:\s*"([^"]*)"/i.exec(text)?.[1] ?? ''] = elements(text, 'Message');
  return {
    heals: status >= 500 || status === 429 || /Throttl|RequestLimitExceeded|TooManyRequests/.test(code),
    why: `AWS answered ${code}${message && `: ${message}`}`,
  };
}

/**
 * The headers of a request with its signature, Signature Version 4.
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @param {Call} call
 * @param {string} service
 * @param {string} region
 * @param {Credentials} by
 * @param {Date} now
 * @returns {Record<string, string>}
 */
export function signed({ method, url, headers, body }, service, region, by, now) {
  const time = now.toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const hash = sha256(body);
  /** @type {Record<string, string>} */
  const sent = {
    ...headers,
    ...(service === 's3' && { 'x-amz-content-sha256': hash }),
    'x-amz-date': time,
    ...(by.sessionToken !== undefined && { 'x-amz-security-token': by.sessionToken }),
  };
  const told = Object.entries({ ...sent, host: url.host }).sort(byName);
  const names = told.map(([name]) => name).join(';');
  const query = [...url.searchParams].map((pair) => pair.map(strictly)).sort(byName);
  const request = [
    method,
    url.pathname,
    query.map((pair) => pair.join('=')).join('&'),
    ...told.map(([name, value]) => `${name}:${value.trim()}`),
    '',
    names,
    hash,
  ].join('\n');
  const scope = [time.slice(0, 8), region, service, 'aws4_request'];
  /** @type {string | Buffer} */
  let key = `AWS4${by.secretAccessKey}`;
  for (const part of [...scope, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n')])
    key = createHmac('sha256', key).update(part).digest();
  const signature = Buffer.from(key).toString('hex');
  const credential = `Credential=${by.accessKeyId}/${scope.join('/')}`;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/**
 * The build's own: of its environment, or of its container; anything else only the AWS CLI knows.
 *  @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * @returns {Promise<Credentials>}
 */
async function credentials() {
  const accessKeyId = environment('AWS_ACCESS_KEY_ID');
  const secretAccessKey = environment('AWS_SECRET_ACCESS_KEY');
  const sessionToken = environment('AWS_SESSION_TOKEN');
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  const relative = environment('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const answer =
    relative === undefined
      ? run('aws', ['configure', 'export-credentials', '--format', 'process'])
      : (await answerTo(ofContainer(relative), () => ({}))).body.toString();
  const { AccessKeyId, SecretAccessKey, Token, SessionToken = Token } = JSON.parse(answer);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** @param {string} path @returns {ToldCall} */
const ofContainer = (path) => ({
  method: 'GET',
  url: new URL(path, CONTAINER),
  headers: {},
  body: '',
  failed: 'The credentials of the build could not be read',
});

/** The bucket is in the region of the builds. */
function hub() {
  const region = environment('AWS_REGION') ?? environment('AWS_DEFAULT_REGION');
  if (region === undefined) throw new Error('The environment has no AWS_REGION.');
  return region;
}

/**
 * @param {string} bucket
 * @param {string} key
 */
function s3Url(bucket, key) {
  const path = key.split('/').map(strictly).join('/');
  if (environment('AWS_ENDPOINT_URL') !== undefined) return new URL(`${bucket}/${path}`, endpoint('s3', ''));
  const url = endpoint('s3', hub());
  return new URL(path, `https://${bucket}.${url.host}/`);
}

/**
 * @param {string} service
 * @param {string} region
 */
function endpoint(service, region) {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return new URL(environment('AWS_ENDPOINT_URL') ?? `https://${service}.${region}.${suffix}/`);
}

/**
 * What the elements of a name hold, in the XML of AWS: ids, keys and messages.
 * @param {string} xml
 * @param {string} name
 * @returns {string[]}
 */
function elements(xml, name) {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) =>
    text.replaceAll(/&(amp|lt|gt|quot|apos|#39);/g, (_, entity) => ENTITIES[entity] ?? ''),
  );
}

/** @type {Record<string, string>} */
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'" };

/** @param {string} text */
const strictly = (text) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * @param {readonly string[]} one
 * @param {readonly string[]} other
 */
const byName = ([a = ''], [b = '']) => (a < b ? -1 : Number(a > b));
