import type { StatusProvider } from './provider.ts';

const STATES = { pending: 'pending', success: 'success', failure: 'failed' } as const;

/**
 * GitLab, and one of your own, whose API is at `https://<host>/api/v4`. A status that is pending and is set to pending is refused as a
 * transition that leads nowhere.
 *  @see https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
 */
export const gitlab: StatusProvider = {
  longest: 255,
  needs: 'the scope api, and the role Developer or above in the project',
  request: ({ apiUrl, repository }, { commit, name, state, description, url }, token) => ({
    url: `${apiUrl}/projects/${encodeURIComponent(repository)}/statuses/${commit}`,
    headers: { 'private-token': token.value },
    body: { state: STATES[state], name, description, target_url: url },
  }),
  alreadySet: (status, body) => status === 400 && body.includes('Cannot transition status'),
};
