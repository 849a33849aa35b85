import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListTagsForResourceCommand, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { deployedVersion } from '../../../cli/commands/deploy/deployed-version.ts';
import { type DeployOptions, type Outside, deployCommand } from '../../../cli/commands/deploy/run.ts';
import { PACKAGE_VERSION, isNewer } from '../../../core/contract/package-version.ts';
import { written } from '../output.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
const TARGETS = ['packleader-target-111111111111', 'packleader-target-222222222222'];

interface World {
  readonly statuses?: readonly number[];
  readonly answer?: boolean | undefined;
  readonly deployed?: string | undefined;
}

/** The command, and each call of the CDK as its verb and its stacks. */
async function deploy(options: Partial<DeployOptions>, { statuses = [], answer, deployed }: World = {}) {
  const calls: { verb: string; stacks: string[]; args: readonly string[]; directory: string }[] = [];
  const asked: string[] = [];
  const left = [...statuses];
  const outside: Outside = {
    cdk: async (args, directory) => {
      const [verb = ''] = args;
      calls.push({
        verb,
        stacks: args.filter((arg) => /^packleader-(hub|target-)/.test(arg)),
        args,
        directory,
      });
      return left.shift() ?? 0;
    },
    confirm: async (question) => {
      asked.push(question);
      return answer;
    },
    versionOf: async () => ({ seen: true, version: deployed }),
  };
  const { output, texts } = written();
  const exit = deployCommand({ account: [], factory: REPOSITORY, ...options }, output, outside);
  return { exit: await exit.catch((error: unknown) => String(error)), calls, asked, texts };
}

describe('packleader deploy', () => {
  it.each([
    ['the hub and every account', {}, [...TARGETS, 'packleader-hub']],
    ['only the hub', { hub: true }, ['packleader-hub']],
    ['only the accounts', { targets: true }, TARGETS],
    ['one account', { account: ['222222222222'] }, ['packleader-target-222222222222']],
    ['the hub and one account', { hub: true, account: ['111111111111'] }, [TARGETS[0], 'packleader-hub']],
  ])('shows what would change of %s, asks, and deploys that', async (_, options, stacks) => {
    const { exit, calls, asked } = await deploy(options, { answer: true });
    expect(exit).toBe(0);
    const [shown, ...deployed] = calls;
    expect(shown).toMatchObject({ verb: 'diff', stacks });
    expect(deployed.flatMap((call) => call.stacks)).toEqual(stacks);
    for (const call of deployed) expect(call.verb).toBe('deploy');
    for (const call of calls) expect(call.directory).toBe(REPOSITORY);
    expect(asked).toEqual([`Deploy ${stacks.join(', ')}?`]);
  });

  it('deploys every target before the hub, which needs what they allow', async () => {
    const { calls } = await deploy({ yes: true });
    expect(calls.map(({ verb, stacks }) => [verb, ...stacks])).toEqual([
      ['diff', ...TARGETS, 'packleader-hub'],
      ['deploy', ...TARGETS],
      ['deploy', 'packleader-hub'],
    ]);
  });

  it('deploys what it showed, with the profile that it was told', async () => {
    const { calls } = await deploy({ yes: true, profile: 'admin' });
    const after = (flag: string) => calls.map(({ args }) => args[args.indexOf(flag) + 1]);
    const [shown, ...deployed] = after('--app');
    const [kept = ''] = after('--output');
    expect(shown).not.toBe(kept);
    expect(deployed).toEqual([kept, kept]);
    expect(after('--profile')).toEqual(['admin', 'admin', 'admin']);
    expect(existsSync(kept)).toBe(false);
  });

  // It took the quotes of the app's command away, and no shell found the one word that was left.
  it('names an app that the CDK’s own command starts, and that finds the factory', async () => {
    const { calls } = await deploy({ dryRun: true });
    const [, ...args] = calls[0]?.args ?? [];
    const options = args.slice(0, args.length - TARGETS.length - 1);
    const kept = options[options.indexOf('--output') + 1] ?? '';
    const listed = (...told: readonly string[]) => {
      const program = join(REPOSITORY, 'node_modules/aws-cdk/bin/cdk');
      const text = execFileSync(process.execPath, [program, 'list', ...told], {
        cwd: REPOSITORY,
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return text.trim().split('\n').toSorted();
    };
    expect(listed(...options)).toEqual(['packleader-hub', ...TARGETS]);
    expect(listed('--app', kept)).toEqual(['packleader-hub', ...TARGETS]);
    rmSync(kept, { recursive: true });
  });

  it('says what the changelog says of deploying, when the hub was deployed by an older packleader', async () => {
    const { texts } = await deploy({ dryRun: true }, { deployed: '0.0.9' });
    expect(texts.out).toContain(`the hub was deployed by packleader 0.0.9, and this is ${PACKAGE_VERSION}\n`);
    expect(texts.out).toContain('then deploy every target, then the hub');
    expect((await deploy({ dryRun: true }, { deployed: PACKAGE_VERSION })).texts.out).not.toContain(
      'hub was deployed',
    );
  });

  it('takes over what a deleted stack has left, when it is told to', async () => {
    const { calls } = await deploy({ yes: true, hub: true, importExistingResources: true });
    const told = calls.map(({ args }) => args.includes('--import-existing-resources'));
    expect(told).toEqual([false, true]);
  });

  it('runs the CDK beside package.json, where packleader.config is, wherever the factory lies', async () => {
    const project = mkdtempSync(join(tmpdir(), 'packleader-deploy-'));
    try {
      writeFileSync(join(project, 'package.json'), '{}');
      cpSync(join(REPOSITORY, 'packer'), join(project, 'infra/images'), { recursive: true });
      const { calls } = await deploy({ factory: join(project, 'infra/images'), yes: true });
      expect(new Set(calls.map(({ directory }) => directory))).toEqual(new Set([project]));
    } finally {
      rmSync(project, { recursive: true });
    }
  });

  it.each([
    ['nobody agrees', { answer: false }, {}, 2, ['diff']],
    ['only what would change was asked for', {}, { dryRun: true }, 0, ['diff']],
    ['the difference cannot be made', { statuses: [1] }, { yes: true }, 6, ['diff']],
    ['a target cannot be deployed', { statuses: [0, 1] }, { yes: true }, 6, ['diff', 'deploy']],
    ['the hub cannot be deployed', { statuses: [0, 0, 1] }, { yes: true }, 6, ['diff', 'deploy', 'deploy']],
    [
      'the hub was deployed by an older packleader',
      { deployed: '0.0.9' },
      { yes: true },
      0,
      ['diff', 'deploy', 'deploy'],
    ],
    [
      'a downgrade is meant',
      { deployed: '9.0.0' },
      { yes: true, downgrade: true },
      0,
      ['diff', 'deploy', 'deploy'],
    ],
  ])('when %s', async (_, world, options, code, verbs) => {
    const { exit, calls } = await deploy(options, world);
    expect({ exit, verbs: calls.map(({ verb }) => verb) }).toEqual({ exit: code, verbs });
  });

  it.each([
    ['nobody can be asked', {}, {}, 'say --yes, or --dry-run', 1],
    [
      'an account has no target',
      { account: ['333333333333'] },
      {},
      'found "333333333333", which has no target',
      0,
    ],
    [
      'the hub was deployed by a newer packleader',
      {},
      { deployed: '9.1.0' },
      `is version ${PACKAGE_VERSION}, and the hub was deployed by 9.1.0: \`npm install --save-dev packleader@9.1.0\``,
      0,
    ],
  ])('is refused when %s', async (_, options, world, message, calls) => {
    const { exit, calls: made } = await deploy(options, world);
    expect(exit).toContain(message);
    expect(made).toHaveLength(calls);
  });
});

describe('which packleader deployed a hub', () => {
  const hub = { accountId: '999999999999', region: 'eu-west-1' };
  const tags = (value: string) => ({ tags: [{ key: 'packleader:deployed-by', value }] });

  it.each([
    ['the tag of the release machine', tags('0.2.0'), '0.2.0'],
    ['nothing, by an older one', { tags: [] }, undefined],
  ])('is told by %s', async (_, answer, expected) => {
    const client = new SFNClient({ region: hub.region });
    mockClient(client).on(ListTagsForResourceCommand).resolves(answer);
    expect(await deployedVersion(hub, undefined, client)).toEqual({ seen: true, version: expected });
  });

  it.each([
    ['ResourceNotFound', true],
    ['AccessDeniedException', false],
  ])('is not told when AWS says %s, seen: %s', async (name, seen) => {
    const client = new SFNClient({ region: hub.region });
    mockClient(client)
      .on(ListTagsForResourceCommand)
      .rejects(Object.assign(new Error(name), { name }));
    expect(await deployedVersion(hub, undefined, client)).toEqual({ seen, version: undefined });
  });

  it.each([
    ['0.10.0', '0.9.9', true],
    ['1.0.0', '1.0.0', false],
    ['0.9.9', '0.10.0', false],
    ['2.0.0', '1.9.9', true],
    ['1.0.0', '1.0.0-rc.2', true],
    ['1.0.0-rc.2', '1.0.0', false],
    ['1.0.0-rc.10', '1.0.0-rc.9', true],
  ])('%s after %s: %s', (one, other, expected) => {
    expect(isNewer(one, other)).toBe(expected);
  });
});
