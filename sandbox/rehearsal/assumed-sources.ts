import type { Configuration, Overrides } from '../../core/configuration/configuration.ts';
import type { Files } from '../../core/configuration/files.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { SourceAmi } from '../../core/contract/source-amis.ts';
import type { Target } from '../../core/contract/targets.ts';
import { type Likeness, likenessOf } from './made-up-ami.ts';
import { addImage, addParameter } from './own-things.ts';
import type { Sandbox } from '../sandbox.ts';

const DAY_MS = 86_400_000;
/** How old an AMI is that is only assumed. */
const AGE_DAYS = 2;
const AMAZON = '137112412989';
const SOMEBODY = '555566667777';

/** What is needed to start a bake in one target. */
interface Wanted extends Target, Likeness {
  readonly source: SourceAmi;
}

/**
 * A factory may start from AMIs that this sandbox has never heard of: one's own golden image, a marketplace product. They
 * are assumed to exist. Returns one sentence per assumption: a rehearsal cannot know whether the real AWS has them.
 */
export async function assumeSources(
  sandbox: Sandbox,
  files: Files,
  configuration: Configuration,
  images: readonly string[],
  overrides: Overrides | undefined,
): Promise<string[]> {
  const assumptions = new Set<string>();
  const seen = new Set<string>();
  for (const image of images) {
    for (const { name: stage, targets } of configuration.factory.stages) {
      for (const target of targets) {
        const { settings, ...likeness } = await likenessOf(files, configuration, {
          image,
          stage,
          target,
          ...(overrides && { overrides }),
        });
        const { source, architecture } = settings;
        const wanted = { ...target, source, ...likeness };
        const key = JSON.stringify([
          isOwn(source) ? target.accountId : '',
          target.region,
          source,
          architecture,
        ]);
        if (seen.has(key)) continue;
        seen.add(key);
        const assumed = await assume(sandbox, wanted);
        if (assumed !== undefined) assumptions.add(assumed);
      }
    }
  }
  return [...assumptions];
}

/** Parameters outside /aws/ and AMIs of `self` are in the target's own account. */
function isOwn(source: SourceAmi): boolean {
  if ('ssmParameter' in source) return !source.ssmParameter.startsWith('/aws/');
  return 'filter' in source && source.owners.includes('self');
}

async function assume(sandbox: Sandbox, wanted: Wanted): Promise<string | undefined> {
  const { source, region } = wanted;
  if ('ssmParameter' in source) return assumeParameter(sandbox, wanted, source.ssmParameter);
  if ('filter' in source) return assumeMatch(sandbox, wanted, source);
  if (!('ids' in source)) return undefined;
  const imageId = source.ids[region];
  if (imageId === undefined || sandbox.world.visibleImage(wanted.accountId, region, imageId))
    return undefined;
  publish(sandbox, wanted, { imageId, name: `assumed-${imageId}`, ownerId: SOMEBODY });
  return `the AMI ${imageId} in ${region}`;
}

function assumeParameter(sandbox: Sandbox, wanted: Wanted, name: string): string | undefined {
  const { world } = sandbox;
  const { accountId, region } = wanted;
  const known =
    world.publicRegion(region).parameters.has(name) || world.region(accountId, region).parameters.has(name);
  if (known) return undefined;
  const imageId = `ami-0${world.hex(`${region}/${name}`, 16)}`;
  publish(sandbox, wanted, {
    imageId,
    name: `assumed${name.replaceAll('/', '-')}`.slice(0, 128),
    ownerId: AMAZON,
  });
  const targets = isOwn(wanted.source) ? sandbox.world.region(accountId, region) : undefined;
  if (targets) addParameter(world, wanted, name, imageId);
  else world.publicRegion(region).parameters.set(name, parameterOf(sandbox, wanted, name, imageId));
  return `the parameter ${name} in ${isOwn(wanted.source) ? 'every account' : region}`;
}

/** A public parameter looks like an own one; it only stands elsewhere. */
function parameterOf({ world }: Sandbox, target: Target, name: string, imageId: string) {
  const scratch = { accountId: AMAZON, region: target.region };
  addParameter(world, scratch, name, imageId);
  const parameter = world.region(scratch.accountId, scratch.region).parameters.get(name);
  if (!parameter) throw new Error(`the parameter ${name} was not added`);
  return parameter;
}

async function assumeMatch(
  sandbox: Sandbox,
  wanted: Wanted,
  { filter, owners }: Extract<SourceAmi, { filter: unknown }>,
): Promise<string | undefined> {
  const { accountId, region, architecture } = wanted;
  const caller = { accountId, region, role: NAMES.stewardRole, session: 'rehearsal' };
  const criteria = { state: 'available', architecture, ...filter };
  const Filters = Object.entries(criteria).map(([Name, value]) => ({ Name, Values: [value].flat() }));
  const answer = await sandbox.call(caller, 'ec2', 'DescribeImages', { Owners: owners, Filters });
  // Tags cannot be seen from another account, so no AMI of another's would match.
  const unseeable = !owners.includes('self') && Object.keys(filter).some((key) => key.startsWith('tag'));
  if (unseeable || hasImages(answer)) return undefined;
  const [pattern = 'assumed'] = [filter['name'] ?? []].flat();
  const name = pattern.replaceAll('*', '2026.1').replaceAll('?', '0');
  const tags = new Map(
    Object.entries(filter).flatMap(([key, value]) => {
      const [first = ''] = [value].flat();
      return key.startsWith('tag:') ? [[key.slice(4), first.replaceAll('*', 'x')] as const] : [];
    }),
  );
  if (owners.includes('self')) {
    const createdAt = sandbox.clock.milliseconds() - AGE_DAYS * DAY_MS;
    addImage(sandbox.world, wanted, { name, tags, createdAt }, wanted);
  } else {
    const ownerId = owners.find((owner) => /^\d{12}$/.test(owner)) ?? AMAZON;
    const imageId = `ami-0${sandbox.world.hex(`${region}/${ownerId}/${name}`, 16)}`;
    publish(sandbox, wanted, { imageId, name, ownerId, tags });
  }
  return `an AMI named ${name} of ${owners.join(' or ')} in ${region}`;
}

function hasImages(answer: unknown): boolean {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'Images' in answer &&
    Array.isArray(answer.Images) &&
    answer.Images.length > 0
  );
}

/** Puts a public AMI into a region. */
function publish(
  { world, clock }: Sandbox,
  { region, architecture, platform, rootDevice, sizeGiB }: Wanted,
  image: { imageId: string; name: string; ownerId: string; tags?: ReadonlyMap<string, string> },
): void {
  const createdAt = clock.milliseconds() - AGE_DAYS * DAY_MS;
  world.publicRegion(region).images.set(image.imageId, {
    imageId: image.imageId,
    ownerId: image.ownerId,
    ...(image.ownerId === AMAZON && { ownerAlias: 'amazon' }),
    name: image.name,
    description: 'assumed to exist',
    architecture,
    ...(platform && { platform }),
    createdAt,
    availableAt: createdAt,
    disabled: false,
    deregistrationProtected: false,
    public: true,
    launchPermissions: { users: new Set(), organizations: new Set(), units: new Set() },
    tags: new Map(image.tags),
    blockDevices: [
      {
        deviceName: rootDevice,
        snapshotId: `snap-0${world.hex(`snapshot of ${image.imageId}`, 16)}`,
        volumeSizeGiB: Math.min(8, sizeGiB),
        volumeType: 'gp3',
        encrypted: false,
      },
    ],
  });
}
