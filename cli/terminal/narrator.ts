/** Tells a release, rehearsed or real, as a story: one block per image, one line per state. */
import { STATE_NAMES, isUndo, stageIn } from '../../core/contract/state-names.ts';
import * as z from 'zod';
import { approvalsIn, approvedSchema } from '../../core/contract/approvals.ts';
import { comparedSchema } from '../../core/contract/comparison.ts';
import { ERRORS, errorOutputSchema } from '../../core/contract/errors.ts';
import { NAMES, parameters } from '../../core/contract/names.ts';
import { resolvedSchema } from '../../core/contract/releases.ts';
import { amiSchema, targetName } from '../../core/contract/targets.ts';
import { testedSchema } from '../../core/contract/tests.ts';
import { SEVERITIES, scannedSchema } from '../../core/contract/vulnerabilities.ts';
import type { ReleaseProgress } from '../../core/releases/release-progress.ts';
import type { Output } from './output.ts';
import { count, indented, minutes } from './words.ts';

/** Retries that are not mishaps, but waits. */
const WAITS: readonly string[] = [
  ERRORS.notReadyYet,
  ERRORS.leftoversRemain,
  ERRORS.testsUnderWay,
  ERRORS.copiesUnderWay,
  ERRORS.notRetried,
  ERRORS.notHandedOver,
];

/** How many targets a line names before it only counts them. */
const NAMED = 2;

/** The parts of the transaction's document that a line can tell something about. */
const documentSchema = z.looseObject({
  failure: errorOutputSchema.optional(),
  resolved: resolvedSchema.optional(),
  amis: z.record(z.string(), z.array(amiSchema)).optional(),
  undone: z.record(z.string(), z.unknown()).optional(),
  baked: z.record(z.string(), z.unknown()).optional(),
  tested: z.record(z.string(), testedSchema).optional(),
  compared: z.union([comparedSchema, errorOutputSchema]).optional(),
  scannerRun: z.unknown().optional(),
  scanned: scannedSchema.optional(),
  published: z.object({ consumers: z.number().optional() }).optional(),
  approved: approvedSchema.optional(),
  takenOver: z.object({ kept: z.boolean() }).optional(),
  retried: z.looseObject({}).optional(),
});
type Document = z.infer<typeof documentSchema>;

interface Step {
  readonly state: string;
  readonly enteredMs: number;
  exitedMs: number;
  retries: number;
  document: Document;
}

interface Story {
  readonly releaseId: string;
  readonly steps: Step[];
}

/** What a block tells of a release. */
export interface ToldRelease {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  readonly commit: string;
  readonly outcome: string;
  readonly error: { readonly name: string; readonly cause: string } | null;
  /** By name, those that point at the target's AMI. */
  readonly targets: readonly { readonly parameters: Readonly<Record<string, string>> }[];
}

/** How all of it ended. */
export interface ToldEnd {
  readonly outcome: string;
  readonly releases: readonly { readonly outcome: string }[];
  /** Why the whole did not succeed when no single release says so. */
  readonly error: { readonly name: string; readonly cause: string } | null;
}

export class Narrator {
  readonly #output: Output;
  readonly #stories = new Map<string, Story>();

  constructor(output: Output) {
    this.#output = output;
  }

  follow(progress: ReleaseProgress): void {
    if (progress.machine !== NAMES.releaseImageMachine || progress.releaseId === undefined) {
      if (progress.machine === NAMES.releaseMachine && progress.phase === 'entered') this.#status(progress);
      return;
    }
    const story = this.#story(progress.releaseId);
    const step = story.steps.at(-1);
    if (progress.phase === 'entered') {
      const at = progress.elapsedMs;
      story.steps.push({ state: progress.state, enteredMs: at, exitedMs: at, retries: 0, document: {} });
      this.#status(progress);
    } else if (step && progress.phase === 'retried') {
      // Waiting for AWS to catch up is how it works, and no mishap.
      if (!WAITS.includes(progress.error ?? '')) step.retries += 1;
    } else if (step) {
      step.exitedMs = progress.elapsedMs;
      step.document = documentSchema.catch({}).parse(progress.output);
    }
  }

  /** The last lines: why the whole failed, what else is to be known, and how it ended. */
  conclude(end: ToldEnd, figures: string | undefined, warnings: readonly string[] = []): void {
    const { paint, print, status } = this.#output;
    status('');
    if (end.error) print(`\n  ${paint('red', `${end.error.name}: ${end.error.cause}`)}\n`);
    for (const warning of warnings) print(paint('yellow', `\n  ${warning}\n`));
    print(`\n${this.#verdict(end)}\n${figures === undefined ? '' : `${paint('dim', figures)}\n`}`);
  }

  #story(releaseId: string): Story {
    const story = this.#stories.get(releaseId) ?? { releaseId, steps: [] };
    this.#stories.set(releaseId, story);
    return story;
  }

  #status({ releaseId, state, elapsedMs }: ReleaseProgress): void {
    this.#output.status(
      this.#output.paint(
        'dim',
        `  … ${releaseId === undefined ? '' : `${releaseId}: `}${state} (${minutes(elapsedMs)})`,
      ),
    );
  }

  /** The block of one release, once it has ended. */
  tell(release: ToldRelease): void {
    const { paint, print, status } = this.#output;
    status('');
    const steps = this.#story(release.releaseId).steps;
    const lines = steps
      .filter(({ state }) => !QUIET.has(state) && stageIn(state, 'notApproved') === undefined)
      .filter(
        ({ state, document }) => state !== STATE_NAMES.takeOverAmis || document.takenOver?.kept !== false,
      )
      .map((step) => this.#line(step, steps, release));
    print(`\n  ${paint('bold', release.releaseId)}  (g${release.commit.slice(0, 7)})\n${lines.join('')}`);
    if (release.outcome === 'released') print(`  ${paint('green', endOf(release))}\n`);
    else print(`  ${paint('red', release.outcome)}\n${indented(release.error?.cause ?? '')}`);
    if (release.outcome === 'released' && release.error)
      print(indented(`${release.error.name}: ${release.error.cause}`));
  }

  #line(step: Step, steps: readonly Step[], release: ToldRelease): string {
    const failed = failedIn(step, steps);
    const mark = failed
      ? this.#output.paint('red', 'FAIL')
      : isUndo(step.state)
        ? this.#output.paint('yellow', 'undo')
        : step.state === STATE_NAMES.awaitRetry
          ? this.#output.paint('yellow', 'wait')
          : this.#output.paint('green', 'ok  ');
    const retries = step.retries === 0 ? '' : ` (${count(step.retries, 'retry', 'retries')})`;
    const detail = failed ? '' : detailOf(step, steps, release);
    return (
      `  ${mark}  ${step.state.padEnd(24)} ${this.#output.paint('dim', `${detail}${retries}`)}`.trimEnd() +
      '\n'
    );
  }

  #verdict({ releases, outcome }: ToldEnd): string {
    const { paint } = this.#output;
    const released = releases.filter((release) => release.outcome === 'released').length;
    if (outcome === 'released' && releases.length === 0)
      return paint('green', 'nothing has changed, so nothing was released');
    if (outcome === 'released') return paint('green', `${count(releases.length, 'image')} released`);
    if (outcome === 'nothing to release') return paint('green', outcome);
    if (outcome === 'refused') return paint('red', 'refused: nothing was built');
    if (releases.length === 0)
      return paint('red', 'nothing was released: the workflow failed before the first image');
    return paint('red', `${outcome}: ${released} of ${count(releases.length, 'image')} released`);
  }
}

/** States that a person need not see: the last line says it better. */
export const QUIET: ReadonlySet<string> = new Set([
  STATE_NAMES.wasEverythingUndone,
  STATE_NAMES.released,
  STATE_NAMES.rolledBack,
  STATE_NAMES.rollbackIncomplete,
  STATE_NAMES.releasedWithoutAnnouncement,
  STATE_NAMES.handedOver,
]);

/** A step failed when the failure is new, or, for an undo, when it left an error instead of a result. */
function failedIn(step: Step, steps: readonly Step[]): boolean {
  if (isUndo(step.state)) return errorOutputSchema.safeParse(step.document.undone?.[step.state]).success;
  const { compared } = step.document;
  if (step.state === STATE_NAMES.compareAmis && compared && 'Error' in compared) return true;
  if (step.state === STATE_NAMES.runScanner && errorOutputSchema.safeParse(step.document.scannerRun).success)
    return true;
  const stage = stageIn(step.state, 'bake');
  if (stage !== undefined && /"error":/.test(JSON.stringify(step.document.baked?.[stage] ?? []))) return true;
  const before = steps[steps.indexOf(step) - 1];
  return step.document.failure !== undefined && before?.document.failure === undefined;
}

function detailOf(step: Step, steps: readonly Step[], release: ToldRelease): string {
  if (step.state === STATE_NAMES.resolveSourceAmis) return sourcesOf(step.document);
  const stage = stageIn(step.state, 'bake');
  if (stage !== undefined) {
    const amis =
      steps.map(({ document }) => document.amis?.[stage]).find((found) => found !== undefined) ?? [];
    const bakes = step.document.resolved?.[stage]?.batches.flatMap(({ targets }) => targets) ?? [];
    const names =
      amis.length > 0 ? amis.map((ami) => `${ami.imageId}  ${targetName(ami)}`) : bakes.map(targetName);
    const { toBake, toCopy = [] } = step.document.resolved?.[stage] ?? {};
    if (toBake?.length === 0 && toCopy.length > 0) return 'all are copied';
    if (toBake?.length === 0 && bakes.length > 0) return `${several(names)}, kept`;
    return bakes.length === 0
      ? 'not in a prerelease'
      : `${several(names)}, ${minutes(step.exitedMs - step.enteredMs)}`;
  }
  const copying = stageIn(step.state, 'copy');
  if (copying !== undefined) return copiedIn(step, steps, copying);
  const testedStage = stageIn(step.state, 'test');
  if (testedStage !== undefined) return testedIn(step, testedStage);
  const asking = stageIn(step.state, 'approve');
  if (asking !== undefined) return approvedIn(step.document, asking);
  if (step.state === STATE_NAMES.compareAmis) return comparedIn(step.document);
  if (step.state === STATE_NAMES.scanAmis) return scannedIn(step.document);
  if (step.state === STATE_NAMES.awaitRetry)
    return step.exitedMs === step.enteredMs
      ? 'for packleader retry'
      : `${step.document.retried ? 'a retry goes on' : 'no retry came'}, ${minutes(step.exitedMs - step.enteredMs)}`;
  if (step.state === STATE_NAMES.applyVersionTags) return `Version=${release.version}`;
  if (step.state === STATE_NAMES.publishRelease) return publishedIn(release, step.document);
  return '';
}

function publishedIn({ targets }: ToldRelease, { published }: Document): string {
  const names = Object.keys(targets[0]?.parameters ?? {});
  const { consumers } = published ?? {};
  return [...names, ...(consumers === undefined ? [] : [`shared with ${count(consumers, 'consumer')}`])].join(
    ', ',
  );
}

function copiedIn({ document, enteredMs, exitedMs }: Step, steps: readonly Step[], stage: string): string {
  const { batches = [], toCopy = [] } = document.resolved?.[stage] ?? {};
  const targets = toCopy.flatMap((index) => batches[index]?.targets ?? []).map(targetName);
  if (targets.length === 0) return 'every target bakes';
  const amis = steps.map((step) => step.document.amis?.[stage]).find((found) => found !== undefined) ?? [];
  const names = amis.flatMap((ami) =>
    targets.includes(targetName(ami)) ? [`${ami.imageId}  ${targetName(ami)}`] : [],
  );
  return `${several(names.length > 0 ? names : targets)}, ${minutes(exitedMs - enteredMs)}`;
}

function testedIn({ document, enteredMs, exitedMs }: Step, stage: string): string {
  const { instances = 0, tests = 0 } = document.tested?.[stage] ?? {};
  if (instances === 0) return 'no test';
  return `${count(tests, 'test')} on ${count(instances, 'instance')}, ${minutes(exitedMs - enteredMs)}`;
}

function approvedIn({ approved = {} }: Document, stage: string): string {
  const given = approvalsIn(approved).find((one) => one.stage === stage);
  return given ? `by ${given.by}: ${given.reason}` : 'not in a prerelease';
}

function comparedIn({ compared: found }: Document): string {
  if (found === undefined || 'Error' in found) return 'could not be compared';
  const { compared, differences, notCompared } = found;
  if (compared === 0) return 'there is only one';
  const same =
    differences === 0 ? `the same in ${count(compared + 1, 'target')}` : count(differences, 'difference');
  return notCompared === 0 ? same : `${same}, without the packages of ${count(notCompared, 'target')}`;
}

function scannedIn({ scanned }: Document): string {
  if (scanned === undefined || scanned.sboms === 0) return 'nobody asks for it';
  const { ignored } = scanned;
  const graded = SEVERITIES.toReversed().map((severity) => `${scanned[severity]} ${severity}`);
  return [...graded, ...(ignored === 0 ? [] : [`${ignored} ignored`])].join(', ');
}

function sourcesOf({ resolved = {} }: Document): string {
  const bakes = Object.values(resolved).flatMap(({ batches }) => batches.flatMap(({ targets }) => targets));
  const ids = [...new Set(bakes.map(({ sourceImageId }) => sourceImageId))];
  return `${several(ids)} in ${count(bakes.length, 'target')}`;
}

function endOf({ image, version, targets }: ToldRelease): string {
  const latest = parameters.latest(image);
  const pointing = targets.filter((target) => latest in target.parameters).length;
  const everywhere =
    targets.length === 1
      ? 'in its target'
      : targets.length === 2
        ? 'in both targets'
        : `in all ${targets.length} targets`;
  if (pointing === 0)
    return `released ${everywhere} as ${parameters.version(image, version)}; ${latest} is left alone`;
  return `released ${everywhere}; ${latest} now points at ${targets.length === 1 ? 'it' : 'them'}`;
}

const several = (names: readonly string[]): string =>
  names.length <= NAMED
    ? names.join(', ')
    : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;
