/** `packleader rehearse`: releases a factory's images into an embedded AWS, by the state machines that would be deployed. */
import { STATE_NAMES, stageIn } from '../../../core/contract/state-names.ts';
import { checkFactory } from '../../../core/configuration/check.ts';
import {
  type Configuration,
  type Overrides,
  loadConfiguration,
} from '../../../core/configuration/configuration.ts';
import type { Factory, FactoryFiles } from '../../../core/configuration/factory.ts';
import { throwIfAny } from '../../../core/configuration/documents/problems.ts';
import { isBranchName } from '../../../core/contract/branch-names.ts';
import { NAMES, bucketName } from '../../../core/contract/names.ts';
import { stateGraphSchema, statesOf } from '../../../sandbox/engine/asl.ts';
import { assumeSources } from '../../../sandbox/rehearsal/assumed-sources.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { seedReleases } from '../../../sandbox/rehearsal/earlier-releases.ts';
import type { ReleaseOutcome } from '../../../core/releases/release-outcome.ts';
import type { ReleaseProgress } from '../../../core/releases/release-progress.ts';
import { type ReleaseBefore, releaseBefore } from '../../../sandbox/rehearsal/release-before.ts';
import { rehearse, type Report } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { type Definition, definitionsOf } from '../../../workflow/definitions.ts';
import { type FailableState, parseFault, parseOverrides, refuse } from '../../input/arguments.ts';
import { type FactoryCheckout, checkOutFactory, configurationFiles } from '../../input/checkout.ts';
import { refuseInvalidTemplates } from '../../checks/validate.ts';
import { pushOccasion } from './changed.ts';
import type { Occasion, Pushed, Scheduled } from './occasion.ts';
import { scheduleOccasion } from './schedule.ts';

export interface RehearseOptions {
  readonly images: readonly string[];
  readonly factory: string;
  readonly ref?: string;
  readonly branch?: string;
  readonly overrides: readonly string[];
  readonly fail: readonly string[];
  /** What a push would release: what changed since a commit, or since the default branch when that is `true`. */
  readonly changed?: string | true;
  /** What the schedules would release: at an ISO time, or as if they were due now when that is `true`. */
  readonly schedule?: string | true;
  readonly startAt?: Date;
  /** Whether Packer, where there is one, looks at the templates first. */
  readonly validate?: boolean;
  readonly onStart?: (rehearsal: Preparation) => void;
  /** What the factory needs and the sandbox does not know. */
  readonly onAssumed?: (assumptions: readonly string[]) => void;
  /** What became of the schedules. */
  readonly onDecided?: (schedule: Scheduled) => void;
  readonly onProgress?: (progress: ReleaseProgress) => void;
}

/** What is about to be rehearsed. */
export interface Preparation {
  readonly factory: Factory;
  readonly checkout: FactoryCheckout;
  /** What nobody asked for, in one line. */
  readonly says: string | undefined;
  /** None, and nothing is rehearsed. */
  readonly images: readonly string[];
  readonly faults: readonly Fault[];
  /** What nobody looked at before, and why. */
  readonly notChecked: readonly string[];
}

export interface Rehearsed {
  readonly outcome: ReleaseOutcome | typeof NOTHING;
  readonly error: Report['error'];
  readonly releases: Report['releases'];
  readonly world: Report['world'];
  /** Undefined when nothing was rehearsed. */
  readonly figures: Report['figures'] | undefined;
  readonly unmetFaults: readonly Fault[];
  readonly changed?: Pushed;
  readonly schedule?: Scheduled;
}

/** Nothing was released, because nothing would have been started. */
export const NOTHING = 'nothing to release';

/**
 * Checks everything first, then rehearses.
 *  @throws InvalidConfiguration when the command line, the configuration or a template is refused; nothing has been done then
 */
export async function runRehearsal(options: RehearseOptions): Promise<Rehearsed> {
  const checkout = checkOutFactory(options.factory, options.ref);
  const files = configurationFiles(checkout.files);
  const overrides = parseOverrides(options.overrides);
  refuseContradictions(options);
  const startAt = options.startAt ?? new Date();
  const occasion = occasionOf(options, checkout, files, { overrides, startAt });
  const { branch, images } = occasion;
  const configuration = loadConfiguration(files);
  const { factory } = configuration;
  const machines = definitionsOf(factory);
  const failable = {
    states: failableStates(machines),
    targets: factory.stages.flatMap((stage) => stage.targets),
    // Of a push or a schedule nobody said which images it releases.
    images: occasion.start ? factory.images.map(({ name }) => name) : images,
  };
  const faults = options.fail.map((text) => parseFault(text, failable));
  const notChecked = await refuseInvalidTemplates(checkout.files, configuration, {
    images,
    ...(overrides && { overrides }),
    usePacker: options.validate === true,
  });
  options.onStart?.({ factory, checkout, says: occasion.says, images, faults, notChecked });
  const { changed, schedule } = occasion;
  if (images.length === 0) {
    if (schedule) options.onDecided?.(schedule());
    const nothing = { error: null, releases: [], world: {}, figures: undefined, unmetFaults: faults };
    return {
      outcome: NOTHING,
      ...nothing,
      ...(changed && { changed }),
      ...(schedule && { schedule: schedule() }),
    };
  }
  const report = await rehearse({
    factory,
    machines,
    bucket: bucketName(factory),
    checkOut: () => ({
      commit: checkout.commit,
      branch,
      files: checkout.files,
      changes: occasion.changes ?? {},
    }),
    request: { images: [...images], branch, ...(overrides && { overrides }) },
    ...(occasion.start && { start: occasion.start }),
    faults,
    prepare: async (sandbox) => {
      seedReleases(sandbox, files, images, overrides);
      const assumptions = await assumeSources(sandbox, configuration, images, overrides);
      if (occasion.afterRelease)
        assumptions.push(
          ...(await assumeRelease(sandbox, { factory, machines, images, until: occasion.afterRelease })),
        );
      if (assumptions.length > 0) options.onAssumed?.(assumptions);
    },
    startAt: occasion.afterRelease ? new Date(occasion.afterRelease.getTime() - WEEK_MS) : startAt,
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  return {
    ...report,
    ...endOf(report, schedule?.()),
    ...(changed && { changed }),
    ...(schedule && { schedule: schedule() }),
  };
}

/** How long before a schedule is due its image was released last. */
const WEEK_MS = 7 * 86_400_000;

async function assumeRelease(sandbox: Sandbox, before: ReleaseBefore): Promise<string[]> {
  const released = await releaseBefore(sandbox, before);
  if (released.length === 0) return [];
  return [`a release of ${released.join(', ')} a week before, and source AMIs that were published since`];
}

/** What started nothing released nothing, and a trigger that failed is no success. */
function endOf(report: Report, schedule: Scheduled | undefined): Pick<Rehearsed, 'outcome' | 'error'> {
  const { outcome, error, releases } = report;
  const failure = schedule?.images.flatMap((one) => ('error' in one ? [one.error] : []))[0];
  if (failure && outcome === 'released') return { outcome: 'rolled back', error: failure };
  return { outcome: outcome === 'released' && releases.length === 0 ? NOTHING : outcome, error };
}

function refuseContradictions({ changed, schedule, branch, images, overrides }: RehearseOptions): void {
  if (branch !== undefined && !isBranchName(branch))
    throw refuse(
      '--branch',
      `found ${JSON.stringify(branch)}, must be the name of a branch, as git takes it`,
    );
  if (changed !== undefined && schedule !== undefined)
    throw refuse('--schedule', 'found --changed too, must be one of them');
  if (changed !== undefined && images.length > 0)
    throw refuse('--changed', `found ${images.join(', ')} too, must be alone: a push names no images`);
  if (schedule !== undefined && branch !== undefined)
    throw refuse('--branch', 'found --schedule too, must be without it: a schedule takes the default branch');
  if ((changed !== undefined || schedule !== undefined) && overrides.length > 0)
    throw refuse(
      '--override',
      'must be without --changed and --schedule: neither a push nor a schedule has any',
    );
}

/** Everything that is wrong with the images it is about has been told then. */
function occasionOf(
  options: RehearseOptions,
  checkout: FactoryCheckout,
  files: FactoryFiles,
  { overrides, startAt }: { readonly overrides: Overrides | undefined; readonly startAt: Date },
): Occasion {
  const { changed, schedule, ref, branch, onDecided } = options;
  const asked = [...new Set(options.images)];
  if (changed === undefined && schedule === undefined) {
    throwIfAny(
      checkFactory(files, { ...(asked.length > 0 && { images: asked }), ...(overrides && { overrides }) }),
    );
    return byHand(loadConfiguration(files), asked, branch);
  }
  const found = { checkout, configuration: loadConfiguration(files) };
  const occasion =
    changed === undefined
      ? scheduleOccasion(found, { at: written(schedule), now: startAt, images: asked, onDecided })
      : pushOccasion(found, { since: written(changed), ref, branch });
  throwIfAny(checkFactory(files, { images: occasion.images }));
  return occasion;
}

/** What stands behind an option; undefined when the option stands alone. */
const written = (value: string | true | undefined): string | undefined =>
  value === true ? undefined : value;

function byHand({ factory }: Configuration, asked: readonly string[], branch?: string): Occasion {
  const images = asked.length > 0 ? asked : factory.images.map(({ name }) => name);
  if (images.length === 0)
    throw refuse('images', 'found no image in the factory, must have at least one directory under images/');
  return { images, branch: branch ?? factory.defaultBranch };
}

/** Tasks, under their own names and under the name of the state they are part of. */
function failableStates(machines: readonly Definition[]): ReadonlyMap<string, FailableState> {
  const failable = new Map<string, FailableState>();
  for (const { name, definition } of machines) {
    if (name === NAMES.bakeBatchMachine) continue;
    for (const { name: state, top, state: asl } of statesOf(stateGraphSchema.parse(definition))) {
      const bakes = stageIn(top, 'bake') !== undefined;
      const waits = asl.Resource?.endsWith('startExecution.sync:2') === true;
      if (bakes || (asl.Type === 'Task' && !waits && !SILENT.includes(state)))
        failable.set(top, { state: top, bakes, ofImage: name === NAMES.releaseImageMachine });
    }
  }
  return failable;
}

/** They call no AWS service, so there is nothing that could fail them. */
const SILENT: readonly string[] = [STATE_NAMES.summariseReleases];
