import { createHash } from 'node:crypto';
import type { Release } from './contract.ts';

/** Step Functions allows 80 characters; a batch of bakes adds `-<stage>-<number>`. */
const LONGEST = 55;

/**
 * The name of the execution that releases one image. It follows from the release, so starting it twice is one execution,
 * and a second release of the same image in the same second is refused.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function executionName({ image, version }: Pick<Release, 'image' | 'version'>): string {
  const name = `${image}-${version}`;
  if (name.length <= LONGEST) return name;
  return `${name.slice(0, LONGEST - 9)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
