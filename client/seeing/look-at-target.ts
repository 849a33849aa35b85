/** What one target holds of the factory's images, in a few calls that are made at the same time. */
import { EC2Client, paginateDescribeImages, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { versionStartedAt } from '../../core/configuration/version.ts';
import { parameters } from '../../core/contract/names.ts';
import { TAGS } from '../../core/contract/tags.ts';
import type { Target } from '../../core/contract/targets.ts';
import type { SessionCredentials } from '../accounts.ts';

/** @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
const NAMES_PER_CALL = 10;
/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html */
const PER_PAGE = 1_000;
const ALIVE = ['pending', 'running', 'stopping', 'stopped'];

export interface Looked {
  /** By image, the AMI that `latest` points at; undefined when it could not be read. */
  readonly latest: ReadonlyMap<string, string> | undefined;
  /** By AMI, the instances that run it, builders aside; null when nobody could or should look. */
  readonly running: ReadonlyMap<string, readonly string[]> | null;
  /** By AMI, what its tags say it is: also of prereleases, and of releases that left no record. */
  readonly tagged: ReadonlyMap<string, { readonly image: string; readonly version: string }>;
  readonly notSeen: readonly {
    readonly what: 'latest' | 'instances' | 'tags of AMIs';
    readonly why: string;
  }[];
}

export interface Looking {
  readonly images: readonly string[];
  readonly instances: boolean;
  readonly credentials: () => Promise<Pick<SessionCredentials, 'accessKeyId' | 'secretAccessKey'>>;
}

/** Never throws: what cannot be seen is said. */
export async function lookAt(
  { region }: Target,
  { images, instances, credentials }: Looking,
): Promise<Looked> {
  try {
    await credentials();
  } catch (error) {
    return {
      latest: undefined,
      running: null,
      tagged: new Map(),
      notSeen: [{ what: 'latest', why: reason(error) }],
    };
  }
  const config = { region, credentials };
  const ec2 = new EC2Client(config);
  const notSeen: Looked['notSeen'][number][] = [];
  const seeing = async <T>(what: (typeof notSeen)[number]['what'], look: () => Promise<T>) => {
    try {
      return await look();
    } catch (error) {
      notSeen.push({ what, why: reason(error) });
      return undefined;
    }
  };
  const [latest, running, tagged] = await Promise.all([
    seeing('latest', async () => latestOf(new SSMClient(config), images)),
    instances ? seeing('instances', async () => runningIn(ec2)) : undefined,
    instances ? seeing('tags of AMIs', async () => taggedIn(ec2)) : undefined,
  ]);
  return { latest, running: running ?? null, tagged: tagged ?? new Map(), notSeen };
}

async function latestOf(ssm: SSMClient, images: readonly string[]): Promise<Map<string, string>> {
  const chunks = Array.from({ length: Math.ceil(images.length / NAMES_PER_CALL) }, (_, index) =>
    images.slice(index * NAMES_PER_CALL, (index + 1) * NAMES_PER_CALL),
  );
  const answers = await Promise.all(
    chunks.map(async (chunk) => ssm.send(new GetParametersCommand({ Names: chunk.map(parameters.latest) }))),
  );
  const values = new Map(
    answers.flatMap(({ Parameters = [] }) => Parameters.map(({ Name, Value }) => [Name, Value] as const)),
  );
  return new Map(
    images.flatMap((image) => {
      const value = values.get(parameters.latest(image));
      return value === undefined ? [] : [[image, value] as const];
    }),
  );
}

async function runningIn(ec2: EC2Client): Promise<Map<string, string[]>> {
  const running = new Map<string, string[]>();
  const asked = { MaxResults: PER_PAGE, Filters: [{ Name: 'instance-state-name', Values: ALIVE }] };
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, asked))
    for (const { InstanceId = '', ImageId = '', Tags = [] } of Reservations.flatMap(
      (one) => one.Instances ?? [],
    ))
      // Only what a bake starts carries this tag.
      if (!Tags.some(({ Key }) => Key === TAGS.release))
        running.set(ImageId, [...(running.get(ImageId) ?? []), InstanceId]);
  return running;
}

async function taggedIn(ec2: EC2Client): Promise<Map<string, { image: string; version: string }>> {
  const asked = {
    MaxResults: PER_PAGE,
    Owners: ['self'],
    IncludeDeprecated: true,
    IncludeDisabled: true,
    Filters: [{ Name: 'tag-key', Values: [TAGS.version] }],
  };
  const tagged = new Map<string, { image: string; version: string }>();
  for await (const { Images = [] } of paginateDescribeImages({ client: ec2 }, asked))
    for (const { ImageId = '', Tags = [] } of Images) {
      const tags = new Map(Tags.map(({ Key, Value }) => [Key, Value]));
      const image = tags.get(TAGS.image);
      const version = tags.get(TAGS.version);
      // Anybody may write a tag.
      if (image !== undefined && version !== undefined && versionStartedAt(version))
        tagged.set(ImageId, { image, version });
    }
  return tagged;
}

/** One line: what follows the first is meant for whoever debugs the SDK. */
function reason(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line;
}
