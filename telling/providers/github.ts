import { type StatusProvider, encoded } from './provider.ts';

/**
 * GitHub, and GitHub Enterprise Server, whose API is at `https://<host>/api/v3`. The newest status of a context counts.
 *  @see https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
 */
export const github: StatusProvider = {
  longest: 140,
  needs: 'write access to commit statuses of the repository (a classic token: the scope repo:status)',
  request: ({ apiUrl, repository }, { commit, name, state, description, url }, token) => ({
    url: `${apiUrl}/repos/${encoded(repository)}/statuses/${commit}`,
    headers: {
      authorization: `Bearer ${token.value}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    },
    body: { state, context: name, description, target_url: url },
  }),
};
