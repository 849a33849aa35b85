import { targetName } from '../../../core/contract/targets.ts';
import type {
  ImageRelease,
  ListedRelease,
  Outcome,
  ReleaseResult,
  ReleaseTimeline,
} from '../../../client/client.ts';
import { timelineLines } from '../../terminal/timeline.ts';
import { waitingLines } from '../../terminal/waiting.ts';
import { indented, minutes } from '../../terminal/words.ts';
import type { Output } from '../../terminal/output.ts';
import { executionLink } from '../../../core/aws/console-links.ts';

export function listLines(releases: readonly ListedRelease[], now: Date, output: Output): string[] {
  if (releases.length === 0) return ['no release yet'];
  const width = Math.max(...releases.map(({ name }) => name.length));
  return releases.map(({ name, status, ...times }) => {
    const painted = painting(status, output, status.padEnd(8));
    return `${name.padEnd(width)}  ${painted}  ${output.paint('dim', when(times, now))}`;
  });
}

/** What is known of a release besides its result. */
interface Known {
  readonly now: Date;
  readonly timelines: ReadonlyMap<string, ReleaseTimeline>;
}

export function resultLines(result: ReleaseResult, { now, timelines }: Known, output: Output): string[] {
  const { name, outcome, error, releases } = result;
  const head = `${output.paint('bold', name)}  ${painting(outcome, output)}  ${output.paint('dim', when(result, now))}`;
  return [
    head,
    ...(error ? [`  ${output.paint('red', `${error.name}: ${error.cause}`)}`] : []),
    ...releases.flatMap((release) => {
      const timeline = timelines.get(release.releaseId);
      return ['', ...imageLines(release, output), ...(timeline ? timelineLines(timeline, output) : [])];
    }),
    '',
    output.paint('dim', executionLink(result)),
  ];
}

function imageLines(release: ImageRelease, output: Output): string[] {
  const { releaseId, commit, outcome, error, path, targets, leftovers } = release;
  const state = outcome === 'running' ? `: ${path.at(-1) ?? 'not begun'}` : '';
  const stages = Math.max(0, ...targets.map(({ stage }) => stage.length));
  const cause = error ? indented(`${error.name}: ${error.cause}`).trimEnd() : '';
  return [
    `  ${output.paint('bold', releaseId)}  (g${commit.slice(0, 7)})  ${painting(outcome, output)}${state}`,
    ...targets.map(
      (target) => `    ${target.stage.padEnd(stages)}  ${targetName(target)}  ${target.imageId ?? '-'}`,
    ),
    ...waitingLines(release).map((line) => `    ${output.paint('yellow', line)}`),
    ...(cause === '' ? [] : [cause]),
    ...leftovers.map(
      (left) => `    ${output.paint('red', 'left')}  ${targetName(left)}  ${left.resourceId}: ${left.why}`,
    ),
  ];
}

function painting(
  outcome: Outcome | ListedRelease['status'],
  { paint }: Output,
  text: string = outcome,
): string {
  if (outcome === 'released') return paint('green', text);
  return paint(outcome === 'running' ? 'yellow' : 'red', text);
}

function when(
  { startedAt, stoppedAt }: { readonly startedAt: string; readonly stoppedAt: string | null },
  now: Date,
): string {
  const until = stoppedAt === null ? now.getTime() : Date.parse(stoppedAt);
  const lasted = minutes(until - Date.parse(startedAt));
  return `${startedAt.slice(0, 19)}Z, ${stoppedAt === null ? `for ${lasted} so far` : lasted}`;
}
