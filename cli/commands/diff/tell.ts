import type { ComparedSource, ReleaseDifference } from '../../../client/client.ts';
import { type Cell, inColumns } from '../../terminal/columns.ts';
import type { Output } from '../../terminal/output.ts';
import { foundBy, originOf, settingText, whereText } from '../../terminal/records.ts';

export function differenceLines(difference: ReleaseDifference, output: Output): string[] {
  const { before, after, commits, targets, configuration, sourceAmis, packages, notCompared } = difference;
  const told = notCompared.map(({ what, why }) => output.paint('yellow', `not compared: ${what}: ${why}`));
  const block = (title: string, rows: readonly (readonly Cell[])[]) =>
    rows.length === 0 ? [] : ['', output.paint('bold', title), ...inColumns(rows, output, 2)];
  const lines = [
    ...block('commits', commits.range === null ? [] : [['git log', commits.range]]),
    ...block('targets', [
      ...targets.added.map((target) => [{ text: '+', style: 'green' as const }, target]),
      ...targets.removed.map((target) => [{ text: '-', style: 'red' as const }, target]),
    ]),
    ...block(
      'configuration',
      (configuration ?? []).flatMap((one) => [
        ...change('-', one.before, one.setting, one.targets),
        ...change('+', one.after, one.setting, one.targets),
      ]),
    ),
    ...block('source AMIs', sourceRows(sourceAmis)),
    ...packages.flatMap((one) =>
      block(
        `packages in ${whereText(one.targets)}`,
        one.changes.map(({ name, architecture, before: old, after: new_ }) => [
          name,
          architecture,
          old ?? { text: 'not installed', style: 'dim' },
          '->',
          new_ ?? { text: 'not installed', style: 'dim' },
        ]),
      ),
    ),
  ];
  return [
    `${output.paint('bold', before)} -> ${output.paint('bold', after)}`,
    ...(lines.length === 0 ? [`${told.length === 0 ? 'no' : 'no other'} difference is known`] : lines),
    ...(told.length === 0 ? [] : ['', ...told]),
  ];
}

type Stated = { readonly value: unknown; readonly file: string; readonly line: number } | null;

function change(sign: '+' | '-', stated: Stated, setting: string, targets: readonly string[]): Cell[][] {
  if (stated === null) return [];
  return [
    [
      { text: sign, style: sign === '+' ? 'green' : 'red' },
      setting,
      settingText(stated.value),
      { text: originOf(stated), style: 'dim' },
      whereText(targets),
    ],
  ];
}

/** A base has an AMI of its own in every account: its release says all that people want to know. */
function sourceRows(differences: ReleaseDifference['sourceAmis']): string[][] {
  const rows = Map.groupBy(differences, ({ before, after }) => `${sourceText(before)}\n${sourceText(after)}`);
  return [...rows].map(([texts, same]) => {
    const [before = '', after = ''] = texts.split('\n');
    return [before, '->', after, whereText(same.flatMap(({ targets }) => targets))];
  });
}

function sourceText(source: ComparedSource | null): string {
  if (source === null) return 'not known';
  const { imageId, sourceAmi, builtOn } = source;
  if (builtOn !== null) return builtOn;
  if (imageId === null) return sourceAmi ? foundBy(sourceAmi) : 'not known';
  return sourceAmi ? `${imageId} (${foundBy(sourceAmi)})` : imageId;
}
