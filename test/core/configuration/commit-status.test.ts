import { expect, it } from 'vitest';
import { commitStatusProblem } from '../../../core/configuration/commit-status.ts';
import type { CommitStatusSettings } from '../../../core/configuration/deployment-settings.ts';

const problem = (repository: string, settings: Pick<CommitStatusSettings, 'provider' | 'apiUrl'>) =>
  commitStatusProblem(
    { tokenSecret: 'packleader/status', ...settings },
    { repository, hub: { region: 'eu-west-1' } },
  );

it.each([
  ['https://github.com/example/images', { provider: 'github' as const }],
  ['https://gitlab.com/group/sub/images.git', { provider: 'gitlab' as const }],
  ['https://bitbucket.org/workspace/images', { provider: 'bitbucket' as const }],
  ['https://git.example.com/a/b', { provider: 'gitlab' as const, apiUrl: 'https://git.example.com/api/v4' }],
])('takes %s %j', (repository, settings) => {
  expect(problem(repository, settings)).toBeUndefined();
});

it.each([
  [
    'https://github.com/example/images',
    'gitlab' as const,
    ['provider'],
    'found gitlab, must be github: the repository lives at github.com',
  ],
  [
    'https://git.example.com/a/b',
    'github' as const,
    ['apiUrl'],
    'found nothing, must be the URL of the API at git.example.com, where the repository lives',
  ],
  [
    'codecommit://images',
    'github' as const,
    [],
    'is set, but the repository is one of CodeCommit, which shows no statuses',
  ],
])('fails for %s with %s', (repository, provider, path, message) => {
  expect(problem(repository, { provider })).toEqual({ path, message });
});
