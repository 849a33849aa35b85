/** Follows a release through the executions it consists of. */
import { STATE_NAMES } from '../core/contract/state-names.ts';
import type { SFNClient } from '@aws-sdk/client-sfn';
import pMap from 'p-map';
import * as z from 'zod';
import { ERRORS } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import {
  type PlannedRelease,
  clearedSchema,
  plannedReleaseSchema,
  resolvedSchema,
} from '../core/contract/releases.ts';
import { amiSchema, targetName } from '../core/contract/targets.ts';
import { messageIn, leftoversIn, outcomeAt, sourcesIn } from '../core/releases/release-outcome.ts';
import { ReleaseNotFound } from './errors.ts';
import { ExecutionHistory, type Step } from './history.ts';
import { type ReleaseExecution, executionArn } from './hub.ts';
import type { ImageRelease, Outcome, ReleaseError, ReleaseResult, ReleaseTarget } from './result.ts';
import { waitingFor } from './waiting.ts';
import type { ReleaseProgress } from '../core/releases/release-progress.ts';

/** Images whose executions are read at the same time. */
const READS = 5;

/** What a tier of `Plan releases` holds. */
const plannedSchema = z.looseObject({
  plan: z.looseObject({ tiers: z.array(z.array(plannedReleaseSchema)) }),
});

/** Errors of `packleader-release` that mean: the request or the configuration was wrong. */
const REFUSALS: readonly string[] = [ERRORS.invalidRequest, ERRORS.invalidConfiguration];

export class ReleaseFollower {
  readonly #execution: ReleaseExecution;
  readonly #client: SFNClient;
  readonly #root: ExecutionHistory;
  readonly #images = new Map<string, ExecutionHistory>();
  /** What has been read, but not yet returned. */
  readonly #untold: ReleaseProgress[] = [];

  constructor(execution: ReleaseExecution, client: SFNClient) {
    this.#execution = execution;
    this.#client = client;
    this.#root = new ExecutionHistory(execution.arn);
    if (execution.machine === NAMES.releaseImageMachine) this.#images.set(execution.arn, this.#root);
  }

  get ended(): boolean {
    return this.#root.ending !== undefined && [...this.#images.values()].every(({ ending }) => ending);
  }

  /**
   * Looks at what has happened since the last look. Safe to call again after an error.
   *  @throws ReleaseNotFound, AccessDenied, NoCredentials, Throttled, HubUnreachable
   */
  async look(signal?: AbortSignal): Promise<ReleaseProgress[]> {
    this.#untold.push(...this.#tell(this.#root, await this.#root.read(this.#client, signal)));
    for (const arn of this.#started()) {
      if (!this.#images.has(arn)) this.#images.set(arn, new ExecutionHistory(arn));
    }
    const others = [...this.#images.values()].filter((history) => history !== this.#root);
    // One that cannot be read must not lose what the others had to tell: it is told after the next look.
    const failures = await pMap(others, async (history) => this.#lookAt(history, signal), {
      concurrency: READS,
    });
    const [failure] = failures.flat();
    if (failure) throw failure.error;
    return this.#untold.splice(0).toSorted((one, other) => one.elapsedMs - other.elapsedMs);
  }

  result(): ReleaseResult {
    const { ending, startedAt } = this.#root;
    const releases = this.#planned().map((planned) => this.#imageRelease(planned));
    const own = ending?.error ? { ...ending.error, cause: messageIn(ending.error) } : null;
    return {
      executionArn: this.#execution.arn,
      name: this.#execution.name,
      startedAt: (startedAt ?? new Date(0)).toISOString(),
      stoppedAt: ending?.at.toISOString() ?? null,
      outcome: this.#outcome(releases),
      error: releases.some(({ error }) => error) ? null : own,
      releases,
    };
  }

  /** Once the whole has ended, also those whose start nobody was told of: a reply may have been lost. */
  #started(): string[] {
    if (this.#root.ending && this.#execution.machine === NAMES.releaseMachine)
      return this.#planned().map((planned) => this.#arnOf(planned));
    return [...this.#root.children].filter((arn) => arn.includes(`:execution:${NAMES.releaseImageMachine}:`));
  }

  /** What went wrong, if anything did; an image that the whole never came to has no execution. */
  async #lookAt(history: ExecutionHistory, signal?: AbortSignal): Promise<{ readonly error: unknown }[]> {
    try {
      const steps = await history.read(this.#client, signal);
      this.#untold.push(...this.#tell(history, steps));
      return [];
    } catch (error) {
      if (!(error instanceof ReleaseNotFound) || history.known) return [{ error }];
      this.#images.delete(history.arn);
      return [];
    }
  }

  #tell(history: ExecutionHistory, steps: readonly Step[]): ReleaseProgress[] {
    const start = this.#root.startedAt?.getTime() ?? 0;
    const planned = plannedReleaseSchema.safeParse(history.input);
    const of = planned.success
      ? { machine: NAMES.releaseImageMachine, releaseId: planned.data.release.releaseId }
      : { machine: NAMES.releaseMachine };
    return steps.map(({ at, ...step }) => ({ ...of, ...step, elapsedMs: at.getTime() - start }));
  }

  #planned(): PlannedRelease[] {
    if (this.#execution.machine === NAMES.releaseImageMachine) {
      const planned = plannedReleaseSchema.safeParse(this.#root.input);
      return planned.success ? [planned.data] : [];
    }
    const planned = plannedSchema.safeParse(this.#root.outputs.get(STATE_NAMES.planReleases));
    return planned.success ? planned.data.plan.tiers.flat() : [];
  }

  #arnOf({ executionName: name }: PlannedRelease): string {
    return executionArn(this.#execution.hub, NAMES.releaseImageMachine, name);
  }

  #imageRelease(planned: PlannedRelease): ImageRelease {
    const { releaseId, image, version, commit, prerelease } = planned.release;
    const arn = this.#arnOf(planned);
    const history = this.#images.get(arn);
    const outcome = this.#imageOutcome(history);
    const leftovers = leftoversIn(history?.outputs.get(STATE_NAMES.verifyRollback));
    const kept = (imageId: string) =>
      outcome === 'released' || outcome === 'running' || outcome === 'stopped'
        ? true
        : leftovers.some(({ resourceId }) => resourceId === imageId);
    return {
      releaseId,
      image,
      version,
      commit,
      prerelease,
      outcome,
      ...(outcome === 'running' && history && awaitedRetry(history)),
      ...(history?.asked && outcome === 'running' && { waiting: waitingFor(history.asked) }),
      error: this.#imageError(history, outcome),
      executionArn: history ? arn : null,
      path: history?.path ?? [],
      targets: history ? targetsOf(history, kept) : [],
      leftovers,
    };
  }

  #imageOutcome(history: ExecutionHistory | undefined): Outcome {
    if (!history) {
      // It never began: nothing was built, so there is nothing to undo.
      const status = this.#root.ending?.status;
      return status === undefined ? 'running' : status === 'stopped' ? 'stopped' : 'rolled back';
    }
    if (!history.ending) return 'running';
    const { status } = history.ending;
    if (status === 'stopped') return 'stopped';
    const outcome = status === 'succeeded' ? 'released' : outcomeAt(history.path.at(-1) ?? '');
    // It goes on, in the execution of its retry.
    return outcome === 'handed over' ? 'running' : outcome;
  }

  #imageError(history: ExecutionHistory | undefined, outcome: Outcome): ReleaseError | null {
    const error = history?.ending?.error;
    if (error) return { name: error.name, cause: messageIn(error) };
    if (history || outcome === 'running') return null;
    return { name: 'NotStarted', cause: 'The workflow ended before this image was begun.' };
  }

  #outcome(releases: readonly ImageRelease[]): Outcome {
    const { ending } = this.#root;
    if (!ending) return 'running';
    const outcomes = new Set(releases.map(({ outcome }) => outcome));
    const worst = (['rollback incomplete', 'running', 'stopped', 'rolled back'] as const).find((outcome) =>
      outcomes.has(outcome),
    );
    if (ending.status === 'stopped' && worst !== 'rollback incomplete') return 'stopped';
    if (worst) return worst;
    if (ending.status === 'succeeded' || releases.length > 0) return 'released';
    return REFUSALS.includes(ending.error?.name ?? '') ? 'refused' : 'rolled back';
  }
}

function awaitedRetry({
  path,
  enteredAt,
  ending,
  outputs,
}: ExecutionHistory): Pick<ImageRelease, 'awaitsRetry'> {
  if (path.at(-1) !== STATE_NAMES.awaitRetry || ending || enteredAt === undefined) return {};
  const document = z.looseObject({ cleared: clearedSchema }).parse(outputs.get(STATE_NAMES.clearFailedStage));
  return { awaitsRetry: { ...document.cleared, since: enteredAt.toISOString() } };
}

const bakedSchema = z.looseObject({ amis: z.record(z.string(), z.array(amiSchema)) });

/** Where the release goes, and what is there, as far as the transaction has told. */
function targetsOf({ outputs }: ExecutionHistory, kept: (imageId: string) => boolean): ReleaseTarget[] {
  const document = outputs.get(STATE_NAMES.resolveSourceAmis);
  const resolved = z.looseObject({ resolved: resolvedSchema }).safeParse(document);
  if (!resolved.success) return [];
  const sources = sourcesIn(document);
  const amis = new Map<string, string>();
  for (const output of outputs.values()) {
    const baked = bakedSchema.safeParse(output);
    if (!baked.success) continue;
    for (const ami of Object.values(baked.data.amis).flat()) amis.set(targetName(ami), ami.imageId);
  }
  return Object.entries(resolved.data.resolved).flatMap(([stage, { batches }]) =>
    batches.flatMap(({ targets }) =>
      targets.map(({ accountId, region }) => {
        const name = targetName({ accountId, region });
        const imageId = amis.get(name);
        const sourceImageId = sources.get(name) ?? '';
        return {
          stage,
          accountId,
          region,
          imageId: imageId !== undefined && kept(imageId) ? imageId : null,
          sourceImageId,
        };
      }),
    ),
  );
}
