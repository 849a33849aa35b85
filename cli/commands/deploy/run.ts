/** `packleader deploy`: the stacks of a factory, by the CDK's own command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { accountsOf, loadFactory } from '../../../core/configuration/factory.ts';
import { factoryDirectory, readFactoryDirectory } from '../../../core/configuration/factory-directory.ts';
import { PACKAGE_VERSION } from '../../../core/contract/package-version.ts';
import { STACKS } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { refuse } from '../../input/arguments.ts';
import { projectOf } from '../../input/project.ts';
import { fromStart } from '../../input/start-directory.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import type { Output } from '../../terminal/output.ts';
import { deployedVersion, isNewer } from './deployed-version.ts';

export interface DeployOptions {
  readonly hub?: boolean;
  readonly targets?: boolean;
  readonly account: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly downgrade?: boolean;
  readonly profile?: string;
  readonly factory: string;
}

/** What the command does outside of this program. */
export interface Outside {
  /** Runs the CDK's command in a directory, and returns its exit status. */
  readonly cdk: (args: readonly string[], directory: string) => Promise<number>;
  /** Asks a yes or no; undefined where nobody can be asked. */
  readonly confirm: (question: string) => Promise<boolean | undefined>;
  readonly versionOf: typeof deployedVersion;
}

export async function deployCommand(
  options: DeployOptions,
  output: Output,
  outside: Outside = { cdk: runCdk, confirm: askedOnTerminal, versionOf: deployedVersion },
): Promise<number> {
  const root = factoryDirectory(fromStart(options.factory));
  const factory = loadFactory(readFactoryDirectory(root));
  const stacks = stacksOf(options, accountsOf(factory));
  if (stacks.includes(STACKS.hub) && options.downgrade !== true)
    await refuseDowngrade(factory.hub, options, outside, output);
  const common = [
    '--app',
    APP,
    '--context',
    `factory=${root}`,
    ...(options.profile === undefined ? [] : ['--profile', options.profile]),
  ];
  // Where package.json is, and beside it packleader.config.
  const directory = projectOf(root) ?? root;

  output.print(`${stacks.join(', ')}\n`);
  if ((await outside.cdk(['diff', ...common, ...stacks], directory)) !== 0) return EXIT.notDeployed;
  if (options.dryRun) return EXIT.released;
  const agreed = options.yes === true || (await outside.confirm(`Deploy ${stacks.join(', ')}?`));
  if (agreed === undefined)
    throw refuse(
      '--yes',
      'is not said, and nobody is at a terminal to be asked; say --yes, or --dry-run to see what would change',
    );
  if (!agreed) {
    output.complain('nothing was deployed\n');
    return EXIT.refused;
  }
  const status = await outside.cdk(
    ['deploy', ...common, '--require-approval', 'never', ...stacks],
    directory,
  );
  if (status === 0) return EXIT.released;
  output.complain('the CDK failed; what it did stands above, and `packleader deploy` goes on from there\n');
  return EXIT.notDeployed;
}

/** @throws InvalidConfiguration for an account that has no target */
function stacksOf({ hub, targets, account }: DeployOptions, accounts: readonly string[]): string[] {
  const unknown = account.find((id) => !accounts.includes(id));
  if (unknown !== undefined)
    throw refuse(
      '--account',
      `found "${unknown}", which has no target; targets are in ${accounts.join(', ')}`,
    );
  const all = hub !== true && targets !== true && account.length === 0;
  const named = account.length > 0 ? account : all || targets === true ? accounts : [];
  return [...(all || hub === true ? [STACKS.hub] : []), ...named.map(STACKS.target)];
}

/** An older package would take away what a newer one deployed, and running releases rely on it. */
async function refuseDowngrade(
  hub: Target,
  { profile }: DeployOptions,
  { versionOf }: Outside,
  output: Output,
): Promise<void> {
  const { seen, version } = await versionOf(hub, profile);
  if (!seen) output.complain('which packleader deployed the hub was not checked: it could not be read\n');
  else if (version !== undefined && isNewer(version, PACKAGE_VERSION))
    throw refuse(
      'packleader',
      `is version ${PACKAGE_VERSION}, and the hub was deployed by ${version}: \`npm install --save-dev packleader@${version}\`, or say --downgrade`,
    );
}

/** As the CDK takes it: one command, which a shell splits. */
const APP = [
  process.execPath,
  fileURLToPath(new URL(`../../../workflow/app${extname(import.meta.filename)}`, import.meta.url)),
]
  .map((part) => JSON.stringify(part))
  .join(' ');

async function runCdk(args: readonly string[], directory: string): Promise<number> {
  const program = join(dirname(fileURLToPath(import.meta.resolve('aws-cdk/package.json'))), 'bin', 'cdk');
  const child = spawn(process.execPath, [program, ...args], { cwd: resolve(directory), stdio: 'inherit' });
  const [status] = await once(child, 'close');
  return typeof status === 'number' ? status : 1;
}

async function askedOnTerminal(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await asking.question(`${question} [y/N] `)).trim());
  } finally {
    asking.close();
  }
}
