/** The programs that a bake fetches: what the project pins is where the bake looks for it, and is what was pinned. */
import { createHash } from 'node:crypto';
import { BatchGetProjectsCommand, type CodeBuildClient, type Project } from '@aws-sdk/client-codebuild';
import { packerUrl, sessionManagerPluginUrl } from '../../../../buildspecs/pinned-tools.mjs';
import { type Check, type Verdict, failed, notChecked, ok } from '../finding.ts';
import { type PlannedBake, imagesOf } from './planned-bakes.ts';

/** Fetches what is pinned and says whether it is that. */
export type FetchTool = (url: string, sha256: string) => Promise<Verdict>;

const PATIENCE_MS = 300_000;

/** Every account pins the same as a rule: each file is fetched once, hashed as it comes, and not kept. */
export function fetchOnce(): FetchTool {
  const verdicts = new Map<string, Promise<Verdict>>();
  return async (url, sha256) => {
    const key = `${url} ${sha256}`;
    const verdict = verdicts.get(key) ?? fetched(url, sha256);
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
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk);
    const is = hash.digest('hex');
    return is === sha256
      ? ok(`${url} has the SHA-256 that is pinned`)
      : failed(`${url} has the SHA-256 ${is}, and ${sha256} is pinned`, PIN);
  } catch (error) {
    return notChecked(`${url} cannot be fetched: ${reason(error)}`, again);
  }
}

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
  fetchTool: FetchTool,
): Check[] {
  const throughSessions = bakes.filter(({ reachedBy }) => reachedBy === 'session_manager');
  return [
    packerCheck(found, fetchTool, { of: accountId, stack: `packleader-target-${accountId}` }),
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
    return fetchTool(sessionManagerPluginUrl(pinned.version, architectureOf(project)), pinned.sha256);
  }
}

const PERMISSION = 'codebuild:BatchGetProjects';

export async function findProject(codebuild: CodeBuildClient, project: string): Promise<Project | undefined> {
  const { projects = [] } = await codebuild.send(new BatchGetProjectsCommand({ names: [project] }));
  return projects.find(({ name }) => name === project);
}

/** The Packer of a project that runs it: of a target's bakes, or of the hub's validation. */
export const packerCheck = (
  found: Promise<Project | undefined>,
  fetchTool: FetchTool,
  { of, stack }: { readonly of: string; readonly stack: string },
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
    return fetchTool(packerUrl(pinned.version, architectureOf(project)), pinned.sha256);
  },
];

const unknown = (stack: string): Verdict =>
  notChecked('there is no project that pins any', `deploy the stack ${stack}`);

function pinnedIn({ environment }: Project, prefix: string) {
  const valueOf = (name: string) =>
    environment?.environmentVariables?.find((variable) => variable.name === `${prefix}_${name}`)?.value;
  const version = valueOf('VERSION');
  const sha256 = valueOf('SHA256');
  return version === undefined || sha256 === undefined ? undefined : { version, sha256 };
}

/** As Node names it in the build. */
const architectureOf = ({ environment }: Project): string =>
  environment?.type?.startsWith('ARM') === true ? 'arm64' : 'x64';
