import { execFileSync } from 'node:child_process';
import { App } from 'aws-cdk-lib';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deploymentOf } from '../../workflow/context.ts';
import { temporaryDirectory, writeFiles } from '../fixtures/directories.ts';

const PACKER = { version: '1.11.2', sha256: 'a'.repeat(64) };

/** What is deployed with a packleader.config of this text, and this context. */
function deployed(text: string, context: Readonly<Record<string, unknown>> = {}) {
  const root = temporaryDirectory();
  writeFiles(root, { 'packleader.config': text });
  return deploymentOf(new App({ context }), root);
}

describe('what the stacks are told', () => {
  it('is said in packleader.config, in cdk.json, or in both together', () => {
    const { settings } = deployed('customerKey: true\n', { 'packleader:packer': PACKER });
    expect(settings).toEqual({ packer: PACKER, customerKey: true });
    expect(deploymentOf(new App(), temporaryDirectory()).settings).toEqual({});
  });

  it('fails when both say the same key, whatever they say', () => {
    expect(() => deployed('# ours\ncustomerKey: true\n', { 'packleader:customerKey': true })).toThrow(
      'packleader.config:2 customerKey: is also said in cdk.json, as packleader:customerKey, must be in one of them',
    );
  });

  it('fails by the place where it is wrong', () => {
    expect(() => deployed('customerKey: yes\n')).toThrow('packleader.config:1 customerKey: found "yes"');
    expect(() => deployed('customerKey: true\n', { 'packleader:packer': '1.11.2' })).toThrow(
      'cdk.json packleader:packer: found "1.11.2", must be a map of version and sha256',
    );
  });

  it('is refused by the place where it is said', () => {
    const { refused } = deployed('# ours\ncustomerKey: true\n', { 'packleader:packer': PACKER });
    expect(refused(['customerKey'], 'is wrong').message).toBe('packleader.config:2 customerKey: is wrong');
    expect(refused(['packer', 'version'], 'is wrong').message).toBe(
      'cdk.json packleader:packer.version: is wrong',
    );
  });

  it('is what the app reads in the directory that it is started in', () => {
    const root = temporaryDirectory();
    writeFiles(root, {
      'packleader.config': `bakeVpcs:
  '333333333333': { vpcId: vpc-0d0e0f01, subnetIds: [subnet-0d0e0f01], securityGroupIds: [sg-0d0e0f01] }
`,
    });
    const repository = join(import.meta.dirname, '..', '..');
    const env = { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ factory: join(repository, 'packer') }) };
    const synthesise = () =>
      execFileSync(process.execPath, [join(repository, 'workflow', 'app.ts')], {
        cwd: root,
        stdio: 'pipe',
        env,
      });
    expect(synthesise).toThrow(
      'packleader.config:2 bakeVpcs.333333333333: names the account 333333333333, which has no target',
    );
  });
});
