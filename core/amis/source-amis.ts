import { type EC2Client, type Image, paginateDescribeImages } from '@aws-sdk/client-ec2';
import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { clientsFor, type TargetClients } from '../aws/clients.ts';
import { hasCode } from '../aws/errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parameters } from '../contract/names.ts';
import type { SourceAmi, SourcedTarget } from '../contract/source-amis.ts';
import { type Target, targetName } from '../contract/targets.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { publishedVersions, versionsByAge } from '../publication/publication.ts';
import { whyUnlike } from './asked-of-amis.ts';
import { NO_SUCH_AMI, describeAmi, whyDeprecated, whyUnusable } from './usable.ts';

/** Who looks in a target. */
export type Looking = (target: Target) => Pick<TargetClients, 'ec2' | 'ssm'>;

export interface Search {
  /** The steward, unless somebody else asks. */
  readonly clients?: Looking;
  /** By target, `<account>/<region>`: an AMI that was found before, and is only looked at. */
  readonly pins?: ReadonlyMap<string, string>;
}

/**
 * The AMI that the bake of an image would start from now in every target, or is pinned to; only reads.
 *  @throws PackleaderError SourceAmiNotFound, SourceAmiRefused, SourceAmisDiffer, BaseImageNotReleased
 */
export async function resolveSources<T extends SourcedTarget>(
  targets: readonly T[],
  startedAt: string,
  forImage: string,
  { clients = clientsFor, pins = new Map() }: Search = {},
): Promise<ReadonlyMap<T, Image>> {
  const free = targets.filter((target) => !pins.has(targetName(target)));
  const baseVersions = await chooseBaseVersions(free, startedAt, clients);
  const sources = new Map<T, Image>();
  await inEveryTarget(targets, async (target) => {
    const pin = pins.get(targetName(target));
    const image =
      pin === undefined
        ? await findSource(target, baseVersions, startedAt, clients)
        : await describe(clients(target).ec2, pin, 'the first attempt');
    refuse(image, target, startedAt, forImage);
    sources.set(target, image);
  });
  refuseDifferences(sources);
  return sources;
}

/**
 * One version per base image for all targets: the one the plan names, else the newest that every target has and can use. Two
 * targets never start from two versions of the same base.
 */
async function chooseBaseVersions(
  targets: readonly SourcedTarget[],
  startedAt: string,
  clients: Looking,
): Promise<ReadonlyMap<string, string>> {
  const users = Map.groupBy(
    targets.filter(({ sourceAmi }) => 'image' in sourceAmi && sourceAmi.version === undefined),
    ({ sourceAmi }) => ('image' in sourceAmi ? sourceAmi.image : ''),
  );
  const chosen = new Map<string, string>();
  for (const [base, usersOfBase] of users) {
    chosen.set(base, await newestBaseVersion(base, usersOfBase, startedAt, clients));
  }
  return chosen;
}

/** The newest version that every target has, and that no target's AMI keeps from being built on. */
async function newestBaseVersion(
  base: string,
  targets: readonly SourcedTarget[],
  startedAt: string,
  clients: Looking,
): Promise<string> {
  const published = new Map<Target, ReadonlyMap<string, string>>();
  await inEveryTarget(targets, async (target) => {
    published.set(target, await publishedVersions(clients(target).ssm, base));
  });
  const common = [...published.values()]
    .map((versions) => new Set(versions.keys()))
    .reduce((left, right) => left.intersection(right));
  let passedBy = '';
  for (const version of versionsByAge([...common])) {
    const why = await inEveryTarget(targets, async (target) => {
      const imageId = published.get(target)?.get(version) ?? '';
      const image = await describeAmi(clients(target).ec2, imageId);
      const fault =
        image === undefined ? 'it does not exist' : whyPassedBy(image, target.sourceAmi, startedAt);
      return fault && `${targetName(target)} ${imageId}: ${fault}`;
    });
    const found = why.find((fault) => fault !== undefined);
    if (found === undefined) return version;
    passedBy ||= ` The newest, ${version}, cannot be used (${found}), and no older one can.`;
  }
  const names = targets.map(targetName).join(', ');
  const what = passedBy === '' ? 'is released' : 'can be used';
  throw new PackleaderError(
    ERRORS.baseImageNotReleased,
    `No version of ${base} ${what} in all of ${names}; release ${base} first.${passedBy}`,
  );
}

/** Why an AMI is no source; one that is deprecated may be, where that is allowed. */
function whyPassedBy(image: Image, { allowDeprecated }: SourceAmi, startedAt: string): string | undefined {
  const unusable = whyUnusable(image);
  if (unusable !== undefined || allowDeprecated === true) return unusable;
  const deprecated = whyDeprecated(image, startedAt);
  return deprecated && `${deprecated}; source.allowDeprecated would let it pass`;
}

async function findSource(
  target: SourcedTarget,
  baseVersions: ReadonlyMap<string, string>,
  startedAt: string,
  clients: Looking,
): Promise<Image> {
  const { sourceAmi: source } = target;
  const { ec2, ssm } = clients(target);
  if ('filter' in source) return newestMatch(ec2, source, target.architecture, startedAt);
  if ('ids' in source) {
    const imageId = source.ids[target.region];
    if (imageId !== undefined) return describe(ec2, imageId, 'source.ids');
    throw new PackleaderError(
      ERRORS.sourceAmiNotFound,
      `source.ids has no AMI for ${target.region}; it has ${Object.keys(source.ids).join(', ')}.`,
    );
  }
  if ('ssmParameter' in source) {
    return describe(ec2, await valueOf(ssm, source.ssmParameter), source.ssmParameter);
  }
  const version = source.version ?? baseVersions.get(source.image) ?? '';
  const name = parameters.version(source.image, version);
  const imageId = await valueOf(ssm, name).catch((error: unknown) => {
    if (!(error instanceof PackleaderError)) throw error;
    throw new PackleaderError(
      ERRORS.baseImageNotReleased,
      `${source.image}@${version} is not released here (no parameter ${name}).`,
      { cause: error },
    );
  });
  return describe(ec2, imageId, name);
}

async function valueOf(ssm: SSMClient, name: string): Promise<string> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    return Parameter?.Value ?? '';
  } catch (error) {
    if (!hasCode(error, 'ParameterNotFound')) throw error;
    throw new PackleaderError(ERRORS.sourceAmiNotFound, `There is no parameter ${name}.`, { cause: error });
  }
}

async function describe(ec2: EC2Client, imageId: string, from: string): Promise<Image> {
  try {
    const [image] = await images(ec2, {
      ImageIds: [imageId],
      IncludeDeprecated: true,
      IncludeDisabled: true,
    });
    if (image) return image;
  } catch (error) {
    if (!hasCode(error, ...NO_SUCH_AMI)) throw error;
  }
  throw new PackleaderError(
    ERRORS.sourceAmiNotFound,
    `The source AMI ${imageId} (from ${from}) does not exist here.`,
  );
}

/**
 * The newest AMI that the filters and the mandatory owners leave; deprecated ones do not compete, unless that is allowed. EC2
 * itself leaves those of others out, and never an owner's own.
 */
async function newestMatch(
  ec2: EC2Client,
  source: Extract<SourceAmi, { filter: unknown }>,
  architecture: string,
  startedAt: string,
): Promise<Image> {
  const wanted = { state: 'available', architecture, ...source.filter };
  const found = await images(ec2, {
    Owners: source.owners,
    Filters: Object.entries(wanted).map(([Name, value]) => ({ Name, Values: [value].flat() })),
    ...(source.allowDeprecated === true && { IncludeDeprecated: true }),
  });
  const byAge = found.toSorted((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''));
  const good = byAge.find((image) => whyPassedBy(image, source, startedAt) === undefined);
  if (good) return good;
  const [newest] = byAge;
  const but = newest && ` but ${newest.ImageId} (${newest.Name}): ${whyPassedBy(newest, source, startedAt)}`;
  throw new PackleaderError(
    ERRORS.sourceAmiNotFound,
    `No AMI of ${source.owners.join(', ')} matches ${JSON.stringify(wanted)}${but ?? ''}.`,
  );
}

async function images(ec2: EC2Client, input: Parameters<typeof paginateDescribeImages>[1]): Promise<Image[]> {
  return (await Array.fromAsync(paginateDescribeImages({ client: ec2 }, input))).flatMap(
    (page) => page.Images ?? [],
  );
}

function refuse(image: Image, target: SourcedTarget, startedAt: string, forImage: string): void {
  const refused = (why: string) =>
    new PackleaderError(
      ERRORS.sourceAmiRefused,
      `The source AMI ${image.ImageId} (${image.Name}) of ${forImage} is refused: ${why}.`,
    );
  const { maxAgeDays } = target.sourceAmi;
  const fault = whyPassedBy(image, target.sourceAmi, startedAt);
  if (fault !== undefined) throw refused(fault);
  if (image.Architecture !== undefined && image.Architecture !== target.architecture) {
    throw refused(`it is built for ${image.Architecture}, the image for ${target.architecture}`);
  }
  const unlike = target.asked && whyUnlike(image, target.asked);
  if (unlike !== undefined) throw refused(unlike);
  if (maxAgeDays !== undefined) {
    const ageDays = (Date.parse(startedAt) - Date.parse(image.CreationDate ?? '')) / 86_400_000;
    if (!(ageDays <= maxAgeDays)) {
      throw refused(`it is ${Math.floor(ageDays)} days old, and source.maxAgeDays allows ${maxAgeDays}`);
    }
  }
}

/** In one region all accounts get the same AMI, across regions the same name; what an account itself owns is its own. */
function refuseDifferences(sources: ReadonlyMap<SourcedTarget, Image>): void {
  const shared = [...sources].filter(([{ accountId }, { OwnerId }]) => OwnerId !== accountId);
  refuseDifference(
    shared,
    ({ region }) => region,
    (image) => image.ImageId ?? '',
  );
  const named = shared.filter(([{ sourceAmi }]) => !('ids' in sourceAmi));
  refuseDifference(
    named,
    ({ sourceAmi }) => JSON.stringify(sourceAmi),
    (image) => image.Name ?? '',
  );
}

function refuseDifference(
  sources: readonly (readonly [SourcedTarget, Image])[],
  groupOf: (target: SourcedTarget) => string,
  valueFrom: (image: Image) => string,
): void {
  for (const group of Map.groupBy(sources, ([target]) => groupOf(target)).values()) {
    const [first, ...others] = group;
    const other = others.find(([, image]) => first && valueFrom(image) !== valueFrom(first[1]));
    if (!first || !other) continue;
    const tell = ([target, image]: readonly [Target, Image]) => `${targetName(target)} ${valueFrom(image)}`;
    throw new PackleaderError(
      ERRORS.sourceAmisDiffer,
      `The targets would start from different source AMIs: ${tell(first)}, ${tell(other)}.`,
    );
  }
}
