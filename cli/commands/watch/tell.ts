import { executionLink } from '../../../core/aws/console-links.ts';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import type {
  ImageRelease,
  ReleaseProgress,
  ReleaseResult,
  ReleaseTimeline,
} from '../../../client/client.ts';
import { Narrator, QUIET, type ToldRelease } from '../../terminal/narrator.ts';
import { timelineLines } from '../../terminal/timeline.ts';
import { waitingLines } from '../../terminal/waiting.ts';
import { minutes } from '../../terminal/words.ts';
import type { Output } from '../../terminal/output.ts';

/** Tells each image's block as soon as it has ended, and meanwhile what is going on. */
export class Teller {
  readonly #output: Output;
  readonly #narrator: Narrator;
  readonly #told = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
    this.#narrator = new Narrator(output);
  }

  look(news: readonly ReleaseProgress[], result: ReleaseResult): void {
    const ended = result.releases.filter(({ outcome }) => outcome !== 'running');
    for (const [index, progress] of news.entries()) {
      this.#narrator.follow(progress);
      if (this.#output.lively !== true) this.#line(progress);
      this.#ask(result);
      const goesOn = news.slice(index + 1).some(({ releaseId }) => releaseId === progress.releaseId);
      const release = ended.find(({ releaseId }) => releaseId === progress.releaseId);
      if (release && !goesOn) this.#tell(release);
    }
  }

  /** Once for each approval that is asked for: whoever watches may be who is waited for. */
  #ask({ releases }: ReleaseResult): void {
    for (const release of releases) {
      const lines = waitingLines(release);
      const [asked = ''] = lines;
      if (asked === '' || this.#asked.has(`${release.releaseId} ${asked}`)) continue;
      this.#asked.add(`${release.releaseId} ${asked}`);
      this.#output.status('');
      const text = [`${release.releaseId} ${asked}`, `  ${lines.slice(1).join('')}`];
      this.#output.print(text.map((line) => `  ${this.#output.paint('yellow', line)}\n`).join(''));
    }
  }

  end(result: ReleaseResult, timelines: ReadonlyMap<string, ReleaseTimeline>): void {
    for (const release of result.releases) this.#tell(release);
    for (const [releaseId, timeline] of timelines)
      this.#output.print(
        `\n  where the time of ${releaseId} went\n${timelineLines(timeline, this.#output).join('\n')}\n`,
      );
    const tookMs = Date.parse(result.stoppedAt ?? result.startedAt) - Date.parse(result.startedAt);
    this.#narrator.conclude(result, `${result.name} took ${minutes(tookMs)}: ${executionLink(result)}`);
  }

  /** Where no line can move, as in the log of a CI job, every state gets a line when it begins. */
  #line({ phase, machine, releaseId, state, elapsedMs }: ReleaseProgress): void {
    if (phase !== 'entered' || QUIET.has(state)) return;
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
