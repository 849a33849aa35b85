/** The AMIs that bakes would start from now, found as a release finds them. */
import { type Image, EC2Client } from '@aws-sdk/client-ec2';
import { SSMClient } from '@aws-sdk/client-ssm';
import pMap from 'p-map';
import { type Looking, resolveSources } from '../../../../core/amis/source-amis.ts';
import { ERRORS, PackleaderError } from '../../../../core/contract/errors.ts';
import type { SourcedTarget } from '../../../../core/contract/source-amis.ts';
import { targetName } from '../../../../core/contract/targets.ts';
import { type Finding, type Verdict, examine, failed, notChecked, ok } from '../finding.ts';
import { type Session, configOf } from '../sessions.ts';
import type { ExaminedTarget } from './planned-bakes.ts';

/** Where a finding is that no target has alone. */
const EVERYWHERE = 'all targets';

/** Images, or groups of them, whose sources are looked for at the same time; each looks in 25 targets at once. */
const SOURCES = 2;

const PERMISSION = 'ec2:DescribeImages, ssm:GetParameter and ssm:GetParametersByPath';

/** @param sessions by account */
export async function examineSources(
  targets: readonly ExaminedTarget[],
  sessions: ReadonlyMap<string, Session>,
): Promise<Finding[]> {
  const images = new Set(targets.flatMap(({ bakes }) => bakes.map(({ image }) => image)));
  // Images that start from the same everywhere are one question.
  const groups = Map.groupBy(images, (image) => JSON.stringify(sourcesOf(image, targets)));
  const clients = clientsOf(sessions);
  const findings = await pMap(
    groups.values(),
    async (group) => {
      const sourced = group.slice(0, 1).flatMap((image) => sourcesOf(image, targets));
      return examineGroup(group.join(', '), sourced, sessions, clients);
    },
    { concurrency: SOURCES },
  );
  return findings.flat();
}

const sourcesOf = (image: string, targets: readonly ExaminedTarget[]): SourcedTarget[] =>
  targets.flatMap(({ accountId, region, bakes }) =>
    bakes
      .filter((bake) => bake.image === image)
      .map(({ settings: { source, architecture }, asked }) => ({
        accountId,
        region,
        sourceAmi: source,
        architecture,
        ...(asked && { asked }),
      })),
  );

function clientsOf(sessions: ReadonlyMap<string, Session>): Looking {
  const made = new Map<string, ReturnType<Looking>>();
  return (target) => {
    const known = made.get(targetName(target));
    if (known) return known;
    const session = sessions.get(target.accountId);
    if (!session) throw new Error(`nobody looks in ${target.accountId}`);
    const config = configOf(session, target.region);
    const clients = { ec2: new EC2Client(config), ssm: new SSMClient(config) };
    made.set(targetName(target), clients);
    return clients;
  };
}

/** All at once, as a release does; only when that fails one by one, to say where and why. */
async function examineGroup(
  images: string,
  sourced: readonly SourcedTarget[],
  sessions: ReadonlyMap<string, Session>,
  clients: Looking,
): Promise<Finding[]> {
  const check = `source AMI of ${images}`;
  const now = new Date().toISOString();
  const hidden = sourced.filter(({ accountId }) => sessions.get(accountId)?.as === 'nobody');
  const seen = sourced.filter((target) => !hidden.includes(target));
  const notSeen = hidden.map((target) => {
    const todo = sessions.get(target.accountId)?.verdict.todo ?? '';
    return { place: targetName(target), check, ...notChecked('no access to the account', todo) };
  });
  if (seen.length === 0) return notSeen;
  try {
    const found = await resolveSources(seen, now, images, { clients });
    const well = seen.map((target) => ({
      place: targetName(target),
      check,
      ...resolved(found.get(target)),
    }));
    return [...notSeen, ...well];
  } catch (error) {
    return [...notSeen, ...(await oneByOne(error))];
  }

  async function oneByOne(together: unknown): Promise<Finding[]> {
    const unreleased = new Set<SourcedTarget>();
    const alone = await pMap(
      seen,
      async (target) =>
        examine(targetName(target), check, PERMISSION, async () => {
          try {
            const found = await resolveSources([target], now, images, { clients });
            return resolved(found.get(target));
          } catch (error) {
            if (isUnreleased(error, target)) unreleased.add(target);
            return refusal(error);
          }
        }),
      { concurrency: 8 },
    );
    // Released with it, the base goes first; that there is none yet is how every factory begins.
    if (unreleased.size === seen.length)
      return alone.map((finding) => ({ ...finding, ...ok('its base is not released yet, and goes first') }));
    if (alone.some(({ outcome }) => outcome !== 'ok')) return alone;
    return [...alone, await examine(EVERYWHERE, check, PERMISSION, async () => refusal(together))];
  }
}

function resolved(image: Image | undefined): Verdict {
  if (image?.ImageId === undefined) return notChecked('EC2 names no AMI', 'run it again');
  const found = `${image.ImageId} ${image.Name ?? ''}`.trim();
  const product = image.ProductCodes?.find(({ ProductCodeType }) => ProductCodeType === 'marketplace');
  if (product === undefined) return ok(found);
  // Only a launch tells, and whoever may launch one may launch anything.
  const address = `https://aws.amazon.com/marketplace/pp?sku=${product.ProductCodeId}`;
  return notChecked(
    `${found} is a product of AWS Marketplace, ${address}, and only a launch tells whether the account is subscribed`,
    'see to it that the terms at that address are accepted in this account',
  );
}

const isUnreleased = (error: unknown, { sourceAmi }: SourcedTarget): boolean =>
  error instanceof PackleaderError &&
  error.name === ERRORS.baseImageNotReleased &&
  'image' in sourceAmi &&
  sourceAmi.version === undefined;

const TODO: Readonly<Record<string, string>> = {
  [ERRORS.sourceAmiNotFound]: 'change the source of the image, or make there what it names',
  [ERRORS.sourceAmiRefused]: 'change the source of the image',
  [ERRORS.sourceAmisDiffer]: 'wait until all regions have the same, or name the AMIs by source.ids',
  [ERRORS.baseImageNotReleased]: 'release its base first, or both together',
};

/** What a release would refuse as well; anything else was not seen, and is thrown. */
function refusal(error: unknown): Verdict {
  const todo = error instanceof PackleaderError ? TODO[error.name] : undefined;
  if (!(error instanceof Error) || todo === undefined) throw error;
  return failed(error.message, todo);
}
