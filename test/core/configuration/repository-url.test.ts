import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cloneUrl,
  codeCommitRepository,
  refusalOfRepository,
  repositoryName,
} from '../../../core/configuration/repository-url.ts';

const HUB = { region: 'eu-west-1' };
const inCodeCommit = (region: string) => `https://git-codecommit.${region}.amazonaws.com/v1/repos/images`;

describe('the URL of a repository', () => {
  it.each([
    'https://github.com/example/images',
    'https://gitlab.example.com:8443/group/sub-group/images.git',
    'https://bitbucket.org/example/images',
    'https://dev.azure.com/example/images/_git/images',
  ])('is cloned as it is written: %s', (url) => {
    expect(refusalOfRepository(url)).toBeUndefined();
    expect(codeCommitRepository(url, HUB)).toBeUndefined();
    expect(cloneUrl(url, HUB)).toBe(url);
  });

  it.each([
    ['codecommit://images', 'eu-west-1', inCodeCommit('eu-west-1')],
    ['codecommit::us-east-1://images', 'us-east-1', inCodeCommit('us-east-1')],
    [inCodeCommit('us-east-1'), 'us-east-1', inCodeCommit('us-east-1')],
    [
      'https://git-codecommit-fips.us-east-1.amazonaws.com/v1/repos/images',
      'us-east-1',
      'https://git-codecommit-fips.us-east-1.amazonaws.com/v1/repos/images',
    ],
  ])('%s is a repository of CodeCommit in %s, cloned over https', (url, region, clone) => {
    expect(refusalOfRepository(url)).toBeUndefined();
    expect(codeCommitRepository(url, HUB)).toEqual({ region, name: 'images' });
    expect(cloneUrl(url, HUB)).toBe(clone);
  });

  const token =
    'a token belongs into a secret in the hub, named by repositoryTokenSecret in packleader.config';
  const byRole = 'the hub clones from CodeCommit by its own role';
  const ssh = 'an ssh URL, for which the hub has no key';
  it.each([
    [
      'a token',
      'https://hunter2@github.com/example/images',
      `found a credential (not shown), must be https://github.com/example/images: ${token}`,
    ],
    [
      'a user and a password',
      'https://somebody:hunter2@git.example.com:8443/images.git',
      `found a credential (not shown), must be https://git.example.com:8443/images.git: ${token}`,
    ],
    [
      'a user and a password for CodeCommit',
      `https://somebody:hunter2@git-codecommit.eu-west-1.amazonaws.com/v1/repos/images`,
      `found a credential (not shown), must be ${inCodeCommit('eu-west-1')}: ${byRole}`,
    ],
    [
      'a password for ssh',
      'ssh://git:hunter2@github.com:22/example/images.git',
      `found a credential (not shown), must be https://github.com/example/images.git: ${token}`,
    ],
    [
      'a query',
      'https://github.com/example/images?token=hunter2',
      'found a query or a fragment (not shown), must be https://github.com/example/images',
    ],
    [
      'a profile',
      'codecommit::eu-west-1://hunter2@images',
      `found a profile of the AWS CLI (not shown), must be codecommit::eu-west-1://images: ${byRole}`,
    ],
    [
      'ssh, as git takes it',
      'git@github.com:example/images.git',
      `found ${ssh}, must be https://github.com/example/images.git: ${token}`,
    ],
    [
      'ssh',
      'ssh://git@gitlab.example.com:2222/group/images.git',
      `found ${ssh}, must be https://gitlab.example.com/group/images.git: ${token}`,
    ],
    [
      'ssh for CodeCommit',
      'ssh://hunter2@git-codecommit.eu-west-1.amazonaws.com/v1/repos/images',
      `found ${ssh}, must be ${inCodeCommit('eu-west-1')}: ${byRole}`,
    ],
  ])('fails with %s, and says what is taken instead', (_what, url, refusal) => {
    expect(refusalOfRepository(url)).toBe(refusal);
    expect(refusal).not.toContain('hunter2');
    const [, advised = ''] = /must be (\S+?)(?=:? |$)/.exec(refusal) ?? [];
    expect(refusalOfRepository(advised)).toBeUndefined();
  });

  it.each([
    ['images', 'found "images", must be an https or codecommit URL, like https://github.com/example/images'],
    [
      'http://github.com/example/images',
      'found "http://github.com/example/images", must be an https or codecommit URL, like https://github.com/example/images',
    ],
    [
      'codecommit::eu-wst-1://images',
      'found the region "eu-wst-1", must be a region of AWS, the nearest is "eu-west-1"',
    ],
    [
      'codecommit://images.git',
      'found a name that no repository of CodeCommit has, must look like codecommit://images',
    ],
    [
      'https://git-codecommit.eu-west-1.amazonaws.com/images',
      'found no repository of CodeCommit, must look like https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/images',
    ],
  ])('fails for %s', (url, refusal) => {
    expect(refusalOfRepository(url)).toBe(refusal);
  });

  it.each([
    'https:github.com/example/images',
    'https:///github.com/example/images',
    'https://github.com',
    'https://github.com/\u202eexample/images',
    'https://github.com\\example/images',
    'https://git\nhub.com/example/images',
    '--upload-pack=touch pwned',
    '',
  ])('fails for %j, which a parser might put right', (url) => {
    expect(refusalOfRepository(url)).toContain('must be an https or codecommit URL');
  });

  it('is refused without a credential in the answer, wherever in the URL one stands', () => {
    const part = fc.constantFrom(
      'https://',
      'ssh://',
      'user',
      ':',
      '/',
      '@',
      'host',
      '443',
      '?',
      '#',
      'a.b',
      'codecommit://',
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (before, after) => {
        const url = [...before, ':hunter2', ...after, '@host/images'].join('');
        expect(refusalOfRepository(url) ?? 'accepted').not.toMatch(/hunter2|accepted/);
      }),
    );
  });
});

describe('the name of a repository', () => {
  it.each([
    'https://github.com/Example/Images',
    'https://github.com/example/images.git',
    'https://github.com:443/example/images/',
    'git@github.com:example/images.git',
    'ssh://git@github.com:22/example/images.git',
  ])('is the same for %s', (url) => {
    expect(repositoryName(url)).toBe('github.com/example/images');
  });

  it.each(['', 'images', 'https://', 'https://github.com', 'https://github.com/', '\u0000', 'git@:x'])(
    'fails for %j',
    (url) => {
      expect(repositoryName(url)).toBeUndefined();
    },
  );

  it('is never that of another one, whatever comes before or after it', () => {
    expect(repositoryName('https://github.com.evil.example/example/images')).not.toBe(
      'github.com/example/images',
    );
    expect(repositoryName('https://evil.example/github.com/example/images')).not.toBe(
      'github.com/example/images',
    );
    expect(repositoryName('https://github.com@evil.example/example/images')).not.toBe(
      'github.com/example/images',
    );
    expect(repositoryName('https://github.com/example/images/../other')).not.toBe(
      'github.com/example/images',
    );
  });
});
