import type { ImageInTarget, PlacedVersion, Whereabouts } from '../../../client/client.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { type Cell, inColumns } from '../../terminal/columns.ts';
import type { Output } from '../../terminal/output.ts';
import { count } from '../../terminal/words.ts';

export function whereLines({ newest, targets }: Whereabouts, output: Output): string[] {
  const images = Object.entries(newest);
  if (images.length === 0) return ['no release yet'];
  const unseen = targets.flatMap((target) =>
    target.notSeen.map(
      ({ what, why }) => `${output.paint('red', 'not seen')}  ${targetName(target)}  ${what}: ${why}`,
    ),
  );
  return [
    ...images.flatMap(([image, version]) => [
      `${output.paint('bold', image)}  newest is ${version}`,
      ...inColumns(
        targets.map((target): Cell[] => {
          const found = target.images.find((one) => one.image === image);
          const place = [target.stage, targetName(target)];
          return found ? [...place, ...cells(found)] : [...place, { text: 'not seen', style: 'red' }];
        }),
        output,
        2,
      ),
      '',
    ]),
    ...unseen,
    ...(unseen.length === 0 ? [] : ['']),
    summary(targets, unseen.length, output),
  ];
}

function cells({ latest, running }: ImageInTarget): Cell[] {
  const here: Cell[] =
    latest === null
      ? [{ text: 'no latest', style: 'yellow' }, '', '']
      : [
          latest.version ?? `${latest.imageId}, which no record knows`,
          latest.ageDays === null ? '' : count(latest.ageDays, 'day'),
          latest.revoked === true
            ? { text: 'revoked', style: 'red' }
            : latest.stale === true
              ? { text: 'stale', style: 'yellow' }
              : '',
        ];
  return [...here, (running ?? []).map(users).join(', ')];
}

const users = ({
  version,
  imageId,
  stale,
  revoked,
  instanceIds,
}: PlacedVersion & { readonly instanceIds: readonly string[] }): string =>
  `${count(instanceIds.length, 'instance')} on ${version ?? imageId}${revoked === true ? ' (revoked)' : stale === true ? ' (stale)' : ''}`;

function summary(targets: Whereabouts['targets'], unseen: number, output: Output): string {
  const all = targets.flatMap(({ images }) => images);
  const stale = all.filter(({ latest }) => latest?.stale === true).length;
  const missing = all.filter(({ latest }) => latest === null).length;
  const text = [
    count(targets.length, 'target'),
    `${stale} stale`,
    `${missing} without latest`,
    `${unseen} not seen`,
  ].join(', ');
  return output.paint(unseen > 0 ? 'red' : stale + missing > 0 ? 'yellow' : 'green', text);
}
