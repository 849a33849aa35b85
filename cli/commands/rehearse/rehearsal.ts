/** `packleader rehearse`: releases a factory's images into an embedded AWS, by the state machines that would be deployed. */
import { STATE_NAMES, stageIn } from '../../../core/contract/state-names.ts';
import { checkFactory } from '../../../core/configuration/check.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import type { Factory } from '../../../core/configuration/factory.ts';
import { throwIfAny } from '../../../core/configuration/documents/problems.ts';
import { isBranchName } from '../../../core/contract/branch-names.ts';
import { NAMES, bucketName } from '../../../core/contract/names.ts';
import { stateGraphSchema, statesOf } from '../../../sandbox/engine/asl.ts';
import { assumeSources } from '../../../sandbox/rehearsal/assumed-sources.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { seedReleases } from '../../../sandbox/rehearsal/earlier-releases.ts';
import type { ReleaseProgress } from '../../../core/releases/release-progress.ts';
import { rehearse, type Report } from '../../../sandbox/rehearsal/rehearsal.ts';
import { type Definition, definitionsOf } from '../../../workflow/definitions.ts';
import { type FailableState, parseFault, parseOverrides, refuse } from '../../input/arguments.ts';
import { type FactoryCheckout, checkOutFactory, configurationFiles } from '../../input/checkout.ts';
import { refuseInvalidTemplates } from '../../checks/validate.ts';

export interface RehearseOptions {
  readonly images: readonly string[];
  readonly factory: string;
  readonly ref?: string;
  readonly branch?: string;
  readonly overrides: readonly string[];
  readonly fail: readonly string[];
  readonly startAt?: Date;
  /** Whether Packer, where there is one, looks at the templates first. */
  readonly validate?: boolean;
  readonly onStart?: (rehearsal: Preparation) => void;
  /** What the factory needs and the sandbox does not know. */
  readonly onAssumed?: (assumptions: readonly string[]) => void;
  readonly onProgress?: (progress: ReleaseProgress) => void;
}

/** What is about to be rehearsed. */
export interface Preparation {
  readonly factory: Factory;
  readonly checkout: FactoryCheckout;
  readonly images: readonly string[];
  readonly faults: readonly Fault[];
  /** What nobody looked at before, and why. */
  readonly notChecked: readonly string[];
}

/**
 * Checks everything first, then rehearses.
 *  @throws InvalidConfiguration when the command line, the configuration or a template is refused; nothing has been done then
 */
export async function runRehearsal(options: RehearseOptions): Promise<Report> {
  const checkout = checkOutFactory(options.factory, options.ref);
  const files = configurationFiles(checkout.files);
  const overrides = parseOverrides(options.overrides);
  if (options.branch !== undefined && !isBranchName(options.branch))
    throw refuse(
      '--branch',
      `found ${JSON.stringify(options.branch)}, must be the name of a branch, as git takes it`,
    );
  const chosen = options.images.length > 0 ? { images: [...new Set(options.images)] } : {};
  throwIfAny(checkFactory(files, { ...chosen, ...(overrides && { overrides }) }));
  const configuration = loadConfiguration(files);
  const { factory } = configuration;
  const images = chosen.images ?? factory.images.map(({ name }) => name);
  if (images.length === 0)
    throw refuse('images', 'found no image in the factory, must have at least one directory under images/');
  const machines = definitionsOf(factory);
  const failable = {
    states: failableStates(machines),
    targets: factory.stages.flatMap((stage) => stage.targets),
    images,
  };
  const faults = options.fail.map((text) => parseFault(text, failable));
  const notChecked = await refuseInvalidTemplates(checkout.files, configuration, {
    images,
    ...(overrides && { overrides }),
    usePacker: options.validate === true,
  });
  options.onStart?.({ factory, checkout, images, faults, notChecked });
  const branch = options.branch ?? factory.defaultBranch;
  return rehearse({
    factory,
    machines,
    bucket: bucketName(factory),
    checkOut: () => ({ commit: checkout.commit, branch, files: checkout.files, changes: {} }),
    request: { images: [...images], branch, ...(overrides && { overrides }) },
    faults,
    prepare: async (sandbox) => {
      seedReleases(sandbox, files, images, overrides);
      const assumptions = await assumeSources(sandbox, loadConfiguration(files), images, overrides);
      if (assumptions.length > 0) options.onAssumed?.(assumptions);
    },
    ...(options.startAt && { startAt: options.startAt }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
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
