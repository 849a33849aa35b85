import { describe, expect, it } from 'vitest';
import { loadDeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';

/** What a `packleader.config` with this text says. */
function load(text: string) {
  const root = temporaryDirectory();
  writeFiles(root, { 'packleader.config': text });
  return loadDeploymentSettings(root);
}

const SHA = 'a'.repeat(64);

describe('packleader.config', () => {
  it('says nothing where it is not there', () => {
    expect(loadDeploymentSettings(temporaryDirectory())).toEqual({});
  });

  it('is read as it is written', () => {
    const settings = load(`# comment
packer: { version: 1.11.2, sha256: ${SHA} }
sessionManagerPlugin: { version: 1.2.707.0, sha256: ${SHA} }
repositoryTokenSecret: packleader/token
webhookSecret: packleader/webhook
organizationId: o-a1b2c3d4e5
bakeVpcs:
  '111111111111': { vpcId: vpc-0d0e0f01, subnetIds: [subnet-0d0e0f01], securityGroupIds: [sg-0d0e0f01] }
alarms: { email: images@example.com, usualMinutes: 90 }
customerKey: true
`);
    expect(settings).toEqual({
      packer: { version: '1.11.2', sha256: SHA },
      sessionManagerPlugin: { version: '1.2.707.0', sha256: SHA },
      repositoryTokenSecret: 'packleader/token',
      webhookSecret: 'packleader/webhook',
      organizationId: 'o-a1b2c3d4e5',
      bakeVpcs: {
        '111111111111': {
          vpcId: 'vpc-0d0e0f01',
          subnetIds: ['subnet-0d0e0f01'],
          securityGroupIds: ['sg-0d0e0f01'],
        },
      },
      alarms: { email: 'images@example.com', usualMinutes: 90 },
      customerKey: true,
    });
  });

  it.each([
    ['packers: {}', 'packleader.config:1 packers: found an unknown key, the nearest is "packer"'],
    [
      'packer: { version: 1.11.2 }',
      'packleader.config:1 packer.sha256: found nothing, must have 64 hexadecimal digits',
    ],
    [
      `packer:\n  version: 1.11\n  sha256: ${SHA}`,
      'packleader.config:2 packer.version: found 1.11, must look like "1.11.2", in quotes',
    ],
    [
      'downloads: s3://bucket',
      'packleader.config:1 downloads: found "s3://bucket", must be bucket, or the https URL of a mirror without a slash at its end',
    ],
    [
      'downloads: https://mirror.example.com/',
      'packleader.config:1 downloads: found "https://mirror.example.com/", must be bucket, or the https URL of a mirror without a slash at its end',
    ],
    [
      `plugins:\n  - { source: amazon, version: 1.3.2, url: 'https://a/b.zip', sha256: ${SHA} }`,
      'packleader.config:2 plugins[0].source: found "amazon", must be a source of Packer’s, like github.com/hashicorp/amazon',
    ],
    [
      `plugins:\n  - { source: github.com/a/b, version: 1.3.2, url: 'http://a/b.zip', sha256: ${SHA} }`,
      'packleader.config:2 plugins[0].url: found "http://a/b.zip", must be an https URL of a zip',
    ],
    [
      'plugins: []',
      'packleader.config:1 plugins: found a list, must be a list of plugins, each with source, version, url and sha256',
    ],
    ['customerKey: yes', 'packleader.config:1 customerKey: found "yes", must be true or false'],
    [
      'webhookSecret: "arn:aws:secretsmanager:eu-west-1:999999999999:secret:w"',
      'packleader.config:1 webhookSecret: found a value (not shown), must be the name of a secret, not its ARN',
    ],
    [
      'repositoryTokenSecret: ghp_0123456789abcdefghij',
      'packleader.config:1 repositoryTokenSecret: found a credential (not shown), must be the name of a secret in the hub',
    ],
    [
      'alarms: { email: a@example.com, topicArn: "arn:aws:sns:eu-west-1:999999999999:images" }',
      'packleader.config:1 alarms: found a map, must have either email or topicArn: who is told by your own topic is for that topic to say',
    ],
    [
      'notify: { events: [released, deleted] }',
      'packleader.config:1 notify.events[1]: found "deleted", must be one of started, stopped, approval-requested, approved, retry-awaited, released, rolled-back, repointed, revoked, restored, retired',
    ],
    [
      'notify: { stages: prod }',
      'packleader.config:1 notify.stages: found "prod", must be a list of stages, like [prod]',
    ],
    [
      'notify: { topicArn: mine }',
      'packleader.config:1 notify.topicArn: found "mine", must be the ARN of an SNS topic',
    ],
    [
      'commitStatus: { provider: gitea, tokenSecret: packleader/status }',
      'packleader.config:1 commitStatus.provider: found "gitea", must be one of github, gitlab, bitbucket',
    ],
    [
      'commitStatus: { provider: github, tokenSecret: ghp_0123456789abcdefghij }',
      'packleader.config:1 commitStatus.tokenSecret: found a credential (not shown), must be the name of a secret, not its ARN',
    ],
    [
      'commitStatus: { provider: github, tokenSecret: a, apiUrl: "http://github.example.com/" }',
      'packleader.config:1 commitStatus.apiUrl: found "http://github.example.com/", must be an https URL without a slash at its end, like https://github.example.com/api/v3',
    ],
    [
      'bakeVpcs:\n  dev: {}',
      'packleader.config:2 bakeVpcs.dev: found the key "dev", must be an account id of 12 digits, in quotes',
    ],
    ['- packer', 'packleader.config:1: found a list, must be a map of keys to values'],
    ['', 'packleader.config:1: is empty: delete it or write at least one setting'],
    ['packer: {', 'packleader.config:1: is not valid YAML'],
  ])('fails with one sentence that names the place: %s', (text, sentence) => {
    let message = '';
    try {
      load(text);
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    expect(message).toContain(sentence);
    expect(message.split('\n')).toHaveLength(1);
    expect(message).not.toContain('ghp_');
  });
});
