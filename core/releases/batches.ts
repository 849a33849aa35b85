import { BAKES_PER_BATCH } from '../contract/limits.ts';
import { NAMES } from '../contract/names.ts';
import type { Plan } from '../contract/releases.ts';
import { executionArn } from './execution-name.ts';

/** Cuts the bakes of a stage into batches of at most 40, which are numbered from 1. */
export function inBatches<Target>(targets: readonly Target[]): { number: number; targets: Target[] }[] {
  return Array.from({ length: Math.ceil(targets.length / BAKES_PER_BATCH) }, (_, index) => ({
    number: index + 1,
    targets: targets.slice(index * BAKES_PER_BATCH, (index + 1) * BAKES_PER_BATCH),
  }));
}

/**
 * The name of the execution of `packleader-bake-batch` that bakes one batch. It follows from the release's, so that a sweep finds
 * also one whose start nobody heard of; for the state that starts it, the parts are placeholders.
 */
export function batchExecutionName(executionName: string, stage: string, number: number | '{}'): string {
  return `${executionName}-${stage}-${number}`;
}

/** The ARNs of all executions that bake for the execution of a release, by its name. */
export function batchesOf(anotherArn: string, name: string, { stages }: Plan): string[] {
  return stages.flatMap(({ name: stage, targets }) =>
    inBatches(targets.filter(({ copy }) => copy === undefined)).map(({ number }) =>
      executionArn(anotherArn, NAMES.bakeBatchMachine, batchExecutionName(name, stage, number)),
    ),
  );
}
