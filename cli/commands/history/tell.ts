import type { HistoricRelease } from '../../../client/client.ts';
import { inColumns } from '../../terminal/columns.ts';
import type { Output } from '../../terminal/output.ts';
import { revokedText } from '../../terminal/records.ts';
import { count } from '../../terminal/words.ts';

export function historyLines(releases: readonly HistoricRelease[], output: Output): string[] {
  if (releases.length === 0) return ['no release yet'];
  const rows = releases.map(({ releaseId, startedAt, record, revoked }) => {
    const bases = new Set(record.images.flatMap(({ builtOn }) => builtOn ?? []));
    return [
      releaseId,
      { text: `${startedAt.slice(0, 16)}Z`, style: 'dim' as const },
      `g${record.commit.slice(0, 7)}`,
      record.branch ?? '',
      count(record.images.length, 'target'),
      bases.size === 0 ? '' : `on ${[...bases].join(', ')}`,
      record.reason ?? '',
      revoked ? { text: revokedText(revoked), style: 'red' as const } : '',
    ];
  });
  // A column that no release fills is left out.
  const filled = (rows[0] ?? []).flatMap((_, column) =>
    rows.some((row) => row[column] !== '') ? [column] : [],
  );
  return inColumns(
    rows.map((row) => filled.flatMap((column) => row[column] ?? [])),
    output,
  );
}
