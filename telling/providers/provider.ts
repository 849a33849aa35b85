import type { CommitStatus } from '../statuses.ts';
import type { Token } from '../token.ts';

export interface StatusRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A place that shows statuses of commits. */
export interface StatusProvider {
  /** The longest description it takes, in characters. */
  readonly longest: number;
  /** What a token must be allowed, for the sentence that says that it is not. */
  readonly needs: string;
  /** Sets a status; asked twice, it is there once. */
  request(place: StatusPlace, status: CommitStatus, token: Token): StatusRequest;
  /** Whether an answer that is no success means that the status is there already. */
  alreadySet?(status: number, body: string): boolean;
}

export interface StatusPlace {
  /** `https://api.github.com`, without a slash at its end. */
  readonly apiUrl: string;
  /** `example/images`, as the URL of the repository has it. */
  readonly repository: string;
}

export const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
