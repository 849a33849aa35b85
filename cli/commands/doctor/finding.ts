/** What a check of the doctor finds; only what was seen to be well is `ok`. */
import pMap from 'p-map';
import { asClientError, AccessDenied } from '../../../client/errors.ts';

export interface Finding {
  /** `hub`, an account, `<account>/<region>`, or `all targets` for what is wrong only between them. */
  readonly place: string;
  readonly check: string;
  readonly outcome: 'ok' | 'failed' | 'not checked';
  /** What was seen, or why nothing was. */
  readonly why: string;
  /** What to do about it; empty when it is ok. */
  readonly todo: string;
}

/** What a check says; its place and name are known to whoever asked. */
export type Verdict = Pick<Finding, 'outcome' | 'why' | 'todo'>;

export const ok = (why: string): Verdict => ({ outcome: 'ok', why, todo: '' });
export const failed = (why: string, todo: string): Verdict => ({ outcome: 'failed', why, todo });
export const notChecked = (why: string, todo: string): Verdict => ({ outcome: 'not checked', why, todo });

/** A check of a place: its name, the permission it needs, as IAM writes it, and how it is made. */
export type Check = readonly [check: string, permission: string, run: () => Promise<Verdict>];

/** Checks of one place that are made at the same time. */
const CHECKS = 8;

export const examineAll = async (place: string, checks: readonly Check[]): Promise<Finding[]> =>
  pMap(checks, async (check) => examine(place, ...check), { concurrency: CHECKS });

/**
 * Makes a finding of a check, also when it throws: what AWS refuses to tell is `not checked`, whatever the reason, and
 * never `ok`.
 *  @param permission what the check needs, as IAM writes it
 */
export async function examine(
  place: string,
  check: string,
  permission: string,
  run: () => Promise<Verdict>,
): Promise<Finding> {
  try {
    return { place, check, ...(await run()) };
  } catch (error) {
    return { place, check, ...unseen(error, permission) };
  }
}

function unseen(error: unknown, permission: string): Verdict {
  const known = asClientError(error, 'refused');
  // One line a check: what follows the first is meant for whoever debugs the SDK.
  const [message = ''] = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split(
    '\n',
  );
  if (known instanceof AccessDenied || /^(UnauthorizedOperation|Forbidden|403)$/.test(nameOf(error)))
    return notChecked(message, `allow ${permission} to whoever runs this, or give --as a role that may`);
  return notChecked(message, `run it again; it needs ${permission}`);
}

/** What a call answers, or undefined when AWS says by one of these errors that there is no such thing. */
export async function unlessAbsent<T>(
  call: Promise<T>,
  ...absent: readonly string[]
): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (absent.includes(nameOf(error))) return undefined;
    throw error;
  }
}

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
