export interface Page<T> {
  readonly items: T[];
  readonly nextToken: string | undefined;
}

/**
 * One page of a list. A token is opaque, belongs to one request (`fingerprint`: everything that was asked for), and
 * `refuse` says what becomes of one that does not.
 */
export function page<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  fingerprint: unknown,
  refuse: () => Error,
): Page<T> {
  const mark = checksum(JSON.stringify(fingerprint) ?? '');
  const start = token === undefined ? 0 : startOf(token, mark);
  if (start === undefined) throw refuse();
  const end = start + size;
  return {
    items: all.slice(start, end),
    nextToken:
      end < all.length ? Buffer.from(`${String(end)}.${String(mark)}`).toString('base64url') : undefined,
  };
}

function startOf(token: string, mark: number): number | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(Buffer.from(token, 'base64url').toString());
  return match !== null && Number(match[2]) === mark ? Number(match[1]) : undefined;
}

function checksum(text: string): number {
  let sum = 7;
  for (let index = 0; index < text.length; index++) sum = (sum * 31 + text.charCodeAt(index)) >>> 0;
  return sum;
}
