/** What can be seen of the factory's AMIs in one target by their tags: what every decision about their end starts from. */
import { type EC2Client, type Image, paginateDescribeImages } from '@aws-sdk/client-ec2';
import { tagsOf } from '../amis/release-images.ts';
import { isGone } from '../amis/usable.ts';
import { TAGS } from '../contract/tags.ts';
import type { Ami, Target } from '../contract/targets.ts';
import { readReleaseId } from '../releases/release-status.ts';

/** How far an AMI is on its way out. */
export const PHASES = ['deprecated', 'disabled'] as const;
export type Phase = (typeof PHASES)[number];

export interface Retirement {
  readonly phase: Phase;
  /** ISO 8601. */
  readonly since: string;
  /** When the AMI was to be deprecated anyhow, ISO 8601; undefined when never. */
  readonly deprecatedBefore?: string;
}

/** An AMI of the factory; instants are as the tags have them, and need not be any. */
export interface SeenAmi extends Ami {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  /** As EC2 names it: `available`, `disabled`, `pending`. */
  readonly state: string;
  readonly createdAt: string;
  /** The value of `packleader:state`. */
  readonly releaseState?: string;
  readonly autoCleanup: boolean;
  readonly lastUsed?: string;
  readonly lastUsedRuntime?: string;
  /** What EC2 knows of launches, by anybody, a day late. */
  readonly lastLaunched?: string;
  readonly retirement?: Retirement | 'unreadable';
  readonly sourceAmi?: string;
  readonly deprecatedAt?: string;
  readonly isProtected: boolean;
}

/** An AMI as it was seen, with as much of what EC2 says as it takes to look for its users: there may be tens of thousands. */
export interface FoundAmi {
  readonly ami: SeenAmi;
  readonly image: Pick<Image, 'ImageId' | 'OwnerId' | 'State'>;
}

/** As many as EC2 gives in one answer. */
const PAGE = 1_000;

/** Every AMI of the factory in a target, whatever its state; not what is gone already. */
export async function factoryAmis(ec2: EC2Client, target: Target): Promise<FoundAmi[]> {
  const found: FoundAmi[] = [];
  const pages = paginateDescribeImages(
    { client: ec2, pageSize: PAGE },
    {
      Owners: ['self'],
      Filters: [{ Name: 'tag-key', Values: [TAGS.release] }],
      IncludeDeprecated: true,
      IncludeDisabled: true,
    },
  );
  for await (const { Images = [] } of pages) {
    for (const image of Images) {
      const { ImageId = '', OwnerId = '', State = 'pending' } = image;
      if (!isGone(image)) found.push({ ami: seenAmi(image, target), image: { ImageId, OwnerId, State } });
    }
  }
  return found;
}

export function seenAmi(image: Image, { accountId, region }: Target): SeenAmi {
  const tags = tagsOf(image);
  const releaseId = tags.get(TAGS.release) ?? '';
  const told = readReleaseId(releaseId);
  const optional = {
    releaseState: tags.get(TAGS.state),
    lastUsed: tags.get(TAGS.lastUsed),
    lastUsedRuntime: tags.get(TAGS.lastUsedRuntime),
    lastLaunched: image.LastLaunchedTime,
    retirement: readRetirement(tags.get(TAGS.retirement)),
    sourceAmi: tags.get(TAGS.sourceAmi),
    deprecatedAt: image.DeprecationTime,
  };
  return {
    accountId,
    region,
    imageId: image.ImageId ?? '',
    releaseId,
    image: told?.image ?? '',
    version: told?.version ?? '',
    state: image.State ?? '',
    createdAt: image.CreationDate ?? '',
    autoCleanup: tags.get(TAGS.autoCleanup) === 'true',
    isProtected: (image.DeregistrationProtection ?? 'disabled') !== 'disabled',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** Between a phase and the deprecation that the AMI had before. */
const BEFORE = 'was';

/** The value of the tag: `deprecated 2026-11-21T09:30:00.000Z`, and `was 2027-02-01T00:00:00.000Z` where there was another date before. */
export const retirementTag = ({ phase, since, deprecatedBefore }: Retirement): string =>
  [phase, since, ...(deprecatedBefore === undefined ? [] : [BEFORE, deprecatedBefore])].join(' ');

function readRetirement(value: string | undefined): SeenAmi['retirement'] {
  if (value === undefined) return undefined;
  const [is = '', since = '', was = BEFORE, deprecatedBefore = since, ...more] = value.split(' ');
  const phase = PHASES.find((one) => one === is);
  const isReadable =
    was === BEFORE &&
    more.length === 0 &&
    [since, deprecatedBefore].every((at) => !Number.isNaN(Date.parse(at)));
  if (phase === undefined || !isReadable) return 'unreadable';
  return { phase, since, ...(deprecatedBefore !== since && { deprecatedBefore }) };
}
