import * as z from 'zod';

export const accountIdSchema = z.string().regex(/^\d{12}$/, 'an AWS account id has 12 digits');
export const regionSchema = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like eu-west-1');

/** One account and one region. */
export const targetSchema = z.object({ accountId: accountIdSchema, region: regionSchema });
export type Target = z.infer<typeof targetSchema>;
/** The targets of the deployed factory, accounts by region: a thousand of them are 15 KB like this, and 50 KB as a list. */
export const deployedSchema = z.record(regionSchema, z.array(accountIdSchema));
type Deployed = z.infer<typeof deployedSchema>;

export const targetsOf = (deployed: Deployed): Target[] =>
  Object.entries(deployed).flatMap(([region, accounts]) =>
    accounts.map((accountId) => ({ accountId, region })),
  );

export function byRegion(targets: readonly Target[]): Deployed {
  const regions = [...Map.groupBy(targets, ({ region }) => region)];
  return Object.fromEntries(
    regions.map(([region, list]) => [region, [...new Set(list.map(({ accountId }) => accountId))]]),
  );
}

export const targetName = ({ accountId, region }: Target) => `${accountId}/${region}`;

/** Whatever is in targets, each target with all of its own. */
export const groupedByTarget = <T extends Target>(things: readonly T[]): (Target & { readonly all: T[] })[] =>
  [...Map.groupBy(things, targetName).values()].flatMap((all) =>
    all[0] ? [{ accountId: all[0].accountId, region: all[0].region, all }] : [],
  );

/** An AMI of a release in one target. */
export const amiSchema = targetSchema.extend({ imageId: z.string() });
export type Ami = z.infer<typeof amiSchema>;

/** One entry for all targets, by name, of which the same is to be said. */
export function inGroups<T extends object>(
  entries: readonly (readonly [target: string, values: T])[],
): (T & { targets: string[] })[] {
  const groups = new Map<string, T & { targets: string[] }>();
  for (const [target, values] of entries) {
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { ...values, targets: [] };
    groups.set(key, group);
    group.targets.push(target);
  }
  return [...groups.values()];
}
