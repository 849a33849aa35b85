import { describe, expect, it } from 'vitest';
import { credentialIn, namesSecret } from '../../../../core/configuration/documents/credentials.ts';
import { baseSettings, edited, problemsWith, refusal } from '../example.ts';

/** Written in two halves, so that no scanner takes this file for a leak. */
const halves = (one: string, other: string) => `${one}${other}`;

const ACCESS_KEY = halves('AKIA', 'IOSFODNN7EXAMPLE');
const SECRET_KEY = halves('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY');
const GITHUB_TOKEN = `ghp_${'a1B2'.repeat(9)}`;
const PRIVATE_KEY = halves('-----BEGIN RSA ', 'PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----');
const URL_WITH_PASSWORD = halves('https://user:hunter2', '@example.com/a.git');
const MUST = 'must be { secretsManager: <name> } or { ssmParameter: <name> }';

const variable = (text: string) =>
  problemsWith({ 'config/dev.yaml': `variables:\n  ${text}\n` }, { images: ['base'] });

describe('a credential', () => {
  it.each([
    ['an AWS access key id', ACCESS_KEY],
    ['an AWS access key id', halves('ASIA', 'IOSFODNN7EXAMPLE')],
    ['a private key', PRIVATE_KEY],
    ['a GitHub token', GITHUB_TOKEN],
    ['a GitHub token', `github_pat_${'1AB2cd'.repeat(8)}`],
    ['a Slack token', halves('xoxb-', '1234567890-abcdef')],
    ['a GitLab token', `glpat-${'a1B2c3D4e5'.repeat(2)}`],
    ['an Octopus API key', `API-${'ABCDEF1234'.repeat(3)}`],
    ['a URL with a password', URL_WITH_PASSWORD],
  ])('is known as %s', (kind, text) => {
    expect(credentialIn(`before ${text} after`)).toBe(kind);
  });

  it.each([
    'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111',
    '4f2c1d94f2c1d94f2c1d94f2c1d94f2c1d94f2c1',
    'ssh://git@example.com:22/images.git',
    'https://example.com/path:with@signs',
    'API-reference',
    'https://example.com',
  ])('is not seen in %s', (text) => {
    expect(credentialIn(text)).toBe(undefined);
  });

  it.each([
    [
      'a layer',
      { 'config/dev.yaml': `variables:\n  a: "see ${ACCESS_KEY}"\n` },
      'config/dev.yaml:2 variables.a',
    ],
    [
      'a list',
      { 'config/dev.yaml': `variables:\n  a:\n    - ${ACCESS_KEY}\n` },
      'config/dev.yaml:3 variables.a[0]',
    ],
    [
      'a section for another target',
      { 'config/dev.yaml': `regions:\n  us-east-1:\n    variables: { a: ${ACCESS_KEY} }\n` },
      'config/dev.yaml:3 regions.us-east-1.variables.a',
    ],
    [
      'image.yaml',
      edited('images/base/image.yaml', 'The base', ACCESS_KEY),
      'images/base/image.yaml:1 description',
    ],
    [
      'factory.yaml',
      edited('factory.yaml', 'repository:', `defaultBranch: ${ACCESS_KEY}\nrepository:`),
      'factory.yaml:1 defaultBranch',
    ],
  ])('fails in %s, without being repeated', (_where, files, place) => {
    const problems = problemsWith(files);
    expect(problems).toContain(`${place}: found an AWS access key id (not shown), ${MUST}`);
    expect(problems.join('\n')).not.toContain(ACCESS_KEY);
  });

  it('fails in overrides, without being repeated', () => {
    const refused = refusal(() => baseSettings({}, { overrides: { kmsKeyId: GITHUB_TOKEN } }));
    expect(refused.message).toBe(
      [
        `overrides kmsKeyId: found a GitHub token (not shown), ${MUST}`,
        'overrides kmsKeyId: found a credential (not shown), must be a KMS key id, alias/<name> or an ARN of either',
      ].join('\n'),
    );
  });

  it('fails as a key, without being repeated', () => {
    const problems = problemsWith(
      { 'config/dev.yaml': `tags:\n  ${GITHUB_TOKEN}: x\n` },
      { images: ['base'] },
    );
    expect(problems).toEqual([
      'config/dev.yaml:2 tags.(not shown): found a key that holds a GitHub token (not shown)',
    ]);
  });

  it('fails in a repository URL, which says itself where a token belongs', () => {
    const problems = problemsWith(
      edited('factory.yaml', 'https://github.com/example/images', URL_WITH_PASSWORD),
    );
    expect(problems).toEqual([
      expect.stringMatching(
        /^factory\.yaml:1 repository: found a credential \(not shown\), must be https:\/\/example\.com\/a\.git: a token belongs /,
      ),
    ]);
  });
});

describe('a value under the name of a secret', () => {
  it.each([
    'db_password: hunter2',
    'password: 123456',
    'api_key: abc',
    'apikey: abc',
    'github_token: abc',
    'credentials: [abc]',
    'db: { userName: x, dbPassword: hunter2 }',
    'db: { privateKey: abc }',
  ])('fails as %s', (text) => {
    const problems = variable(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`found a plain value under the name of a secret (not shown), ${MUST}`);
    expect(problems[0]).not.toMatch(/hunter2|abc|123456/);
  });

  it('fails as an AWS secret access key even under a name that is only about a secret', () => {
    expect(variable(`secret_version: ${SECRET_KEY}`)).toEqual([
      `config/dev.yaml:2 variables.secret_version: found an AWS secret access key (not shown), ${MUST}`,
    ]);
  });

  it('fails without being repeated by another complaint', () => {
    const problems = problemsWith({ 'config/dev.yaml': 'tags: { token: 12345 }\n' }, { images: ['base'] });
    expect(problems).toHaveLength(2);
    expect(problems.join('\n')).not.toContain('12345');
  });

  it.each([
    'token_ttl_seconds: 300',
    'max_tokens: 4096',
    'password_policy: { minLength: 12, requireDigits: true }',
    "token_url: 'https://example.com/token'",
    'secret_name: web/db',
    'require_password: true',
    "db_password: ''",
    'db_password: { secretsManager: web/db }',
    'api_key: { ssmParameter: /web/api-key }',
    'tokenizer_model: small',
    'monkey: banana',
  ])('is fine as %s', (text) => {
    expect(variable(text)).toEqual([]);
  });

  it('is recognised by words, not by letters', () => {
    const names = [
      'dbPassword',
      'DB_PASSWORD',
      'aws-secret-access-key',
      'APIKey',
      'sshPrivateKey',
      'keyPassphrase',
    ];
    expect(names.filter(namesSecret)).toEqual(names);
    const harmless = [
      'secretary',
      'keyboard',
      'kmsKeyId',
      'tokenTtlSeconds',
      'passwordPolicy',
      'secretsManager',
    ];
    expect(harmless.filter(namesSecret)).toEqual([]);
  });
});
