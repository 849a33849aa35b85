/** Whether a factory's repository can show statuses as `packleader.config` says. */
import type { CommitStatusSettings } from './deployment-settings.ts';
import { codeCommitRepository, repositoryName } from './repository-url.ts';

const HOSTS = { github: 'github.com', gitlab: 'gitlab.com', bitbucket: 'bitbucket.org' } as const;

/** Why a status could never be set: the setting below `commitStatus`, and one sentence. */
export function commitStatusProblem(
  { provider, apiUrl }: CommitStatusSettings,
  { repository, hub }: { readonly repository: string; readonly hub: { readonly region: string } },
): { readonly path: readonly string[]; readonly message: string } | undefined {
  if (codeCommitRepository(repository, hub) !== undefined)
    return { path: [], message: 'is set, but the repository is one of CodeCommit, which shows no statuses' };
  const host = repositoryName(repository)?.split('/')[0] ?? '';
  const own = HOSTS[provider];
  if (apiUrl !== undefined || host === own) return undefined;
  const elsewhere = Object.entries(HOSTS).find(([, known]) => known === host)?.[0];
  return elsewhere === undefined
    ? {
        path: ['apiUrl'],
        message: `found nothing, must be the URL of the API at ${host}, where the repository lives`,
      }
    : {
        path: ['provider'],
        message: `found ${provider}, must be ${elsewhere}: the repository lives at ${host}`,
      };
}
