import pMap from 'p-map';
import { asFact } from './errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { type Target, targetName } from '../contract/targets.ts';

/** Below EC2's bucket of 50 to 100 calls even when every target is a region of one account. */
const CONCURRENCY = 25;

/** Worth repeating, the mildest last; anything else is graver. */
const RETRIABLE: readonly string[] = [ERRORS.notReadyYet, ERRORS.connectionLost, ERRORS.throttled];

/**
 * Does the work in every target, 25 at a time, and returns the results in the targets' order. One target's failure does
 * not stop the others. Afterwards the gravest error is thrown, with the target's name in front: an error that no
 * repetition can mend wins over one that a retry may.
 */
export async function inEveryTarget<T extends Target, R>(
  targets: readonly T[],
  work: (target: T) => Promise<R>,
): Promise<R[]> {
  const failures: { target: Target; fact: PackleaderError }[] = [];
  const results = await pMap(
    targets,
    async (target) => {
      try {
        return [await work(target)];
      } catch (error) {
        failures.push({ target, fact: asFact(error) });
        return [];
      }
    },
    { concurrency: CONCURRENCY },
  );
  const [gravest] = failures.toSorted((a, b) => gravity(b.fact) - gravity(a.fact));
  if (gravest) {
    const others = failures.length > 1 ? ` (and ${failures.length - 1} more targets failed)` : '';
    const message = `${targetName(gravest.target)}: ${gravest.fact.message}${others}`;
    throw new PackleaderError(nameOf(gravest.fact), message, { cause: gravest.fact });
  }
  return results.flat();
}

function gravity(fact: PackleaderError): number {
  const index = RETRIABLE.indexOf(fact.name);
  return index === -1 ? RETRIABLE.length : RETRIABLE.length - 1 - index;
}

function nameOf(fact: PackleaderError) {
  return Object.values(ERRORS).find((name) => name === fact.name) ?? ERRORS.awsCallFailed;
}
