import { createHash } from 'node:crypto';
import { type StatusProvider, encoded } from './provider.ts';

const STATES = { pending: 'INPROGRESS', success: 'SUCCESSFUL', failure: 'FAILED' } as const;

/** A key that is too long is refused. */
const LONGEST_KEY = 40;

/**
 * Bitbucket Cloud. A status with the key of an earlier one takes its place.
 *  @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
 */
export const bitbucket: StatusProvider = {
  longest: 255,
  needs: 'write access to the repository',
  request: ({ apiUrl, repository }, { commit, name, state, description, url }, token) => ({
    url: `${apiUrl}/repositories/${encoded(repository)}/commit/${commit}/statuses/build`,
    headers: {
      // An API token belongs to a person, by mail address; an access token to the repository.
      authorization: token.value.includes(':')
        ? `Basic ${Buffer.from(token.value).toString('base64')}`
        : `Bearer ${token.value}`,
    },
    body: { key: keyOf(name), name, state: STATES[state], description, url },
  }),
};

function keyOf(name: string): string {
  if (name.length <= LONGEST_KEY) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST_KEY - 9)}-${digest}`;
}
