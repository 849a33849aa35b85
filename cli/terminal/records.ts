/** How the parts of a record are written. */
import type { ReleasedRecord, Revocation, StatedSetting } from '../../client/client.ts';
import { count } from './words.ts';

/** How many targets are named before they are only counted. */
const NAMED = 2;

export const whereText = (targets: readonly string[]): string =>
  targets.length <= NAMED ? targets.join(', ') : count(targets.length, 'target');

export const settingText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

export const originOf = ({ file, line }: Pick<StatedSetting, 'file' | 'line'>): string =>
  line === 0 ? file : `${file}:${line}`;

type Source = NonNullable<ReleasedRecord['images'][number]['sourceAmi']>;

/** What a source AMI was found by. */
export function foundBy(source: Source): string {
  if ('ssmParameter' in source) return source.ssmParameter;
  if ('filter' in source)
    return `${Object.values(source.filter).flat().join(' ')} of ${source.owners.join(', ')}`;
  if ('ids' in source) return 'an id of its region';
  return source.version === undefined ? source.image : `${source.image}@${source.version}`;
}

/** That a version is revoked, and why. */
export const revokedText = ({ reason, because, by }: Revocation): string =>
  ['revoked', because === undefined ? '' : ` with ${because}`, `: ${reason ?? `by a ${WAYS[by]}`}`].join('');

const WAYS = { rollback: 'rollback', revoke: 'revocation' } as const;
