/** What uses the AMIs of one account and region, in pages and not AMI by AMI: cheap enough for every twenty minutes. */
import {
  paginateDescribeInstances,
  paginateDescribeLaunchTemplateVersions,
  paginateDescribeLaunchTemplates,
} from '@aws-sdk/client-ec2';
import { GetParametersCommand, paginateDescribeParameters } from '@aws-sdk/client-ssm';
import { type User, groupOverrides, launchConfigurations } from '../amis/image-users.ts';
import { chunks } from '../aws/chunks.ts';
import type { TargetClients } from '../aws/clients.ts';
import { asFact } from '../aws/errors.ts';
import { ERRORS } from '../contract/errors.ts';
import { parameters } from '../contract/names.ts';

/** What was found, and which sources could not be read: of these nothing is known, which is not the same as nothing. */
export interface Census {
  readonly used: ReadonlySet<string>;
  /** The same, and who uses each. */
  readonly users: readonly User[];
  readonly unread: readonly { readonly source: string; readonly why: string }[];
}

export interface CensusOptions {
  /** Whether what may pass is thrown, and not told as a source that could not be read. */
  readonly mayRetry: boolean;
}

type Clients = Pick<TargetClients, 'ec2' | 'autoScaling' | 'ssm'>;

const SOURCES: Readonly<Record<string, (clients: Clients) => Promise<User[]>>> = {
  instances,
  'launch templates': launchTemplates,
  'launch configurations': async ({ autoScaling }) => launchConfigurations(autoScaling),
  'Auto Scaling groups': async ({ autoScaling }) => groupOverrides(autoScaling),
  parameters: imageParameters,
};

/**
 * The AMIs that anything in a target uses, by every source. One source that cannot be read keeps none of the others from being read.
 *  @throws PackleaderError Throttled or ConnectionLost, as long as a repetition may mend it
 */
export async function censusOf(clients: Clients, { mayRetry }: CensusOptions): Promise<Census> {
  const unread: { source: string; why: string }[] = [];
  const found = await Promise.all(
    Object.entries(SOURCES).map(async ([source, look]) => {
      try {
        return await look(clients);
      } catch (error) {
        const { name, message } = asFact(error);
        if (mayRetry && (name === ERRORS.throttled || name === ERRORS.connectionLost)) throw error;
        unread.push({ source, why: `${name}: ${message}` });
        return [];
      }
    }),
  );
  const users = found.flat();
  return { used: new Set(users.map(([imageId]) => imageId)), users, unread };
}

/** In any state: one that is stopped, or waits in a warm pool, is started again; one that was terminated is forgotten within the hour. */
async function instances({ ec2 }: Clients): Promise<User[]> {
  const pages = await Array.fromAsync(paginateDescribeInstances({ client: ec2, pageSize: 1_000 }, {}));
  return pages
    .flatMap((page) => page.Reservations ?? [])
    .flatMap((reservation) => reservation.Instances ?? [])
    .map(({ ImageId = '', InstanceId = '' }): User => [ImageId, InstanceId]);
}

/**
 * All versions of all templates. EC2 gives the newest and the default ones of every template together; only templates that have more
 * are asked one by one. What a version names by a parameter is resolved.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
 */
async function launchTemplates({ ec2 }: Clients): Promise<User[]> {
  const templates = (
    await Array.fromAsync(paginateDescribeLaunchTemplates({ client: ec2, pageSize: 200 }, {}))
  ).flatMap((page) => page.LaunchTemplates ?? []);
  if (templates.length === 0) return [];
  const versions = async (of: { LaunchTemplateId?: string; Versions?: string[] }): Promise<User[]> => {
    const pages = await Array.fromAsync(
      paginateDescribeLaunchTemplateVersions({ client: ec2, pageSize: 200 }, { ...of, ResolveAlias: true }),
    );
    return pages
      .flatMap((page) => page.LaunchTemplateVersions ?? [])
      .map(({ LaunchTemplateData, LaunchTemplateId = '' }): User => [
        LaunchTemplateData?.ImageId ?? '',
        LaunchTemplateId,
      ]);
  };
  const users = await versions({ Versions: ['$Latest', '$Default'] });
  for (const { LaunchTemplateId = '', LatestVersionNumber = 1, DefaultVersionNumber = 1 } of templates) {
    const known = new Set([LatestVersionNumber, DefaultVersionNumber]).size;
    if (LatestVersionNumber > known) users.push(...(await versions({ LaunchTemplateId })));
  }
  return users;
}

/** As many as Parameter Store gives in one answer. */
const NAMES_PER_CALL = 10;

/** That a version can be found by its own parameter is no use of it. */
const VERSION_PARAMETER = new RegExp(`^${parameters.version('[^/]+', '[^/]+')}$`);

/** Parameters of the type `aws:ec2:image`, `latest` among them. */
async function imageParameters({ ssm }: Clients): Promise<User[]> {
  const pages = await Array.fromAsync(
    paginateDescribeParameters(
      { client: ssm },
      { ParameterFilters: [{ Key: 'DataType', Values: ['aws:ec2:image'] }], MaxResults: 50 },
    ),
  );
  const names = pages
    .flatMap((page) => page.Parameters ?? [])
    .flatMap(({ Name = '' }) => (VERSION_PARAMETER.test(Name) ? [] : [Name]));
  const users: User[] = [];
  for (const Names of chunks(names, NAMES_PER_CALL)) {
    const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names }));
    users.push(...Parameters.map(({ Value = '', Name = '' }): User => [Value, Name]));
  }
  return users;
}
