import * as z from 'zod';

/** A request as the webhook sees it: names of headers in lower case, the body as the bytes that were signed. */
export interface Request {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Why a request is turned away, with the HTTP status that says so. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refusal';
    this.status = status;
  }
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the sender reads; people find it in the provider's list of deliveries. */
export function answer(statusCode: number, document: Readonly<Record<string, unknown>>): Answer {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) };
}

/** Lambda hands over 6 MB at most; a push of 2,048 commits with thousands of files stays far below. */
const LARGEST_BODY_BYTES = 5 * 1024 * 1024;

const eventSchema = z.object({
  headers: z.record(z.string(), z.string()),
  body: z.string().default(''),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({ http: z.object({ method: z.string() }) }),
});

/**
 * Reads what a function URL hands over.
 *  @throws Refusal 400, 405 or 413
 *  @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export function readRequest(event: unknown): Request {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) throw new Refusal(400, 'This is not a request of a function URL.');
  const { headers, body, isBase64Encoded, requestContext } = parsed.data;
  const { method } = requestContext.http;
  if (method !== 'POST') throw new Refusal(405, 'Only POST is answered here.');
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > LARGEST_BODY_BYTES)
    throw new Refusal(413, `The body has ${bytes.length} bytes, and ${LARGEST_BODY_BYTES} are allowed.`);
  return {
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: bytes,
  };
}

/** @throws Refusal 400 */
export function readJson({ headers, body }: Request): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    const type = headers.get('content-type') ?? 'none';
    const fix = type.startsWith('application/json')
      ? ''
      : `: set the webhook's content type to application/json, not ${type}`;
    throw new Refusal(400, `The body is no JSON${fix}.`, { cause });
  }
}
