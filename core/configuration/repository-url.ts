/** Where a repository lives, by its URL: what `factory.yaml` may say, what is cloned, and whose push a push is. */
import type { Target } from '../contract/targets.ts';
import { REGIONS } from '../contract/regions.ts';
import { nearest, shown } from './documents/problems.ts';

export const REPOSITORY_URL = 'must be an https or codecommit URL, like https://github.com/example/images';

/** A repository of CodeCommit; always one of the hub's account. */
export interface CodeCommitRepository {
  readonly region: string;
  readonly name: string;
}

/** Why a URL can be none of a factory's repository: one sentence that holds no credential. Undefined for one that can. */
export function refusalOfRepository(url: string): string | undefined {
  const read = readUrl(url);
  return 'refused' in read ? read.refused : undefined;
}

/** The repository of CodeCommit that a URL names; undefined for one that lives elsewhere. */
export function codeCommitRepository(
  url: string,
  hub: Pick<Target, 'region'>,
): CodeCommitRepository | undefined {
  const read = readUrl(url);
  return 'codeCommit' in read ? { region: read.region ?? hub.region, name: read.codeCommit } : undefined;
}

/**
 * The https URL that git clones from in the hub.
 *  @see https://docs.aws.amazon.com/codecommit/latest/userguide/regions.html#regions-git
 */
export function cloneUrl(url: string, hub: Pick<Target, 'region'>): string {
  const repository = codeCommitRepository(url, hub);
  // What is written as https already, perhaps with a FIPS endpoint, is left as it is.
  if (repository === undefined || url.startsWith('https:')) return url;
  return `https://git-codecommit.${repository.region}.amazonaws.com/v1/repos/${repository.name}`;
}

/**
 * `github.com/example/images`, whichever way the URL is written; undefined for something that is no URL of a repository.
 * Hosts and providers do not tell upper from lower case.
 */
export function repositoryName(url: string): string | undefined {
  const { hostname = '', path = '' } = partsOf(url) ?? {};
  const name = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  return hostname === '' || name === '' ? undefined : `${hostname}/${name}`.toLowerCase();
}

/** `example/images`, in the case in which it is written: what an API calls the repository. */
export const repositoryPath = (url: string): string =>
  (partsOf(url)?.path ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');

type Read =
  | { readonly https: string }
  | { readonly codeCommit: string; readonly region: string | undefined }
  | { readonly refused: string };

const NOT_READ: Read = { refused: `found what is no URL of a repository (not shown), ${REPOSITORY_URL}` };
const TOKEN_GOES =
  'a token belongs into a secret in the hub, named by repositoryTokenSecret in packleader.config';
const BY_ROLE = 'the hub clones from CodeCommit by its own role';

const CODE_COMMIT = /^codecommit(?:::([a-z0-9-]*))?:\/\/(?:([^@/]+)@)?([^@/]+)$/;
const CODE_COMMIT_HOST = /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com$/;
/** @see https://docs.aws.amazon.com/codecommit/latest/APIReference/API_RepositoryMetadata.html */
const CODE_COMMIT_NAME = /^(?!.*\.git$)[\w.-]{1,100}$/;

function readUrl(url: string): Read {
  // A URL parser would silently drop line breaks, and take a backslash for a slash.
  if (!/^[!-[\]-~]+$/.test(url)) return NOT_READ;
  const [, region, profile, name] = CODE_COMMIT.exec(url) ?? [];
  if (name !== undefined) return readCodeCommit(region, profile, name);
  const parts = partsOf(url);
  if (parts === undefined || parts.hostname === '' || /^\/*$/.test(parts.path)) return unreadable(url);
  // What stands before any other @ may be the beginning of a password that holds a slash, a ? or a #.
  if (url.split('@').length > (parts.hasUser ? 2 : 1)) return NOT_READ;
  if (parts.scheme === 'ssh') return readSsh(parts);
  if (!/^https:\/\/[^/]/.test(url)) return unreadable(url);
  const bare = `https://${parts.host}${parts.path}`;
  const read = readHttps(parts, url);
  if (parts.hasUser) return instead('a credential (not shown)', bare, goesWhere(bare));
  return parts.hasMore ? instead('a query or a fragment (not shown)', bare) : read;
}

function readCodeCommit(region: string | undefined, profile: string | undefined, name: string): Read {
  if (!CODE_COMMIT_NAME.test(name))
    return {
      refused: 'found a name that no repository of CodeCommit has, must look like codecommit://images',
    };
  if (region !== undefined && !REGIONS.includes(region))
    return {
      refused: `found the region ${shown(region)}, must be a region of AWS, ${nearest(region, REGIONS)}`,
    };
  const bare = `codecommit${region === undefined ? '' : `::${region}`}://${name}`;
  if (profile !== undefined) return instead('a profile of the AWS CLI (not shown)', bare, BY_ROLE);
  return { codeCommit: name, region };
}

function readHttps({ hostname, path }: Parts, url: string): Read {
  const [, region] = CODE_COMMIT_HOST.exec(hostname) ?? [];
  if (region === undefined) return { https: url };
  const [, name] = /^\/v1\/repos\/([^/]+)$/.exec(path) ?? [];
  if (name !== undefined) return readCodeCommit(region, undefined, name);
  return { refused: `found no repository of CodeCommit, must look like https://${hostname}/v1/repos/images` };
}

/** No build has a key for ssh, and none knows the key of a host. */
function readSsh({ hostname, path, hasPassword }: Parts): Read {
  const bare = `https://${hostname}/${path.replace(/^\/+/, '')}`;
  const found = hasPassword ? 'a credential (not shown)' : 'an ssh URL, for which the hub has no key';
  return instead(found, bare, goesWhere(bare));
}

const goesWhere = (bare: string): string =>
  CODE_COMMIT_HOST.test(URL.parse(bare)?.hostname ?? '') ? BY_ROLE : TOKEN_GOES;

/** Says what to write instead, when that would be taken. */
function instead(found: string, bare: string, more = ''): Read {
  if (refusalOfRepository(bare) !== undefined) return NOT_READ;
  return { refused: `found ${found}, must be ${bare}${more && `: ${more}`}` };
}

/** Nothing with an @ is shown: a credential may come before it. */
const unreadable = (url: string): Read =>
  /[@?#]/.test(url) ? NOT_READ : { refused: `found ${shown(url)}, ${REPOSITORY_URL}` };

interface Parts {
  readonly scheme: string;
  /** With the port, where one is written. */
  readonly host: string;
  readonly hostname: string;
  readonly path: string;
  readonly hasUser: boolean;
  readonly hasPassword: boolean;
  /** A query or a fragment. */
  readonly hasMore: boolean;
}

/** Also of `git@github.com:example/images.git`, as git takes it. */
function partsOf(url: string): Parts | undefined {
  const [, host, path] = /^[\w.-]+@([\w.-]+):(?!\/\/)(.+)$/.exec(url) ?? [];
  if (host !== undefined && path !== undefined)
    return { scheme: 'ssh', host, hostname: host, path, hasUser: true, hasPassword: false, hasMore: false };
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  return {
    scheme: parsed.protocol.replace(/:$/, ''),
    host: parsed.host,
    hostname: parsed.hostname,
    path: parsed.pathname,
    hasUser: parsed.username !== '' || parsed.password !== '',
    hasPassword: parsed.password !== '',
    hasMore: url.includes('?') || url.includes('#'),
  };
}
