/** How `packleader rehearse` tells a rehearsal, beyond the story of each release. */
import { STATE_NAMES, isUndo } from '../../../core/contract/state-names.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { whichFactory } from '../../input/checkout.ts';
import type { ReportedRelease, ReportedRepoint } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Narrator } from '../../terminal/narrator.ts';
import type { Output } from '../../terminal/output.ts';
import { count, indented, minutes } from '../../terminal/words.ts';
import { repointLines } from '../rollback/tell.ts';
import type { Scheduled } from './occasion.ts';
import type { Preparation, Rehearsed } from './rehearsal.ts';

/** What is about to be rehearsed. */
export function tellBeginning(
  { paint, print }: Output,
  { factory, checkout, says, images, faults, notChecked }: Preparation,
): void {
  const targets = factory.stages
    .map(({ name, targets: of }) => `${name} (${count(of.length, 'target')})`)
    .join(', then ');
  const lines = [
    whichFactory(checkout),
    ...notChecked.map((what) => paint('yellow', `not checked: ${what}`)),
    ...(says === undefined ? [] : [says]),
    ...(images.length === 0 ? [] : [`${paint('bold', images.join(', '))} into ${targets}`]),
    ...faults.map((fault) => {
      const where = [fault.accountId, fault.region].filter((part) => part !== undefined).join('/');
      const what = `${fault.state}${ofImage(fault)}${where && ` in ${where}`}`;
      return paint('yellow', `  with a fault: ${what} is ${DOING[fault.kind]}`);
    }),
  ];
  print(`${lines.join('\n')}\n`);
}

/** What the factory needs and nobody has made. */
export function tellAssumptions({ paint, print }: Output, assumptions: readonly string[]): void {
  const lines = assumptions.map((assumption) => `  assumed to exist: ${assumption}\n`);
  print(paint('yellow', lines.join('')));
}

/** What became of every image's schedule. */
export function tellSchedule({ paint, print, status }: Output, { at, images }: Scheduled): void {
  status('');
  const lines = images.map(({ image, outcome, why }) => {
    const mark = outcome === 'started' ? 'green' : outcome === 'failed' ? 'red' : 'dim';
    return `  ${paint(mark, `${image}: ${outcome}`)}, ${why}\n`;
  });
  print(`the schedules at ${at}\n${lines.join('')}`);
}

/** What is retried, and how an operator would. */
export function tellRetry({ paint, print }: Output, first: readonly ReportedRelease[]): void {
  const failed = first.filter(({ outcome }) => outcome !== 'released');
  const commands = failed.map(
    ({ releaseId }) => `\n  once more, with no fault: packleader retry ${releaseId}\n`,
  );
  print(paint('yellow', commands.join('')));
}

/** Every release, and what the rehearsal took. */
export function tellEnd(output: Output, narrator: Narrator, rehearsed: Rehearsed, realMs: number): void {
  const { retried = [] } = rehearsed;
  const again = new Set(retried.map(({ releaseId }) => releaseId));
  for (const release of rehearsed.releases)
    if (again.size === 0 || again.has(release.releaseId)) narrator.tell(release);
  for (const repoint of rehearsed.repoints) tellRepoint(output, repoint);
  tellTold(output, rehearsed);
  const unmet = rehearsed.unmetFaults.map(
    (fault) =>
      `the fault in "${fault.state}"${ofImage(fault)} was never met: ${fault.kind === 'interrupted' ? 'no builder was a Spot Instance' : 'the release did not get there'}`,
  );
  if (rehearsed.retried?.length === 0) unmet.push('nothing failed, so nothing was retried');
  if (!rehearsed.figures) return narrator.conclude(rehearsed, undefined, unmet);
  const { calls, transitions, virtualMs } = rehearsed.figures;
  const figures = `${count(calls, 'AWS call')}, ${count(transitions, 'state transition')}`;
  const time = `${minutes(virtualMs)} of AWS time rehearsed in ${(realMs / 1000).toFixed(1)} s`;
  narrator.conclude(rehearsed, `${time}: ${figures}`, unmet);
}

/** What people would read, and what the commit would show in the end. */
function tellTold({ paint, print }: Output, { told = [], statuses = [] }: Rehearsed): void {
  const last = new Map(statuses.map((status) => [`${status.commit} ${status.name}`, status]));
  const lines = [
    ...told.map(({ topic, title }) => `  ${paint('dim', `told on ${topic}:`)} ${title}\n`),
    ...[...last.values()].map(({ provider, commit, name, state, description }) => {
      const where = paint('dim', `shown by ${provider} at ${commit.slice(0, 7)}:`);
      return `  ${where} ${name} ${paint(COLOURS[state], state)}, ${description}\n`;
    }),
  ];
  if (lines.length > 0) print(`\n${lines.join('')}`);
}

const COLOURS = { pending: 'yellow', success: 'green', failure: 'red' } as const;

/** What going back did, state by state. */
function tellRepoint(output: Output, { image, outcome, error, path, answer }: ReportedRepoint): void {
  const { paint, print } = output;
  const ends: readonly string[] = [
    STATE_NAMES.repointed,
    STATE_NAMES.notRepointed,
    STATE_NAMES.putBack,
    STATE_NAMES.notEverythingPutBack,
    STATE_NAMES.putBackNotVerified,
    STATE_NAMES.repointedWithoutRecord,
  ];
  const told = path.filter((state) => !state.endsWith('?') && !ends.includes(state));
  const undone = told.findIndex(isUndo);
  const failed = undone === -1 ? (outcome === 'repointed' ? -1 : told.length - 1) : undone - 1;
  const lines = told.map((state, index) => {
    const mark =
      index === failed
        ? paint('red', 'FAIL')
        : isUndo(state)
          ? paint('yellow', 'undo')
          : paint('green', 'ok  ');
    return `  ${mark}  ${state}\n`;
  });
  print(`\n  ${paint('bold', `back from ${image}`)}\n${lines.join('')}`);
  if (outcome === 'repointed' && answer) print(`${repointLines(answer, output).join('\n')}\n`);
  else print(`  ${paint('red', outcome)}\n${indented(error?.cause ?? '')}`);
}

const ofImage = ({ image }: Fault): string => (image === undefined ? '' : ` of ${image}`);

const DOING = {
  refused: 'refused',
  lost: 'done, but every reply is lost',
  throttled: 'throttled',
  timeout: 'never answered',
  full: 'without a free build',
  failed: 'made to fail',
  silent: 'never heard of by its agent',
  capacity: 'without room for its builder at first',
  interrupted: 'without its Spot Instances, which EC2 takes back',
  drifted: 'with a newer package than the others',
} as const;
