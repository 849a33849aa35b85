import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { getObject, getParameter, listObjects, signed } from '../../buildspecs/aws.mjs';

/** The hash of the SDK's signer, by Node. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret));
  }
  update(data: Uint8Array | string) {
    this.#hash.update(data);
  }
  reset() {}
  async digest() {
    return new Uint8Array(this.#hash.digest());
  }
}
function bytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array | string {
  if (typeof data === 'string') return data;
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

const by = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

describe('a signature', () => {
  it("is that of the SDK's signer", async () => {
    const text = fc.string({ unit: fc.constantFrom(..."aZ09-._~ !'()*+=&/:,é€".split('')), maxLength: 12 });
    const name = fc.stringMatching(/^[a-z][a-z-]{0,10}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          service: fc.constantFrom('s3', 'ec2', 'ssm', 'secretsmanager'),
          method: fc.constantFrom('GET', 'PUT', 'POST'),
          segments: fc.array(fc.stringMatching(/^[\w-][\w.-]{0,8}$/), { maxLength: 3 }),
          query: fc.dictionary(name, text, { maxKeys: 3 }),
          headers: fc.dictionary(
            fc.constantFrom('content-type', 'x-amz-target', 'x-amz-meta-a'),
            fc.stringMatching(/^[\w/;=.-]{1,12}$/),
          ),
          body: fc.string(),
          sessionToken: fc.option(fc.stringMatching(/^[\w/+=]{1,20}$/), { nil: undefined }),
          now: fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        }),
        async ({ service, method, segments, query, headers, body, sessionToken, now }) => {
          const credentials = { ...by, ...(sessionToken !== undefined && { sessionToken }) };
          const url = new URL(segments.join('/'), 'https://bucket.s3.eu-west-1.amazonaws.com/');
          for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
          const signer = new SignatureV4({
            credentials,
            region: 'eu-west-1',
            service,
            sha256: Sha256,
            uriEscapePath: service !== 's3',
            applyChecksum: service === 's3',
          });
          const expected = await signer.sign(
            {
              method,
              protocol: 'https:',
              hostname: url.hostname,
              path: url.pathname,
              query,
              headers: { ...headers, host: url.host },
              body,
            },
            { signingDate: now },
          );
          const { host: _, ...sent } = expected.headers;
          expect(signed({ method, url, headers, body }, service, 'eu-west-1', credentials, now)).toEqual(
            sent,
          );
        },
      ),
    );
  });
});

/** Of an answer whose second half never comes. */
const HALF = -1;

describe('a call', () => {
  let answers: { status: number; text: string }[];
  let asked: { url: string; authorization: string }[];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' });
    const { status, text } = answers.shift() ?? { status: 500, text: '' };
    if (status === 0) request.socket.destroy();
    else if (status === HALF) {
      response.writeHead(200, { 'content-length': 2 * text.length });
      response.write(text, () => request.socket.destroy());
    } else response.writeHead(status).end(text);
  });

  beforeEach(async () => {
    asked = [];
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', by.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', by.secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', '');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    server.close();
  });

  it.each([
    ['5xx', { status: 503, text: '<Error><Code>SlowDown</Code></Error>' }],
    ['throttling', { status: 400, text: '{"__type":"ThrottlingException","message":"Rate exceeded"}' }],
    ['a connection that breaks', { status: 0, text: '' }],
    ['one that breaks within the object', { status: HALF, text: 'the by' }],
  ])('is made again after %s', async (_, failure) => {
    answers = [failure, { status: 200, text: 'the bytes' }];
    const { body } = await getObject('bucket', 'sources/a b.zip');
    expect(body.toString()).toBe('the bytes');
    expect(asked.map(({ url }) => url)).toEqual(['/bucket/sources/a%20b.zip', '/bucket/sources/a%20b.zip']);
    expect(asked[0]?.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/s3\/aws4_request, SignedHeaders=host;/,
    );
  });

  it.each([
    [
      'S3',
      '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
      'AccessDenied: Access Denied',
    ],
    [
      'a JSON service',
      '{"__type":"com.amazonaws#ParameterNotFound","Message":"none"}',
      'ParameterNotFound: none',
    ],
    ['a proxy', 'go away', 'status 403'],
  ])('that %s refuses is not, and says why', async (_, text, why) => {
    answers = [{ status: 403, text }];
    await expect(getParameter('eu-west-1', '/packleader/secrets/a')).rejects.toThrow(
      `The parameter /packleader/secrets/a could not be read: AWS answered ${why}`,
    );
    expect(asked).toHaveLength(1);
  });

  it('gives up after five attempts', async () => {
    answers = Array.from({ length: 5 }, () => ({ status: 500, text: '' }));
    await expect(getObject('bucket', 'key')).rejects.toThrow(
      's3://bucket/key could not be read: AWS answered status 500',
    );
    expect(asked).toHaveLength(5);
  }, 15_000);

  it('is signed with credentials of the container, which are asked for again when that answers 5xx', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/credentials/1');
    const real = fetch;
    const here = process.env['AWS_ENDPOINT_URL'] ?? '';
    vi.stubGlobal('fetch', async (url: URL, init: RequestInit) =>
      real(String(url).replace('http://169.254.170.2', here), init),
    );
    answers = [
      { status: 500, text: '' },
      { status: 0, text: '' },
      { status: 200, text: '{"AccessKeyId":"ASIAOFTHECONTAINER","SecretAccessKey":"s","Token":"t"}' },
      { status: 200, text: 'the bytes' },
    ];
    vi.resetModules();
    const aws = await import('../../buildspecs/aws.mjs');
    expect((await aws.getObject('bucket', 'key')).body.toString()).toBe('the bytes');
    expect(asked.map(({ url }) => url)).toEqual([
      ...Array<string>(3).fill('/v2/credentials/1'),
      '/bucket/key',
    ]);
    expect(asked[0]?.authorization).toBe('');
    expect(asked[3]?.authorization).toContain('Credential=ASIAOFTHECONTAINER/');
  });

  it('lists every page, and keys as they are', async () => {
    answers = [
      {
        status: 200,
        text: '<Key>plans/a%26b+c</Key><NextContinuationToken>1&amp;2=</NextContinuationToken>',
      },
      { status: 200, text: '<Key>plans/d</Key>' },
    ];
    expect(await listObjects('bucket', 'plans/')).toEqual(['plans/a&b c', 'plans/d']);
    expect(asked[1]?.url).toContain('continuation-token=1%262%3D');
  });
});
