/** Fetches what is published: four tries, and one sentence for what cannot be had. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { refuse } from './arguments.ts';

export interface Internet {
  readonly fetch: (url: string, options: RequestInit) => Promise<Response>;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export const INTERNET: Internet = { fetch: globalThis.fetch, sleep };

const PATIENCE_MS = 300_000;
/** Four tries in about thirteen seconds. */
const WAITS_MS = [1_000, 3_000, 9_000];

/** A bucket that may not be listed answers 403 for what it does not have. */
const ABSENT = [403, 404, 410];
const isPassing = (status: number): boolean => status === 429 || status >= 500;

/** @throws InvalidConfiguration that names `flag` */
export const textAt = async (url: string, flag: string, internet: Internet): Promise<string> =>
  there(url, flag, await textIfAny(url, flag, internet));

export const textIfAny = (url: string, flag: string, internet: Internet): Promise<Fetched<string>> =>
  withRetries(url, flag, internet, (response) => response.text());

/** Hashed as it comes, and not kept. */
export const digestAt = async (url: string, flag: string, internet: Internet): Promise<string> =>
  there(
    url,
    flag,
    await withRetries(url, flag, internet, async ({ body }) => {
      const hash = createHash('sha256');
      if (body === null) throw new Error('the answer is empty');
      for await (const chunk of body) hash.update(chunk);
      return hash.digest('hex');
    }),
  );

export const bytesAt = async (url: string, flag: string, internet: Internet): Promise<Uint8Array> =>
  there(
    url,
    flag,
    await withRetries(url, flag, internet, async (response) => new Uint8Array(await response.arrayBuffer())),
  );

/** What was fetched, or the status that says that there is nothing. */
type Fetched<Result> = { readonly result: Result } | { readonly absent: number };

function there<Result>(url: string, flag: string, fetched: Fetched<Result>): Result {
  if ('result' in fetched) return fetched.result;
  throw refuse(flag, `there is no ${url} (${fetched.absent}), must be a version that is published`);
}

async function withRetries<Result>(
  url: string,
  flag: string,
  internet: Internet,
  read: (response: Response) => Promise<Result>,
): Promise<Fetched<Result>> {
  for (const wait of [...WAITS_MS, undefined]) {
    const tried = await once(url, flag, internet, read);
    if (!('why' in tried)) return tried;
    const { why } = tried;
    if (wait === undefined)
      throw refuse(
        flag,
        `${url} cannot be fetched: ${why}; run it where ${new URL(url).host} can be reached, or name the SHA-256 by hand: ${flag} <version>=<sha256>`,
      );
    await internet.sleep(wait);
  }
  throw new Error('the last try returns or throws');
}

type Tried<Result> = Fetched<Result> | { readonly why: string };

async function once<Result>(
  url: string,
  flag: string,
  internet: Internet,
  read: (response: Response) => Promise<Result>,
): Promise<Tried<Result>> {
  let response: Response;
  try {
    response = await internet.fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return { result: await read(response) };
    await response.body?.cancel();
  } catch (error) {
    return { why: reason(error) };
  }
  if (ABSENT.includes(response.status)) return { absent: response.status };
  if (isPassing(response.status)) return { why: `it answers with ${response.status}` };
  throw refuse(flag, `${url} answers with ${response.status}`);
}

/** Node says only "fetch failed" itself. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
