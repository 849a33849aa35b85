import { createHash } from 'node:crypto';
import { NAMES } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';

/** Step Functions allows 80 characters; a batch of bakes adds its stage and number. */
const LONGEST = 55;

/**
 * The name of the execution that releases one image. It follows from the release, so starting it twice is one execution,
 * and a second release of the same image in the same second is refused. Retries are numbered from 2, so that whoever knows the
 * release finds all of them.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function executionName({ image, version }: Pick<Release, 'image' | 'version'>, attempt = 1): string {
  const name = attempt === 1 ? `${image}-${version}` : `${image}-${version}-r${attempt}`;
  if (name.length <= LONGEST) return name;
  return `${name.slice(0, LONGEST - 9)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** The ARN of an execution of another machine in the same account and region. */
export function executionArn(anotherArn: string, machine: string, name: string): string {
  const [arn, partition, service, region, account] = anotherArn.split(':');
  return [arn, partition, service, region, account, 'execution', machine, name].join(':');
}

/** The ARN of the execution that releases one image; AMIs carry it in their tags. */
export function releaseExecutionArn(anotherArn: string, name: string): string {
  return executionArn(anotherArn, NAMES.releaseImageMachine, name);
}
