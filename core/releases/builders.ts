import type { BakedBatches, Builder, Resolved } from '../contract/releases.ts';
import { targetName } from '../contract/targets.ts';

/** What the AMI of each target was baked on, by the target's name; none of a bake whose project did not tell. */
export function buildersOf(
  resolved: Resolved,
  baked: Readonly<Record<string, BakedBatches>>,
): ReadonlyMap<string, Builder> {
  const builders = Object.entries(resolved).flatMap(([stage, { batches }]) =>
    batches.flatMap(({ targets }, batch) =>
      targets.map((target, index) => {
        const [instanceType, spot] = baked[stage]?.[batch]?.bakes?.[index]?.builder?.[0]?.split(' ') ?? [];
        const builder: Builder = { ...(instanceType && { instanceType }), ...(spot && { spot: true }) };
        return [targetName(target), builder] as const;
      }),
    ),
  );
  return new Map(builders);
}
