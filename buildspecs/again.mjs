// Does again, after a pause, what failed in a way that a second attempt heals.
import { say, started } from './program.mjs';

/** In seconds, as all pauses. */
const LONGEST_PAUSE = 300;
/** Of what heals in minutes or never: a connection that a network does not let through fails in the same way each time. */
const ATTEMPTS = 5;

/**
 * What speaks for another attempt. Without `until` it is one of at most five; with it the attempts go on until that time.
 * @typedef {{ why: string, until?: number, firstPause?: number }} Healing
 */

/**
 * The result of the last attempt: one that nothing heals, be it a success, or one after which there is no time left.
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {(result: T) => Healing | undefined} healing
 * @returns {Promise<T>}
 */
export async function again(attempt, healing) {
  for (let attempts = 1; ; attempts++) {
    const result = await attempt();
    const found = healing(result);
    if (found === undefined) return result;
    const { why, until, firstPause = 5 } = found;
    const seconds = pauseSeconds(firstPause, attempts);
    const isTime = until === undefined ? attempts < ATTEMPTS : Date.now() + seconds * 1000 < until;
    if (!isTime) return result;
    say(`${why} Once more in ${seconds} seconds.`);
    await started('sleep', [String(seconds)], {});
  }
}

/**
 * @param {number} first
 * @param {number} attempts how many there were
 */
export const pauseSeconds = (first, attempts) =>
  Number(Math.min(first * 3 ** (attempts - 1), LONGEST_PAUSE).toFixed(1));

/** Seconds before EC2 is asked again for a builder that it had nowhere. */
export const BUILDER_PAUSE = 60;

/**
 * Until when this build may wait for what it needs: as much time again must be left for what it is for.
 * @param {number} minutes what the build may take in all
 */
export function halfTime(minutes) {
  // CodeBuild's own, in milliseconds.
  const start = Number(process.env['CODEBUILD_START_TIME']) || Date.now();
  return start + minutes * 30_000;
}

/**
 * What heals a `packer init`. Go's HTTP client quotes the address of what it could not reach; GitHub's own status follows one
 * that is not quoted.
 * @param {string} log
 * @param {number} until for a limit of GitHub's, which lasts up to an hour
 * @returns {Healing | undefined}
 */
export function healingOfInit(log, until) {
  if (/\brate limit/.test(log)) return { why: 'GitHub limits Packer.', until };
  const [, status] = /\bGET https:\S+: (429|5\d\d)\b/.exec(log) ?? [];
  if (status !== undefined) return { why: `GitHub answers with ${status}.` };
  const lost = /\bGet "https?:/.test(log) && !/x509|certificate/.test(log);
  return lost || /unexpected EOF/.test(log) ? { why: 'The connection failed.' } : undefined;
}
