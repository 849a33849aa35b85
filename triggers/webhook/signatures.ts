import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Whether a header is `sha256=<hex>` of the HMAC of these bytes. Takes the same time wherever they differ. */
export function hasHexSignature(header: string | undefined, body: Buffer, secret: string): boolean {
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '') ?? [];
  return hex !== undefined && timingSafeEqual(Buffer.from(hex, 'hex'), hmac(secret, body));
}

/** Whether two texts are the same. Takes the same time wherever they differ, and whatever their lengths are. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(sha256(one), sha256(other));
}

export function hmac(secret: string | Buffer, ...parts: readonly (string | Buffer)[]): Buffer {
  const made = createHmac('sha256', secret);
  for (const part of parts) made.update(part);
  return made.digest();
}

export function sha256(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
