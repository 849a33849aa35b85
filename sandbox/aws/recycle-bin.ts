/** The Recycle Bin of an account and region: its rules keep what is deregistered and deleted, for a time. */
import type { Context } from './context.ts';
import { awsError } from './errors.ts';
import type { Image, Region, Snapshot, Tags } from './world.ts';

const DAY_MS = 86_400_000;

export interface BinRule {
  readonly Identifier: string;
  readonly ResourceType: 'EC2_IMAGE' | 'EBS_SNAPSHOT';
  readonly Status: 'pending' | 'available';
  readonly RetentionPeriod: { readonly RetentionPeriodValue: number; readonly RetentionPeriodUnit: 'DAYS' };
  readonly ResourceTags?: readonly { readonly ResourceTagKey: string; readonly ResourceTagValue?: string }[];
  readonly ExcludeResourceTags?: readonly {
    readonly ResourceTagKey: string;
    readonly ResourceTagValue?: string;
  }[];
}

/** Something that lies in the bin. */
export interface Binned<T> {
  readonly thing: T;
  readonly enteredAt: number;
  readonly leavesAt: number;
}

export interface Bin {
  readonly rules: BinRule[];
  readonly images: Map<string, Binned<Image>>;
  readonly snapshots: Map<string, Binned<Snapshot>>;
}

export const emptyBin = (): Bin => ({ rules: [], images: new Map(), snapshots: new Map() });

/** Puts what goes into the bin, if a rule keeps it; of several the longest period counts. */
export function keepImage({ bin }: Region, image: Image, now: number): void {
  keep(bin.images, image.imageId, image, daysKept(bin, 'EC2_IMAGE', image.tags), now);
}

export function keepSnapshot({ bin }: Region, snapshot: Snapshot, now: number): void {
  keep(bin.snapshots, snapshot.snapshotId, snapshot, daysKept(bin, 'EBS_SNAPSHOT', snapshot.tags), now);
}

function keep<T>(things: Map<string, Binned<T>>, id: string, thing: T, days: number, now: number): void {
  if (days > 0) things.set(id, { thing, enteredAt: now, leavesAt: now + days * DAY_MS });
}

function daysKept({ rules }: Bin, kind: BinRule['ResourceType'], tags: Tags): number {
  const isTagged = (asked: BinRule['ResourceTags']): boolean =>
    (asked ?? []).some(
      ({ ResourceTagKey, ResourceTagValue = '' }) => tags.get(ResourceTagKey) === ResourceTagValue,
    );
  return Math.max(
    0,
    ...rules
      .filter(({ ResourceType, Status }) => ResourceType === kind && Status === 'available')
      .filter(({ ResourceTags }) => (ResourceTags ?? []).length === 0 || isTagged(ResourceTags))
      .filter(({ ExcludeResourceTags }) => !isTagged(ExcludeResourceTags))
      .map(({ RetentionPeriod }) => RetentionPeriod.RetentionPeriodValue),
  );
}

/** What lies there now, by id: what has left it is gone for good. */
export function lying<T>(things: ReadonlyMap<string, Binned<T>>, now: number): Map<string, Binned<T>> {
  return new Map([...things].filter(([, { leavesAt }]) => now < leavesAt));
}

function listRules({ place }: Context, { ResourceType }: { readonly ResourceType?: string }): object {
  if (ResourceType !== 'EC2_IMAGE' && ResourceType !== 'EBS_SNAPSHOT')
    throw awsError('rbin', 'ValidationException', `ResourceType ${String(ResourceType)} is not valid.`);
  const own = place.bin.rules.filter((rule) => rule.ResourceType === ResourceType);
  return { Rules: own.map(({ Identifier, RetentionPeriod }) => ({ Identifier, RetentionPeriod })) };
}

function getRule({ place }: Context, { Identifier }: { readonly Identifier?: string }): object {
  const found = place.bin.rules.find((rule) => rule.Identifier === Identifier);
  if (found === undefined)
    throw awsError('rbin', 'ResourceNotFoundException', `Rule ${String(Identifier)} does not exist.`, 404);
  return { ...found };
}

export const recycleBin = { GetRule: getRule, ListRules: listRules };
