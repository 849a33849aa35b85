/** The programs that a bake fetches: what the project pins is where the bake looks for it, and is what was pinned. */
import { createHash } from 'node:crypto';
import { BatchGetProjectsCommand, type CodeBuildClient, type Project } from '@aws-sdk/client-codebuild';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { packerUrl, sessionManagerPluginUrl } from '../../../../buildspecs/pinned-tools.mjs';
import { keys } from '../../../../core/contract/keys.ts';
import { type RequiredPlugin, unmet } from '../../../../core/templates/plugins.ts';
import { type Check, type Verdict, failed, nameOf, notChecked, ok } from '../finding.ts';
import { type PlannedBake, imagesOf } from './planned-bakes.ts';

/** Fetches what is pinned, from where the project's builds do, and says whether it is that. */
export type FetchTool = (project: Project, url: string, sha256: string) => Promise<Verdict>;

/** The same for every account. */
export interface LookedFor {
  readonly fetchTool: FetchTool;
  /** By the templates. */
  readonly required: readonly RequiredPlugin[];
}

/** The hub's bucket, seen by whoever may. */
export interface SeenBucket {
  readonly s3: S3Client;
  readonly name: string;
}

const PATIENCE_MS = 300_000;

/** Every account pins the same as a rule: each file is fetched once, hashed as it comes, and not kept. */
export function fetchOnce(bucket?: SeenBucket): FetchTool {
  const verdicts = new Map<string, Promise<Verdict>>();
  return async (project, published, sha256) => {
    const from = variableOf(project, 'PACKLEADER_DOWNLOADS');
    const url = published.replace('https:/', from ?? '$&');
    const key = `${from === 'bucket' ? from : url} ${sha256}`;
    const verdict =
      verdicts.get(key) ?? (from === 'bucket' ? inBucket(sha256, bucket) : fetched(url, sha256));
    verdicts.set(key, verdict);
    return verdict;
  };
}

async function fetched(url: string, sha256: string): Promise<Verdict> {
  const again = `run it again where ${new URL(url).host} can be reached`;
  try {
    const { ok: found, status, body } = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    // A bucket that may not be listed answers 403 for what it does not have.
    if ([403, 404, 410].includes(status)) {
      await body?.cancel();
      return failed(`there is no ${url} (${status})`, PIN);
    }
    if (!found || body === null) return notChecked(`${url} answers with ${status}`, again);
    return await compared(url, body, sha256, PIN);
  } catch (error) {
    return notChecked(`${url} cannot be fetched: ${reason(error)}`, again);
  }
}

async function inBucket(sha256: string, bucket: SeenBucket | undefined): Promise<Verdict> {
  if (!bucket)
    return notChecked('no access to the hub, whose bucket holds it', 'look with a role of the hub');
  const { s3, name } = bucket;
  const url = `s3://${name}/${keys.tool(sha256)}`;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: keys.tool(sha256) }));
    const content = Body?.transformToWebStream();
    return content ? await compared(url, content, sha256, MIRROR) : notChecked(`${url} is empty`, MIRROR);
  } catch (error) {
    if (['NoSuchKey', 'NoSuchBucket'].includes(nameOf(error))) return failed(`there is no ${url}`, MIRROR);
    return notChecked(`${url} cannot be read: ${reason(error)}`, 'it needs s3:GetObject and s3:ListBucket');
  }
}

async function compared(
  url: string,
  content: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  sha256: string,
  todo: string,
): Promise<Verdict> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  const is = hash.digest('hex');
  return is === sha256
    ? ok(`${url} has the SHA-256 that is pinned`)
    : failed(`${url} has the SHA-256 ${is}, and ${sha256} is pinned`, todo);
}

const MIRROR = 'put it there with packleader mirror';
const PIN = 'pin a version that there is with packleader pin, and deploy the targets';

/** Node says only "fetch failed" itself. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

export function toolChecks(
  accountId: string,
  bakes: readonly PlannedBake[],
  found: Promise<Project | undefined>,
  { fetchTool, required }: LookedFor,
): Check[] {
  const throughSessions = bakes.filter(({ reachedBy }) => reachedBy === 'session_manager');
  return [
    packerCheck(found, fetchTool, {
      of: accountId,
      stack: `packleader-target-${accountId}`,
      required,
    }),
    // A bake installs it when it is pinned, whether or not its template connects by it.
    ['Session Manager plugin', PERMISSION, async () => plugin()],
  ];

  async function plugin(): Promise<Verdict> {
    const project = await found;
    if (!project) return unknown(`packleader-target-${accountId}`);
    const pinned = pinnedIn(project, 'PACKLEADER_SESSION_MANAGER_PLUGIN');
    if (!pinned && throughSessions.length === 0)
      return ok('not pinned, and no builder is reached through it');
    if (!pinned)
      return failed(
        `the project of ${accountId} pins no Session Manager plugin, by which the builders of ${imagesOf(throughSessions)} are reached`,
        'pin it with packleader pin, and deploy the targets',
      );
    return fetchTool(
      project,
      sessionManagerPluginUrl(pinned.version, architectureOf(project)),
      pinned.sha256,
    );
  }
}

const PERMISSION = 'codebuild:BatchGetProjects';

export async function findProject(codebuild: CodeBuildClient, project: string): Promise<Project | undefined> {
  const { projects = [] } = await codebuild.send(new BatchGetProjectsCommand({ names: [project] }));
  return projects.find(({ name }) => name === project);
}

/** The Packer of a project that runs it, of a target's bakes or of the hub's validation, and its plugins where they are pinned. */
export const packerCheck = (
  found: Promise<Project | undefined>,
  fetchTool: FetchTool,
  {
    of,
    stack,
    required,
  }: { readonly of: string; readonly stack: string; readonly required: readonly RequiredPlugin[] },
): Check => [
  'Packer',
  PERMISSION,
  async () => {
    const project = await found;
    if (!project) return unknown(stack);
    const pinned = pinnedIn(project, 'PACKLEADER_PACKER');
    if (!pinned)
      return failed(
        `the project of ${of} pins no Packer, and CodeBuild’s image has none`,
        'pin it with packleader pin, and deploy hub and targets',
      );
    const packer = await fetchTool(
      project,
      packerUrl(pinned.version, architectureOf(project)),
      pinned.sha256,
    );
    const told = variableOf(project, 'PACKLEADER_PLUGINS');
    if (told === undefined || packer.outcome !== 'ok') return packer;
    const plugins = [...told.matchAll(/(\S+) (\S+) (\S+)/g)].map(
      ([, source = '', url = '', sha256 = '']) => ({
        source,
        url,
        sha256,
        version: /_v?(\d+\.\d+\.\d+)_/.exec(url)?.[1] ?? '',
      }),
    );
    const missed = unmet(required, plugins);
    if (missed)
      return failed(
        `the project of ${of} pins no ${missed.source} of ${missed.version || 'any version'}, which ${missed.file} requires`,
        'pin it with packleader pin --plugins, and deploy hub and targets',
      );
    const verdicts = await Promise.all(plugins.map(({ url, sha256 }) => fetchTool(project, url, sha256)));
    const unwell = verdicts.find(({ outcome }) => outcome !== 'ok');
    return unwell ?? ok(`${packer.why}, and so do its plugins: ${plugins.length}`);
  },
];

const unknown = (stack: string): Verdict =>
  notChecked('there is no project that pins any', `deploy the stack ${stack}`);

const variableOf = ({ environment }: Project, name: string): string | undefined =>
  environment?.environmentVariables?.find((variable) => variable.name === name)?.value;

function pinnedIn(project: Project, prefix: string) {
  const version = variableOf(project, `${prefix}_VERSION`);
  const sha256 = variableOf(project, `${prefix}_SHA256`);
  return version === undefined || sha256 === undefined ? undefined : { version, sha256 };
}

/** As Node names it in the build. */
const architectureOf = ({ environment }: Project): string =>
  environment?.type?.startsWith('ARM') === true ? 'arm64' : 'x64';
