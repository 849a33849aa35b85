/** `packleader status`: what is known about one release, or the latest ones. */
import { targetName } from '../tasks/contract.ts';
import {
  type ImageRelease,
  type ListedRelease,
  type Outcome,
  type ReleaseResult,
  getRelease,
  listReleases,
} from './client.ts';
import { EXIT } from './exit-codes.ts';
import { type HubFlags, hubFrom } from './hub-option.ts';
import { indented, minutes } from './narrator.ts';
import type { Output } from './output.ts';
import type { Seat } from './seat.ts';
import { consoleUrl, exitCodeOf } from './watch-command.ts';

export interface StatusOptions extends HubFlags {
  readonly json: boolean;
  /** How many releases are listed. */
  readonly limit: number;
}

export async function statusCommand(
  release: string | undefined,
  options: StatusOptions,
  output: Output,
  { client, clock }: Seat = {},
): Promise<number> {
  const { json, limit } = options;
  const hub = hubFrom(options);
  const on = { ...(hub && { hub }), ...(client && { client }) };
  const now = clock?.now() ?? new Date();
  if (release === undefined) {
    const releases = await listReleases({ ...on, limit });
    if (json) output.print(`${JSON.stringify({ releases }, null, 2)}\n`);
    else for (const line of listLines(releases, now, output)) output.print(`${line}\n`);
    return EXIT.released;
  }
  const result = await getRelease(release, on);
  if (json) output.print(`${JSON.stringify(result, null, 2)}\n`);
  else for (const line of resultLines(result, now, output)) output.print(`${line}\n`);
  return exitCodeOf(result);
}

function listLines(releases: readonly ListedRelease[], now: Date, output: Output): string[] {
  if (releases.length === 0) return ['no release yet'];
  const width = Math.max(...releases.map(({ name }) => name.length));
  return releases.map(({ name, status, ...times }) => {
    const painted = painting(status, output, status.padEnd(8));
    return `${name.padEnd(width)}  ${painted}  ${output.paint('dim', when(times, now))}`;
  });
}

function resultLines(result: ReleaseResult, now: Date, output: Output): string[] {
  const { name, outcome, error, releases } = result;
  const head = `${output.paint('bold', name)}  ${painting(outcome, output)}  ${output.paint('dim', when(result, now))}`;
  return [
    head,
    ...(error ? [`  ${output.paint('red', `${error.name}: ${error.cause}`)}`] : []),
    ...releases.flatMap((release) => ['', ...imageLines(release, output)]),
    '',
    output.paint('dim', consoleUrl(result)),
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
