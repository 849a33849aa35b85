import { deprecationTime } from '../amis/deprecation.ts';
import type { StageApproval } from '../contract/approvals.ts';
import type { Comparison } from '../contract/comparison.ts';
import {
  type Builder,
  RECORD_SCHEMA,
  type Plan,
  type ReleasedRecord,
  type Resolved,
} from '../contract/releases.ts';
import { type Ami, targetName } from '../contract/targets.ts';
import type { SbomPlace } from '../contract/sboms.ts';
import type { Tested } from '../contract/tests.ts';
import type { Scan } from '../contract/vulnerabilities.ts';
import type { Spent } from './spent.ts';

/** What its execution knows of a release besides its plan. */
export interface ExecutionOfRelease {
  readonly resolved?: Resolved | undefined;
  readonly executionArn?: string | undefined;
  readonly startedAt?: string | undefined;
  readonly announcedAt?: string | undefined;
  readonly comparison?: Comparison | undefined;
  readonly sboms?: readonly SbomPlace[] | undefined;
  readonly vulnerabilities?: Scan | undefined;
  readonly tested?: Readonly<Record<string, Tested>> | undefined;
  readonly approvals?: readonly StageApproval[] | undefined;
  readonly spent?: Spent | undefined;
}

/** The record of a release: what its plan and its execution know of it. */
export function releasedRecord(
  { release, stages, ...origin }: Plan,
  images: readonly (Ami & Builder & { readonly stage: string })[],
  {
    resolved = {},
    executionArn,
    startedAt,
    announcedAt,
    comparison,
    sboms = [],
    vulnerabilities,
    tested = {},
    approvals = [],
    spent,
  }: ExecutionOfRelease,
): ReleasedRecord {
  const planned = new Map(
    stages.flatMap(({ targets }) => targets).map((target) => [targetName(target), target]),
  );
  const found = new Map(
    Object.values(resolved)
      .flatMap(({ batches }) => batches)
      .flatMap(({ targets }) => targets)
      .map((bake) => [targetName(bake), bake.sourceImageId]),
  );
  const amis = new Map(
    images.map(({ accountId, region, imageId }) => [
      targetName({ accountId, region }),
      { accountId, region, imageId },
    ]),
  );
  const inStages = Object.entries(tested).filter(([, { instances }]) => instances > 0);
  return {
    schema: RECORD_SCHEMA,
    ...release,
    ...origin,
    ...(executionArn !== undefined && { executionArn }),
    ...(startedAt !== undefined && { startedAt }),
    ...(announcedAt !== undefined && { announcedAt }),
    ...(comparison && { comparison }),
    ...(sboms.length > 0 && { sboms: [...sboms] }),
    ...(vulnerabilities && { vulnerabilities }),
    ...(inStages.length > 0 && { tested: Object.fromEntries(inStages) }),
    ...(approvals.length > 0 && { approvals: [...approvals] }),
    ...spent,
    images: images.map((image) => {
      const target = planned.get(targetName(image));
      const sourceImageId = found.get(targetName(image));
      const original = target?.copy && amis.get(targetName(target.copy.from));
      const days = target?.deprecateAfterDays;
      const base = target && baseOf(target.sourceAmi, resolved[image.stage]?.bases);
      return {
        ...image,
        ...(target && { sourceAmi: target.sourceAmi, architecture: target.architecture }),
        ...(sourceImageId !== undefined && { sourceImageId }),
        ...(original && { copyOf: original }),
        ...(days !== undefined &&
          startedAt !== undefined && { deprecatedAt: deprecationTime(startedAt, days).toISOString() }),
        ...(base !== undefined && { builtOn: base }),
      };
    }),
  };
}

/** The release that a source AMI is of: as the plan pins it, else as it was resolved. */
export function baseOf(
  source: Plan['stages'][number]['targets'][number]['sourceAmi'],
  bases: Readonly<Record<string, string>> = {},
): string | undefined {
  if (!('image' in source)) return undefined;
  const version = source.version ?? bases[source.image];
  return version === undefined ? undefined : `${source.image}@${version}`;
}
