import type { RepointAnswer } from '../../../client/client.ts';
import { parameters } from '../../../core/contract/names.ts';
import type { Output } from '../../terminal/output.ts';
import { count } from '../../terminal/words.ts';

/** How many lines of one kind are written before they are only counted. */
const LISTED = 20;

export function repointLines(answer: RepointAnswer, { paint }: Output): string[] {
  const { action, dryRun, versions, amiCount, switchedCount, latest, builtOnThem, running, leftOut } = answer;
  const verb = action === 'restore' ? 'restored' : 'revoked';
  const said = dryRun ? `would be ${verb}` : verb;
  const many = (lines: readonly string[]) =>
    lines.length <= LISTED
      ? lines
      : [...lines.slice(0, LISTED), paint('dim', `  and ${lines.length - LISTED} more`)];
  const switched = action === 'restore' ? 'enabled' : 'disabled';
  return [
    ...many(
      versions.map((version) => `  ${paint(action === 'restore' ? 'green' : 'red', said)}  ${version}`),
    ),
    ...many(
      latest.map(
        ({ image, from, to, targetCount }) =>
          `  ${paint('green', parameters.latest(image))}  ${from.join(', ')} -> ${to ?? 'nothing: no version stands'}  in ${count(targetCount, 'target')}`,
      ),
    ),
    ...many(builtOnThem.map((release) => `  ${paint('yellow', 'is built on it and stands')}  ${release}`)),
    ...many(running.map((name) => `  ${paint('yellow', 'runs, and becomes latest')}  ${name}`)),
    ...many(leftOut.map((target) => `  ${paint('dim', `left out, no target any more  ${target}`)}`)),
    [
      `${count(amiCount, 'AMI')} ${dryRun ? 'would be marked' : 'marked'}`,
      ...(switchedCount > 0 ? [`${switchedCount} ${switched}`] : []),
      latest.length === 0 ? 'latest stays' : `${count(latest.length, 'image')} with another latest`,
    ].join(', '),
  ];
}
