import type { ReleasedRecord, Revocation, StageApproval } from '../../../client/client.ts';
import { executionLink } from '../../../core/aws/console-links.ts';
import { differenceLines } from '../../../core/releases/compare.ts';
import type { Comparison } from '../../../core/contract/comparison.ts';
import { SEVERITIES, type Scan } from '../../../core/contract/vulnerabilities.ts';
import type { SbomPlace } from '../../../core/contract/sboms.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { inColumns } from '../../terminal/columns.ts';
import type { Output } from '../../terminal/output.ts';
import { count } from '../../terminal/words.ts';
import { timelineLines } from '../../terminal/timeline.ts';
import { foundBy, originOf, revokedText, settingText, whereText } from '../../terminal/records.ts';

/** Nothing where the record does not say. */
const builderText = ({ instanceType, spot }: ReleasedRecord['images'][number]): string =>
  instanceType === undefined ? '' : `on ${instanceType}${spot ? ', spot' : ''}`;

/** What it was made of: another AMI of the release, or its source AMI. */
function originText({ copyOf, sourceImageId }: ReleasedRecord['images'][number]): string {
  if (copyOf) return `copy of ${copyOf.imageId} in ${targetName(copyOf)}`;
  return sourceImageId === undefined ? '' : `from ${sourceImageId}`;
}

/** Undefined where nothing was tested. */
const testedText = ({ tested }: ReleasedRecord): string | undefined =>
  tested &&
  Object.entries(tested)
    .map(
      ([stage, { tests, instances }]) =>
        `${stage}: ${count(tests, 'test')} on ${count(instances, 'instance')}`,
    )
    .join(', ');

const approvalFact = ({ stage, by, at, reason }: StageApproval): [string, string] => [
  'approved',
  `for ${stage} by ${by}, ${at.slice(0, 16)}Z: ${reason}`,
];

const sbomFact = ({ key, components, targets }: SbomPlace): [string, string] => [
  'sbom',
  [key, count(components, 'component'), ...(targets ? [whereText(targets)] : [])].join('  '),
];

export function recordLines(
  record: ReleasedRecord,
  revocation: Revocation | undefined,
  output: Output,
): string[] {
  const { executionArn, comparison, configuration = [], images } = record;
  const facts: [string, string | undefined][] = [
    ['commit', record.commit],
    ['branch', record.branch],
    ['repository', record.repository],
    ['reason', record.reason],
    ['template', record.template],
    ['started', record.startedAt],
    ['announced', record.announcedAt],
    ['started by', record.startedBy],
    ['requested', record.requestArn],
    ['execution', executionArn],
    ['tested', testedText(record)],
    ...(record.approvals ?? []).map(approvalFact),
    ...(record.sboms ?? []).map(sbomFact),
  ];
  const known = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [[{ text: name, style: 'dim' as const }, value]],
  );
  return [
    output.paint('bold', record.releaseId),
    ...(revocation ? revocationLines(revocation, output) : []),
    ...inColumns(known, output, 2),
    '',
    ...inColumns(
      images.map((image) => [
        image.stage,
        targetName(image),
        image.imageId,
        image.architecture ?? '',
        originText(image),
        image.builtOn ?? (image.sourceAmi ? foundBy(image.sourceAmi) : ''),
        builderText(image),
        image.deprecatedAt === undefined ? '' : `deprecated from ${image.deprecatedAt.slice(0, 10)} on`,
      ]),
      output,
      2,
    ),
    ...(record.timeline ? ['', '  where its time went', ...timelineLines(record.timeline, output)] : []),
    ...(record.notTimed === undefined ? [] : ['', output.paint('yellow', `  not timed: ${record.notTimed}`)]),
    ...(comparison ? ['', ...comparisonLines(comparison, output)] : []),
    ...(record.vulnerabilities ? ['', ...scanLines(record.vulnerabilities, output)] : []),
    ...(configuration.length === 0 ? [] : ['']),
    ...inColumns(
      configuration.map((row) => [
        row.setting,
        settingText(row.value),
        { text: originOf(row), style: 'dim' },
        row.targets ? whereText(row.targets) : '',
      ]),
      output,
      2,
    ),
    ...(executionArn === undefined ? [] : ['', output.paint('dim', executionLink({ executionArn }))]),
  ];
}

function comparisonLines(comparison: Comparison, { paint }: Output): string[] {
  const { compared, count: differences, notCompared } = comparison;
  const told = differenceLines(comparison, Infinity);
  return [
    ...(compared === 0
      ? []
      : differences === 0
        ? [paint('dim', `  the same in all ${compared + 1} targets`)]
        : [paint('yellow', `  ${count(differences, 'difference')} between its AMIs:`)]),
    ...told.map((line) => `    ${line}`),
    ...(differences > told.length ? [`    and ${differences - told.length} more`] : []),
    ...notCompared.map(({ what, targets, why }) =>
      paint('yellow', `  not compared: ${[what, ...targets].join(' ')}: ${why}`),
    ),
  ];
}

function scanLines({ sboms, ignored, at }: Scan, output: Output): string[] {
  const all = sboms.length === 1;
  return [
    ...sboms.flatMap(({ counts, findings, targets, notScanned }) => {
      const found = SEVERITIES.toReversed().map((severity) => `${counts[severity]} ${severity}`);
      const total = SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0);
      const where = all ? '' : ` in ${whereText(targets)}`;
      const without = notScanned === 0 ? '' : `, without ${count(notScanned, 'component')}`;
      return [
        output.paint('dim', `  vulnerabilities on ${at.slice(0, 10)}${where}: ${found.join(', ')}${without}`),
        ...inColumns(
          findings.map(({ id, severity, packages }) => [id, severity, packages.join(', ')]),
          output,
          4,
        ),
        ...(total > findings.length ? [`    and ${total - findings.length} more`] : []),
      ];
    }),
    ...ignored.map(({ id, until, reason }) =>
      output.paint('yellow', `  ignored until ${until}: ${id}: ${reason}`),
    ),
  ];
}

function revocationLines(revocation: Revocation, { paint }: Output): string[] {
  const { at, restored } = revocation;
  const told = `  ${revokedText(revocation)} (${at})`;
  if (!restored) return [paint('red', told)];
  const why = restored.reason === undefined ? '' : `: ${restored.reason}`;
  return [paint('dim', told), `  restored${why} (${restored.at})`];
}
