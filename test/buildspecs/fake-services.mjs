// Stands in for AWS's services, in a process of its own because a test waits for its build: `fake-services.mjs <directory>`.
// <directory>/bucket is every bucket, <directory>/answers/<service>.<operation>.json an answer, and each call is a line of
// <directory>/calls. What it does not know is refused. Its port is in <directory>/port.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';

const home = process.argv[2] ?? '';
const bucket = join(home, 'bucket');
/** Keys on a page, so that there is a second one. */
const PAGE = 2;

const server = createServer((request, response) => {
  /** @type {Buffer[]} */
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const service = /Credential=[^/]+\/\d{8}\/[^/]+\/([a-z0-9]+)\//.exec(
      request.headers.authorization ?? '',
    )?.[1];
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { status = 200, headers = {}, text } = answerTo(service, request, url, body);
    response.writeHead(status, headers).end(text);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('There is no port.');
  writeFileSync(join(home, 'port.new'), String(address.port));
  renameSync(join(home, 'port.new'), join(home, 'port'));
});

/**
 * @param {string | undefined} service
 * @param {import('node:http').IncomingMessage} request
 * @param {URL} url
 * @param {Buffer} body
 * @returns {{ status?: number, headers?: Record<string, string>, text: string | Buffer }}
 */
function answerTo(service, request, url, body) {
  if (service === 's3') return s3(request.method, url, body);
  const operation =
    service === 'ec2'
      ? (new URLSearchParams(body.toString()).get('Action') ?? '')
      : String(request.headers['x-amz-target']).split('.').at(-1);
  note(`${service} ${operation} ${body.toString()}`);
  const answer = join(home, 'answers', `${service}.${operation}.json`);
  if (!existsSync(answer))
    return {
      status: 400,
      text: JSON.stringify({ __type: 'AccessDeniedException', message: `no ${operation}` }),
    };
  if (service !== 'ec2') return { text: readFileSync(answer) };
  // Of a list each answer is given once, the last one for ever.
  const [first, ...more] = [JSON.parse(readFileSync(answer, 'utf8'))].flat();
  if (more.length > 0) writeFileSync(answer, JSON.stringify(more));
  return { text: `<${operation}Response>${first}</${operation}Response>` };
}

/**
 * @param {string | undefined} method
 * @param {URL} url
 * @param {Buffer} body
 */
function s3(method, url, body) {
  const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
  const file = join(bucket, key);
  if (key === '') return list(url);
  note(`s3 ${method === 'PUT' ? 'PutObject' : 'GetObject'} ${key}`);
  if (method === 'PUT') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, body);
    return { text: '' };
  }
  if (!existsSync(file))
    return { status: 403, text: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>' };
  const metadata = existsSync(`${file}.metadata`) ? JSON.parse(readFileSync(`${file}.metadata`, 'utf8')) : {};
  const told = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, String(value)]);
  return { headers: Object.fromEntries(told), text: readFileSync(file) };
}

/** @param {URL} url */
function list(url) {
  const prefix = url.searchParams.get('prefix') ?? '';
  note(`s3 ListObjectsV2 ${prefix}`);
  const from = Number(url.searchParams.get('continuation-token') ?? 0);
  const found = readdirSync(bucket, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.metadata'))
    .map((entry) => join(entry.parentPath, entry.name).slice(bucket.length + 1))
    .filter((key) => key.startsWith(prefix))
    .sort();
  const more =
    found.length > from + PAGE ? `<NextContinuationToken>${from + PAGE}</NextContinuationToken>` : '';
  const keys = found
    .slice(from, from + PAGE)
    .map((key) => `<Contents><Key>${encodeURIComponent(key)}</Key></Contents>`);
  return { text: `<ListBucketResult>${more}${keys.join('')}</ListBucketResult>` };
}

/** @param {string} line */
function note(line) {
  appendFileSync(join(home, 'calls'), `${line.replaceAll('\n', ' ')}\n`);
}
