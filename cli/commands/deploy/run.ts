/** `packleader deploy`: the stacks of a factory, by the CDK's own command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accountsOf, loadFactory } from '../../../core/configuration/factory.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { PACKAGE_VERSION, isNewer } from '../../../core/contract/package-version.ts';
import { STACKS } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { projectOf } from '../../input/project.ts';
import { fromStart } from '../../input/start-directory.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { notesBetween, shippedNotes } from '../../scaffold/upgrade-notes.ts';
import type { Output } from '../../terminal/output.ts';
import { agreed } from '../../terminal/questions.ts';
import { deployedVersion } from './deployed-version.ts';

export interface DeployOptions {
  readonly hub?: boolean;
  readonly targets?: boolean;
  readonly account: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly downgrade?: boolean;
  readonly importExistingResources?: boolean;
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
  outside: Outside = {
    cdk: runCdk,
    confirm: (question) => agreed(output, question),
    versionOf: deployedVersion,
  },
): Promise<number> {
  const { directory, files } = checkOutFactory(options.factory);
  const root = fromStart(directory);
  const factory = loadFactory(configurationFiles(files));
  const stacks = stacksOf(options, accountsOf(factory));
  if (stacks.includes(STACKS.hub) && options.downgrade !== true)
    await refuseDowngrade(factory.hub, options, outside, output);
  output.print(`${stacks.join(', ')}\n`);
  const synthesised = mkdtempSync(join(tmpdir(), 'packleader-deploy-'));
  try {
    return await shownAndDeployed({ root, stacks, synthesised }, options, output, outside);
  } finally {
    rmSync(synthesised, { recursive: true, force: true });
  }
}

interface Work {
  /** Of the factory. */
  readonly root: string;
  readonly stacks: readonly string[];
  /** Where the templates are kept between the two: what was shown is what is deployed. */
  readonly synthesised: string;
}

async function shownAndDeployed(
  { root, stacks, synthesised }: Work,
  options: DeployOptions,
  output: Output,
  { cdk, confirm }: Outside,
): Promise<number> {
  // Where package.json is, and beside it packleader.config.
  const directory = projectOf(root) ?? root;
  const profile = options.profile === undefined ? [] : ['--profile', options.profile];
  const made = ['--app', APP, '--context', `factory=${root}`, '--output', synthesised, ...profile];
  if ((await cdk(['diff', ...made, ...stacks], directory)) !== 0) return EXIT.notDeployed;
  if (options.dryRun) return EXIT.released;
  const isAgreed = options.yes === true || (await confirm(`Deploy ${stacks.join(', ')}?`));
  if (isAgreed === undefined)
    throw refuse(
      '--yes',
      'is not said, and nobody is at a terminal to be asked; say --yes, or --dry-run to see what would change',
    );
  if (!isAgreed) {
    output.complain('nothing was deployed\n');
    return EXIT.refused;
  }
  // New tasks of the hub need permissions that new targets give; the CDK's own order is by name.
  const isHub = (stack: string) => stack === STACKS.hub;
  const steps = [stacks.filter((stack) => !isHub(stack)), stacks.filter(isHub)];
  const taken = options.importExistingResources === true ? ['--import-existing-resources'] : [];
  for (const step of steps.filter(({ length }) => length > 0)) {
    const args = ['--app', synthesised, ...profile, '--require-approval', 'never', ...taken, ...step];
    if ((await cdk(['deploy', ...args], directory)) === 0) continue;
    output.complain('the CDK failed; what it did stands above, and `packleader deploy` goes on from there\n');
    return EXIT.notDeployed;
  }
  return EXIT.released;
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
  return [...named.map(STACKS.target), ...(all || hub === true ? [STACKS.hub] : [])];
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
  else if (version !== undefined && isNewer(PACKAGE_VERSION, version))
    output.print(upgradeText(version, output));
}

/** What the changelog says of the way to this package, of what is deployed. */
function upgradeText(from: string, { paint }: Output): string {
  const notes = notesBetween(shippedNotes(), from, PACKAGE_VERSION, { unreleased: true });
  const lines = notes
    .filter(({ about }) => about === 'Deploy')
    .map((note) => `  ${paint('dim', note.version)}  ${note.text}\n`);
  return `the hub was deployed by packleader ${from}, and this is ${PACKAGE_VERSION}\n${lines.join('')}`;
}

/**
 * As the CDK takes it: one command, which a shell splits. Its command line takes quotes at both ends of a value away, which would
 * leave one word of the two: a space after the last one keeps them.
 */
const APP = [
  process.execPath,
  fileURLToPath(new URL(`../../../workflow/app${extname(import.meta.filename)}`, import.meta.url)),
]
  .map((part) => `${JSON.stringify(part)} `)
  .join('');

async function runCdk(args: readonly string[], directory: string): Promise<number> {
  const program = join(dirname(fileURLToPath(import.meta.resolve('aws-cdk/package.json'))), 'bin', 'cdk');
  const child = spawn(process.execPath, [program, ...args], { cwd: resolve(directory), stdio: 'inherit' });
  const [status] = await once(child, 'close');
  return typeof status === 'number' ? status : 1;
}
