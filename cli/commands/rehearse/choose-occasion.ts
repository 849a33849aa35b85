/** Which occasion a command line means. */
import { checkFactory } from '../../../core/configuration/check.ts';
import {
  type Configuration,
  type Overrides,
  loadConfiguration,
} from '../../../core/configuration/configuration.ts';
import { throwIfAny } from '../../../core/configuration/documents/problems.ts';
import type { FactoryFiles } from '../../../core/configuration/factory.ts';
import { isBranchName } from '../../../core/contract/branch-names.ts';
import { refuse } from '../../input/arguments.ts';
import type { FactoryCheckout } from '../../input/checkout.ts';
import { pushOccasion } from './changed.ts';
import type { Then } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Occasion, Scheduled } from './occasion.ts';
import { scheduleOccasion } from './schedule.ts';

/** What the command line says of it. */
export interface OccasionOptions {
  readonly images: readonly string[];
  readonly ref?: string;
  readonly branch?: string;
  /** What a push would release: what changed since a commit, or since the default branch when that is `true`. */
  readonly changed?: string | true;
  /** What the schedules would release: at an ISO time, or as if they were due now when that is `true`. */
  readonly schedule?: string | true;
  /** What is done with each released image afterwards. */
  readonly afterwards?: Then;
  /** What became of the schedules. */
  readonly onDecided?: (schedule: Scheduled) => void;
}

interface Circumstances {
  readonly checkout: FactoryCheckout;
  readonly files: FactoryFiles;
  readonly overrides: Overrides | undefined;
  readonly startAt: Date;
}

/** @throws InvalidConfiguration with everything that is wrong with the images that it is about */
export function chooseOccasion(
  options: OccasionOptions,
  { checkout, files, overrides, startAt }: Circumstances,
): Occasion {
  refuseContradictions(options, overrides);
  const { changed, schedule, ref, branch, onDecided } = options;
  const asked = [...new Set(options.images)];
  if (changed === undefined && schedule === undefined) {
    throwIfAny(
      checkFactory(files, { ...(asked.length > 0 && { images: asked }), ...(overrides && { overrides }) }),
    );
    const occasion = byHand(loadConfiguration(files), asked, branch);
    // What is gone back from must not be the first version that there is.
    return options.afterwards ? { ...occasion, afterRelease: startAt } : occasion;
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

function refuseContradictions(
  { changed, schedule, branch, images, afterwards }: OccasionOptions,
  overrides: Overrides | undefined,
): void {
  if (branch !== undefined && !isBranchName(branch))
    throw refuse(
      '--branch',
      `found ${JSON.stringify(branch)}, must be the name of a branch, as git takes it`,
    );
  if (afterwards !== undefined && (changed !== undefined || schedule !== undefined || branch !== undefined))
    throw refuse(
      '--then',
      'must be without --changed, --schedule and --branch: it goes back from what was released by hand, from the default branch',
    );
  if (changed !== undefined && schedule !== undefined)
    throw refuse('--schedule', 'found --changed too, must be one of them');
  if (changed !== undefined && images.length > 0)
    throw refuse('--changed', `found ${images.join(', ')} too, must be alone: a push names no images`);
  if (schedule !== undefined && branch !== undefined)
    throw refuse('--branch', 'found --schedule too, must be without it: a schedule takes the default branch');
  if ((changed !== undefined || schedule !== undefined) && overrides !== undefined)
    throw refuse(
      '--override',
      'must be without --changed and --schedule: neither a push nor a schedule has any',
    );
}
