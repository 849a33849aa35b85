import type { Ancestry, Descent, Lineage } from '../../../client/client.ts';
import type { Output } from '../../terminal/output.ts';
import { foundBy, whereText } from '../../terminal/records.ts';

export function lineageLines(asked: string, { release, builds }: Lineage, output: Output): string[] {
  return [
    output.paint('bold', release?.releaseId ?? asked),
    ...(release ? above(release, 1, output) : []),
    ...(builds.length === 0 ? [`  ${output.paint('dim', 'nothing is built on it')}`] : below(builds, 1)),
  ];
}

const indent = (depth: number): string => '  '.repeat(depth);

function above({ builtOn, sources }: Ancestry, depth: number, output: Output): string[] {
  return [
    ...builtOn.flatMap((base) => [
      `${indent(depth)}built on ${base.releaseId}`,
      ...above(base, depth + 1, output),
    ]),
    ...sources.map(({ imageId, sourceAmi, targets }) => {
      const by = sourceAmi ? foundBy(sourceAmi) : undefined;
      const what =
        imageId ?? (by === undefined ? 'a source that its record does not tell' : `some AMI of ${by}`);
      const found = imageId !== null && by !== undefined ? ` (${by})` : '';
      return `${indent(depth)}built on ${what}${found}  ${output.paint('dim', whereText(targets))}`;
    }),
  ];
}

const below = (builds: readonly Descent[], depth: number): string[] =>
  builds.flatMap((child) => [
    `${indent(depth)}built from it: ${child.releaseId}`,
    ...below(child.builds, depth + 1),
  ]);
