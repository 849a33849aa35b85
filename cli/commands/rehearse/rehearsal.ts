/** `packleader rehearse`: releases a factory's images into an embedded AWS, by the state machines that would be deployed. */
import { type Overview, releaseOverview } from '../../../client/client.ts';
import { STATE_NAMES, stageIn } from '../../../core/contract/state-names.ts';
import { commitStatusProblem } from '../../../core/configuration/commit-status.ts';
import { DEPLOYMENT_FILE, type DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { InvalidConfiguration } from '../../../core/configuration/documents/problems.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { type Factory, approvalsOf, approversOf } from '../../../core/configuration/factory.ts';
import { NAMES, bucketName } from '../../../core/contract/names.ts';
import { stateGraphSchema, statesOf } from '../../../sandbox/engine/asl.ts';
import { assumeSources } from '../../../sandbox/rehearsal/assumed-sources.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { seedReleases } from '../../../sandbox/rehearsal/earlier-releases.ts';
import type { ReleaseOutcome } from '../../../core/releases/release-outcome.ts';
import type { ReleaseProgress } from '../../../core/releases/release-progress.ts';
import { type ReleaseBefore, releaseBefore } from '../../../sandbox/rehearsal/release-before.ts';
import {
  rehearse,
  type RehearsalOptions,
  type Report,
  type ReportedRelease,
} from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { ONLOOKER } from '../../../sandbox/rehearsal/onlooker.ts';
import { type Definition, definitionsOf } from '../../../workflow/definitions.ts';
import { stagedTargets } from '../../input/factory-targets.ts';
import { type FailableState, parseFault, parseOverrides, refuseUnasked } from '../../input/arguments.ts';
import { deploymentOfProject } from '../../input/project.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { type FactoryCheckout, checkOutFactory } from '../../input/checkout.ts';
import { refuseInvalidTemplates } from '../../checks/validate.ts';
import { chooseOccasion, type OccasionOptions } from './choose-occasion.ts';
import type { Occasion, Pushed, Scheduled } from './occasion.ts';
import { retryingOn } from './retry.ts';
import { type HappenedEvent, type ShownStatus, type Telling, statusesOf, tellingsOf } from './told.ts';

export interface RehearseOptions extends OccasionOptions {
  readonly factory: string;
  readonly overrides: readonly string[];
  readonly fail: readonly string[];
  /** The stages whose approval is refused; every other one is given. */
  readonly reject?: readonly string[];
  /** Retries what came to nothing, once the faults are over. */
  readonly retry?: true;
  readonly startAt?: Date;
  /** Whether Packer, where there is one, looks at the templates first. */
  readonly validate?: boolean;
  readonly onStart?: (rehearsal: Preparation) => void;
  /** What the factory needs and the sandbox does not know. */
  readonly onAssumed?: (assumptions: readonly string[]) => void;
  readonly onProgress?: (progress: ReleaseProgress) => void;
  /** Told what came of every release first, before anything is retried. */
  readonly onRetry?: (first: readonly ReportedRelease[]) => void;
  /** Told all that can be seen of the hub when the rehearsal has ended. */
  readonly onOverview?: (overview: Overview) => void;
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
  /** With `retry`: what came of those first that were retried. */
  readonly retried?: Report['retried'];
  readonly repoints: Report['repoints'];
  readonly world: Report['world'];
  /** Undefined when nothing was rehearsed. */
  readonly figures: Report['figures'] | undefined;
  readonly unmetFaults: readonly Fault[];
  /** What people would be told; missing where nothing was rehearsed. */
  readonly told?: readonly Telling[];
  /** What would be set at the commit; missing as well. */
  readonly statuses?: readonly ShownStatus[];
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
  const startAt = options.startAt ?? new Date();
  const occasion = chooseOccasion(options, { checkout, files, overrides, startAt });
  const { branch, images } = occasion;
  const configuration = loadConfiguration(files);
  const { factory } = configuration;
  const settings = deploymentOfProject(checkout.directory);
  refuseUnshownStatuses(settings, factory);
  const machines = definitionsOf(factory, settings);
  const failable = {
    states: failableStates(machines),
    targets: factory.stages.flatMap((stage) => stage.targets),
    // Of a push or a schedule nobody said which images it releases.
    images: occasion.start ? factory.images.map(({ name }) => name) : images,
  };
  const faults = options.fail.map((text) => parseFault(text, failable));
  const rejects = options.reject ?? [];
  refuseUnasked(rejects, Object.keys(approvalsOf(factory)));
  const notChecked = await refuseInvalidTemplates(checkout.files, configuration, {
    images,
    ...(overrides && { overrides }),
    usePacker: options.validate === true,
  });
  options.onStart?.({ factory, checkout, says: occasion.says, images, faults, notChecked });
  if (images.length === 0) {
    const { schedule } = whyOf(occasion);
    if (schedule) options.onDecided?.(schedule);
    const nothing = {
      error: null,
      releases: [],
      repoints: [],
      world: {},
      figures: undefined,
      unmetFaults: faults,
    };
    return { outcome: NOTHING, ...nothing, ...whyOf(occasion) };
  }
  let happened = (): readonly HappenedEvent[] => [];
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
    rejects,
    ...(options.retry && { retrying: retryingOn(factory.hub, options.onRetry) }),
    ...(options.afterwards && { afterwards: options.afterwards }),
    prepare: async (sandbox) => {
      await seedReleases(sandbox, checkout.files, images, overrides);
      const assumptions = [
        ...(occasion.assumed ?? []),
        ...(await assumeSources(sandbox, checkout.files, configuration, images, overrides)),
      ];
      if (occasion.afterRelease)
        assumptions.push(
          ...(await assumeRelease(sandbox, { factory, machines, images, until: occasion.afterRelease })),
        );
      if (assumptions.length > 0) options.onAssumed?.(assumptions);
      const { events } = sandbox.world;
      const before = events.length;
      happened = () => events.slice(before);
    },
    startAt: occasion.afterRelease ? new Date(occasion.afterRelease.getTime() - WEEK_MS) : startAt,
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.onOverview && { atEnd: overviewFor(factory, options.onOverview) }),
  });
  const why = whyOf(occasion);
  const { executions, ...ended } = report;
  const told = tellingsOf({ events: happened(), executions }, settings, approversOf(factory));
  const statuses = statusesOf(executions, settings);
  return { ...ended, ...endOf(report, why.schedule), told, statuses, ...why };
}

/** As the deployment would. */
function refuseUnshownStatuses({ commitStatus }: DeploymentSettings, factory: Factory): void {
  const problem = commitStatus && commitStatusProblem(commitStatus, factory);
  if (!problem) return;
  const path = ['commitStatus', ...problem.path].join('.');
  throw new InvalidConfiguration([{ file: DEPLOYMENT_FILE, line: 0, path, message: problem.message }]);
}

/** Looks at a rehearsed hub just as `packleader page` looks at a real one. */
const overviewFor =
  (factory: Factory, tell: (overview: Overview) => void): NonNullable<RehearsalOptions['atEnd']> =>
  async (hub, client, now) => {
    const targets = stagedTargets(factory);
    tell(await releaseOverview({ hub, client, targets, role: ONLOOKER, now }));
  };

/** What is known by now. */
const whyOf = ({ changed, schedule }: Occasion): Pick<Rehearsed, 'changed' | 'schedule'> => ({
  ...(changed && { changed }),
  ...(schedule && { schedule: schedule() }),
});

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

/** Tasks, under their own names and under the name of the state they are part of. */
function failableStates(machines: readonly Definition[]): ReadonlyMap<string, FailableState> {
  const failable = new Map<string, FailableState>();
  for (const { name, definition } of machines) {
    if (name === NAMES.bakeBatchMachine) continue;
    const states = statesOf(stateGraphSchema.parse(definition));
    for (const { name: state, top, state: asl } of states) {
      const bakes = stageIn(top, 'bake') !== undefined;
      const waits = asl.Resource?.endsWith('startExecution.sync:2') === true;
      if (bakes || (asl.Type === 'Task' && !waits && !SILENT.includes(state)))
        failable.set(top, {
          state: top,
          bakes,
          tests: stageIn(top, 'test') !== undefined,
          // What a command of one's own finds is not asked for in this state.
          scans:
            top === STATE_NAMES.scanAmis &&
            !states.some(({ name: other }) => other === STATE_NAMES.runScanner),
          builds: bakes || asl.Resource?.includes(':codebuild:') === true,
          ofImage: name === NAMES.releaseImageMachine,
        });
    }
  }
  return failable;
}

/** They call no AWS service, so there is nothing that could fail them. */
const SILENT: readonly string[] = [STATE_NAMES.summariseReleases];
