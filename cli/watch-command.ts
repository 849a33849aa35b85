/** `packleader watch`, and the second half of `packleader release`: tells a release while it happens. */
import { NAMES, parameters } from '../tasks/contract.ts';
import {
  type ImageRelease,
  type ReleaseHandle,
  type ReleaseProgress,
  type ReleaseResult,
  followRelease,
} from './client.ts';
import { ClientError } from './client/errors.ts';
import { EXIT } from './exit-codes.ts';
import { type HubFlags, hubFrom } from './hub-option.ts';
import { Narrator, QUIET, type ToldRelease, minutes } from './narrator.ts';
import type { Output } from './output.ts';
import { type Seat, untilInterrupted } from './seat.ts';

export interface WatchOptions extends HubFlags {
  readonly json: boolean;
  /** How long to watch at most. */
  readonly timeoutMinutes?: number;
}

/** Returns the exit code. Ctrl-C, a time-out and lost credentials end the watching, not the release. */
export async function watchCommand(
  release: string,
  options: WatchOptions,
  output: Output,
  seat: Seat = {},
): Promise<number> {
  return watch(release, { ...options, hub: hubFrom(options) }, output, seat);
}

export async function watch(
  release: ReleaseHandle | string,
  {
    hub,
    json,
    timeoutMinutes,
  }: Pick<WatchOptions, 'json' | 'timeoutMinutes'> & { readonly hub: ReturnType<typeof hubFrom> },
  output: Output,
  seat: Seat,
): Promise<number> {
  const name = typeof release === 'string' ? release : release.name;
  const teller = new Teller(output);
  let seen = typeof release !== 'string';
  try {
    const result = await untilInterrupted(seat, async (signal) =>
      followRelease(release, {
        ...seat,
        ...(hub && { hub }),
        ...(timeoutMinutes !== undefined && { timeoutMs: timeoutMinutes * 60_000 }),
        signal,
        onProgress: (news, soFar) => {
          seen = true;
          if (!json) teller.look(news, soFar);
        },
      }),
    );
    if (result === 'interrupted') return lost(output, name, 'stopped watching');
    if (json) output.print(`${JSON.stringify(result, null, 2)}\n`);
    else teller.end(result);
    return exitCodeOf(result);
  } catch (error) {
    // Before the first look nothing is known to run: then it is a refusal like any other.
    if (!seen || !(error instanceof ClientError)) throw error;
    return lost(output, name, error.message);
  }
}

function lost(output: Output, name: string, why: string): number {
  output.status('');
  output.complain(`${why}; the release goes on. To go on watching: packleader watch ${name}\n`);
  return EXIT.unknown;
}

export function exitCodeOf({ outcome }: Pick<ReleaseResult, 'outcome'>): number {
  if (outcome === 'released' || outcome === 'running') return EXIT.released;
  if (outcome === 'refused') return EXIT.refused;
  // A release that was stopped undid nothing by itself: what it left is not known to be gone.
  return outcome === 'rolled back' ? EXIT.rolledBack : EXIT.rollbackIncomplete;
}

/** Tells each image's block as soon as it has ended, and meanwhile what is going on. */
class Teller {
  readonly #output: Output;
  readonly #narrator: Narrator;
  readonly #told = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
    this.#narrator = new Narrator(output);
  }

  look(news: readonly ReleaseProgress[], result: ReleaseResult): void {
    const ended = result.releases.filter(({ outcome }) => outcome !== 'running');
    for (const [index, progress] of news.entries()) {
      this.#narrator.follow(progress);
      if (this.#output.lively !== true) this.#line(progress);
      const goesOn = news.slice(index + 1).some(({ releaseId }) => releaseId === progress.releaseId);
      const release = ended.find(({ releaseId }) => releaseId === progress.releaseId);
      if (release && !goesOn) this.#tell(release);
    }
  }

  end(result: ReleaseResult): void {
    for (const release of result.releases) this.#tell(release);
    const tookMs = Date.parse(result.stoppedAt ?? result.startedAt) - Date.parse(result.startedAt);
    this.#narrator.conclude(result, `${result.name} took ${minutes(tookMs)}: ${consoleUrl(result)}`);
  }

  /** Where no line can move, as in the log of a CI job, every state gets a line when it begins. */
  #line({ phase, machine, releaseId, state, elapsedMs }: ReleaseProgress): void {
    if (phase !== 'entered' || QUIET.test(state)) return;
    const what = machine === NAMES.releaseMachine ? '' : `${releaseId}: `;
    this.#output.print(this.#output.paint('dim', `  … ${what}${state} (${minutes(elapsedMs)})\n`));
  }

  #tell(release: ImageRelease): void {
    if (this.#told.has(release.releaseId)) return;
    this.#told.add(release.releaseId);
    this.#narrator.tell(toldOf(release));
  }
}

function toldOf(release: ImageRelease): ToldRelease {
  const { image, version, prerelease, targets } = release;
  const names = [...(prerelease ? [] : [parameters.latest(image)]), parameters.version(image, version)];
  return {
    ...release,
    targets: targets
      .filter(({ imageId }) => imageId !== null)
      .map(({ imageId }) => ({
        parameters: Object.fromEntries(names.map((name) => [name, imageId ?? ''])),
      })),
  };
}

export function consoleUrl({ executionArn }: ReleaseHandle): string {
  const region = executionArn.split(':')[3] ?? '';
  return `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}
