import type { ImportResult } from '../../../client/client.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { inColumns } from '../../terminal/columns.ts';
import type { Output } from '../../terminal/output.ts';
import { count } from '../../terminal/words.ts';

export function importLines(
  { applied, amis }: ImportResult,
  { undo, off }: { readonly undo: boolean; readonly off: string | undefined },
  output: Output,
): string[] {
  const due = amis.filter(({ resourceIds }) => resourceIds.length > 0);
  const rows = amis.map((one) => [
    one.imageId,
    `${one.stage} ${targetName(one)}`,
    one.name,
    one.createdAt.slice(0, 10),
    one.version,
    one.resourceIds.length === 0 ? 'imported already' : count(one.resourceIds.length, 'resource'),
  ]);
  const tags = undo ? [] : Object.entries(due[0]?.tags ?? {}).map(([key, value]) => `  ${key}=${value}`);
  const verb = undo ? 'untag' : 'tag';
  const done = undo ? 'untagged' : 'tagged';
  return [
    ...inColumns([['AMI', 'target', 'name', 'created', 'version', 'with its snapshots'], ...rows], output),
    ...(tags.length === 0 ? [] : ['', 'each with its own version and stage, and the first with', ...tags]),
    '',
    due.length === 0
      ? 'nothing to do'
      : applied
        ? output.paint('green', `${done} ${count(due.length, 'AMI')}`)
        : `would ${verb} ${count(due.length, 'AMI')}; --yes does it`,
    ...(off === undefined ? [] : [output.paint('yellow', off)]),
  ];
}
