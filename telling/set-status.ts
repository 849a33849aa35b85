import { setTimeout as pause } from 'node:timers/promises';
import { plainText } from '../buildspecs/plain-text.mjs';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { cut } from '../core/releases/cause-text.ts';
import type { StatusPlace, StatusProvider } from './providers/provider.ts';
import type { CommitStatus } from './statuses.ts';
import type { Token } from './token.ts';

/** One request; a provider that hangs must leave time for another. */
const REQUEST_MS = 10_000;
/** What is paused before each repetition: 21 seconds in all. Lambda repeats the whole twice more, a minute and two later. */
const PAUSES_MS = [1_000, 5_000, 15_000];
/** Longer than that no repetition waits here, whatever the provider asks for. */
const LONGEST_PAUSE_MS = 20_000;
/** What a person needs of an answer that is no success. */
const ANSWER_CHARACTERS = 300;

/**
 * Sets a status at its commit.
 *  @throws PackleaderError StatusRefused (repeating does not help), ConnectionLost, Throttled
 */
export async function setStatus(
  provider: StatusProvider,
  place: StatusPlace,
  status: CommitStatus,
  token: Token,
): Promise<void> {
  const description = shownDescription(status, provider);
  const { url, headers, body } = provider.request(place, { ...status, description }, token);
  for (let attempt = 0; ; attempt += 1) {
    const answer = await ask(url, headers, body);
    const waits = PAUSES_MS[attempt];
    if ('status' in answer) {
      if (answer.status < 300 || provider.alreadySet?.(answer.status, answer.body)) return;
      if (!answer.mayPass) throw refusal(provider, place, status, answer);
    }
    if (waits === undefined) throw gaveUp(url, answer);
    await pause(Math.min(Math.max(waits, 'waitMs' in answer ? answer.waitMs : 0), LONGEST_PAUSE_MS));
  }
}

/** A description as a provider is told it. */
export const shownDescription = (
  { description }: Pick<CommitStatus, 'description'>,
  { longest }: Pick<StatusProvider, 'longest'>,
): string => cut(plainText(description).replaceAll(/\s+/g, ' '), longest);

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Whether the same request may succeed later. */
  readonly mayPass: boolean;
  readonly waitMs: number;
}

async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): Promise<Answer | { readonly lost: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'packleader' },
      body: JSON.stringify(body),
      // It would send the token wherever the answer says.
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const waitMs = 1_000 * (Number(response.headers.get('retry-after')) || 0);
    const { status } = response;
    const isLimited = status === 429 || (status === 403 && (waitMs > 0 || hasNoneLeft(response)));
    return { status, body: await response.text(), mayPass: isLimited || status >= 500, waitMs };
  } catch (error) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    // fetch says only that it failed, and keeps the reason.
    const why = cause instanceof Error ? `${message} ${cause.message}` : message;
    return { lost: why.trim() };
  }
}

/** GitHub says so of a limit that it answers with 403. */
const hasNoneLeft = ({ headers }: Response): boolean => headers.get('x-ratelimit-remaining') === '0';

const WHY: Readonly<Record<number, string>> = {
  401: 'the token is not valid, or has expired',
  403: 'the token may not do that',
  404: 'there is no such repository or commit, or the token may not see it',
  422: 'it did not take what it was sent',
};

function refusal(
  { needs }: StatusProvider,
  { apiUrl, repository }: StatusPlace,
  { name, commit }: CommitStatus,
  { status, body }: Answer,
): PackleaderError {
  const why = WHY[status] ?? (status < 400 ? 'it leads elsewhere: is the API at that URL?' : 'it refused');
  const need = [401, 403, 404].includes(status) ? `. A token needs ${needs}` : '';
  return new PackleaderError(
    ERRORS.statusRefused,
    `The status ${name} of ${commit.slice(0, 8)} was not taken by ${apiUrl} for ${repository}: ${status}, ${why}${need}. It said: ${shown(body)}`,
  );
}

function gaveUp(url: string, answer: Answer | { readonly lost: string }): PackleaderError {
  if ('lost' in answer)
    return new PackleaderError(ERRORS.connectionLost, `${url}: ${plainText(answer.lost)}`);
  return new PackleaderError(
    answer.status < 500 ? ERRORS.throttled : ERRORS.connectionLost,
    `${url} answered ${answer.status}: ${shown(answer.body)}`,
  );
}

const shown = (body: string): string =>
  cut(plainText(body).replaceAll(/\s+/g, ' ').trim(), ANSWER_CHARACTERS);
