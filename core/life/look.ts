/** Looks at every target: at its AMIs by their tags, at `latest`, and at whoever uses what would go. */
import { GetParametersCommand } from '@aws-sdk/client-ssm';
import { type User, usersOfImages } from '../amis/image-users.ts';
import { chunks } from '../aws/chunks.ts';
import { type TargetClients, clientsFor } from '../aws/clients.ts';
import { asFact } from '../aws/errors.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parameters } from '../contract/names.ts';
import { type Target, groupedByTarget, targetName } from '../contract/targets.ts';
import { censusOf } from './census.ts';
import { type Seen, type Verdict, amiName } from './decide.ts';
import { type FoundAmi, factoryAmis } from './seen.ts';

interface Look {
  readonly found: readonly FoundAmi[];
  /** The versions of images that `latest` points at; one that points at no AMI of the factory is no version. */
  readonly latest: readonly { readonly image: string; readonly version: string }[];
}

export interface Looks extends Pick<Seen, 'amis' | 'unread' | 'latest'> {
  readonly found: readonly FoundAmi[];
}

/** One filter takes 200 values.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html */
const AMIS_PER_LOOK = 200;

/** EC2 says of ten at a time who uses them. For more than these it takes fewer calls to look at everything that may use any. */
const MOST_ASKED_FOR = 100;

/** As many parameters as Parameter Store gives in one answer. */
const NAMES_PER_CALL = 10;

/**
 * Every AMI of the factory in these targets. A target that cannot be read is told of, and never taken for empty.
 *  @throws PackleaderError Throttled or ConnectionLost, as long as a repetition may mend it
 */
export async function lookEverywhere(
  targets: readonly Target[],
  images: readonly string[],
  { mayRetry }: { readonly mayRetry: boolean },
): Promise<Looks> {
  const unread: (Target & { why: string })[] = [];
  const looks = await inEveryTarget(targets, async ({ accountId, region }) => {
    const target = { accountId, region };
    try {
      return await lookAt(clientsFor(target), target, images);
    } catch (error) {
      const { name, message } = asFact(error);
      if (mayRetry && (name === ERRORS.throttled || name === ERRORS.connectionLost)) throw error;
      unread.push({ ...target, why: `${name}: ${message}` });
      return { found: [], latest: [] };
    }
  });
  const latest = Map.groupBy(
    looks.flatMap((look) => look.latest),
    ({ image }) => image,
  );
  const found = looks.flatMap((look) => look.found);
  return {
    found,
    amis: found.map(({ ami }) => ami),
    unread: unread.toSorted((a, b) => (targetName(a) < targetName(b) ? -1 : 1)),
    latest: new Map([...latest].map(([image, all]) => [image, new Set(all.map(({ version }) => version))])),
  };
}

async function lookAt({ ec2, ssm }: TargetClients, target: Target, images: readonly string[]): Promise<Look> {
  const found = await factoryAmis(ec2, target);
  const byId = new Map(found.map(({ ami }) => [ami.imageId, ami]));
  const latest: { image: string; version: string }[] = [];
  for (const some of chunks(images, NAMES_PER_CALL)) {
    const Names = some.map((image) => parameters.latest(image));
    const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names }));
    for (const { Value = '' } of Parameters) {
      const ami = byId.get(Value);
      if (ami) latest.push({ image: ami.image, version: ami.version });
    }
  }
  return { found, latest };
}

/** @throws PackleaderError AccessDenied when a source cannot be read: what uses them would not be seen */
async function everyUserIn(clients: TargetClients): Promise<readonly User[]> {
  const { users, unread } = await censusOf(clients, { mayRetry: true });
  const [closed] = unread;
  if (closed) throw new PackleaderError(ERRORS.accessDenied, `${closed.source}: ${closed.why}`);
  return users;
}

/**
 * Who uses the AMIs of versions that would go, by every source there is, and by {@link amiName}. That a version can be found by its own
 * parameter is no use of it.
 *  @throws PackleaderError when anything cannot be looked at: unknown must never be taken for unused
 */
export async function usersOf(
  verdicts: readonly Verdict[],
  found: readonly FoundAmi[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const images = new Map(found.map(({ ami, image }) => [amiName(ami), image]));
  const going = verdicts.flatMap(({ amis }) => amis);
  const users = new Map<string, string[]>();
  await inEveryTarget(groupedByTarget(going), async ({ all: amis, ...target }) => {
    const clients = clientsFor(target);
    const known = amis.length > MOST_ASKED_FOR ? await everyUserIn(clients) : undefined;
    for (const some of chunks(amis, AMIS_PER_LOOK)) {
      const own = some.flatMap((ami) => images.get(amiName(ami)) ?? []);
      const usedBy = await usersOfImages(clients, own, known);
      for (const ami of some) {
        const version = `:parameter${parameters.version(ami.image, ami.version)}`;
        const others = (usedBy.get(ami.imageId) ?? []).filter((by) => !by.endsWith(version));
        if (others.length > 0) users.set(amiName(ami), others);
      }
    }
  });
  return users;
}
