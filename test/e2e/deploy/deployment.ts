/** What deploys a factory: the CDK CLI, typed as docs/deploying.md has it. */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { STACKS } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import type { Moto } from '../moto.ts';
import { ROOT, administratorOf, typed } from './accounts.ts';

/** Who deploys a StackSet. moto has no organisation. */
const STACK_SET = STACKS.target('').replace(/-$/, '');

const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** A packleader that deploys. */
export interface Program {
  /** Where the programs are that the CDK runs, and how their names end. */
  readonly workflow: string;
  readonly extension: 'js' | 'ts';
  /** Its command line, where a team deploys with that. */
  readonly cli?: string;
}

export const checkout = (directory: string): Program => ({
  workflow: join(directory, 'workflow'),
  extension: 'ts',
});

/** @param directory the package, in a team's node_modules */
export const installed = (directory: string) => ({
  workflow: join(directory, 'dist', 'workflow'),
  extension: 'js' as const,
  cli: join(directory, 'dist', 'cli', 'packleader.js'),
});

export class Deployment {
  readonly #moto: Moto;
  readonly #repository: string;
  readonly #program: Program;
  readonly #hub: string;

  /** @param hub the account of the hub */
  constructor(moto: Moto, repository: string, program: Program, hub: string = HUB.accountId) {
    this.#moto = moto;
    this.#repository = repository;
    this.#program = program;
    this.#hub = hub;
  }

  /** Synthesises once; what is deployed afterwards, by different people, is that. */
  async synthesise(): Promise<void> {
    rmSync(join(this.#repository, 'cdk.out'), { recursive: true, force: true });
    await this.#cdk(this.#hub, 'synth', '--quiet', '--app', this.#app('app'));
  }

  async bootstrap(accountId: string): Promise<void> {
    await this.#cdk(
      accountId,
      'bootstrap',
      `aws://${accountId}/${HUB.region}`,
      ...this.#synthesised(accountId),
    );
  }

  async deploy(accountId: string): Promise<void> {
    const { cli } = this.#program;
    if (cli !== undefined) {
      const which = accountId === this.#hub ? ['--hub'] : ['--account', accountId];
      const env = await administratorOf(this.#moto, accountId);
      await typed(process.execPath, [cli, 'deploy', ...which, '--yes'], { cwd: this.#repository, env });
      return;
    }
    await this.#cdk(
      accountId,
      'deploy',
      this.#stackOf(accountId),
      ...this.#synthesised(accountId),
      ...QUIETLY,
    );
  }

  /** As docs/deploying.md removes a stack, which needs no factory any more. */
  async remove(aws: string, accountId: string): Promise<void> {
    const env = await administratorOf(this.#moto, accountId);
    const named = ['--stack-name', this.#stackOf(accountId)];
    await typed(aws, ['cloudformation', 'delete-stack', ...named], { env });
    await typed(aws, ['cloudformation', 'wait', 'stack-delete-complete', ...named], { env });
  }

  /** The template for any account, which `npm run target-template` writes. */
  async targetTemplate(): Promise<string> {
    const output = join(this.#repository, 'cdk.out.stack-set');
    const app = this.#app('target-template');
    await this.#cdk(this.#hub, 'synth', '--quiet', '--app', app, '--output', output);
    return join(output, 'packleader-target.template.json');
  }

  async createStackSet(aws: string, template: string): Promise<void> {
    await this.#aws(
      aws,
      'create-stack-set',
      '--capabilities',
      'CAPABILITY_NAMED_IAM',
      '--template-body',
      `file://${template}`,
    );
  }

  async updateStackSet(aws: string, template: string): Promise<void> {
    await this.#aws(
      aws,
      'update-stack-set',
      '--capabilities',
      'CAPABILITY_NAMED_IAM',
      '--template-body',
      `file://${template}`,
    );
  }

  /** `--deployment-targets OrganizationalUnitIds=…` in the docs; moto has no organisation. */
  async addInstance(aws: string, accountId: string): Promise<void> {
    await this.#aws(aws, 'create-stack-instances', '--regions', HUB.region, '--accounts', accountId);
  }

  async removeInstance(aws: string, accountId: string): Promise<void> {
    await this.#aws(
      aws,
      'delete-stack-instances',
      '--regions',
      HUB.region,
      '--accounts',
      accountId,
      '--no-retain-stacks',
    );
  }

  async #aws(aws: string, command: string, ...args: readonly string[]): Promise<void> {
    const env = await administratorOf(this.#moto, HUB.accountId);
    await typed(aws, ['cloudformation', command, '--stack-set-name', STACK_SET, ...args], { env });
  }

  #stackOf(accountId: string): string {
    return accountId === this.#hub ? STACKS.hub : STACKS.target(accountId);
  }

  #app(name: string): string {
    const { workflow, extension } = this.#program;
    return `${process.execPath} ${join(workflow, `${name}.${extension}`)}`;
  }

  /** Several CLIs at the same time would write into one directory. */
  #synthesised(accountId: string): string[] {
    const own = join(this.#repository, `cdk.out.${accountId}`);
    const synthesised = join(this.#repository, 'cdk.out');
    if (!existsSync(synthesised)) throw new Error('Nothing is synthesised yet.');
    rmSync(own, { recursive: true, force: true });
    cpSync(synthesised, own, { recursive: true });
    return ['--app', own];
  }

  async #cdk(accountId: string, ...args: readonly string[]): Promise<void> {
    const env = await administratorOf(this.#moto, accountId);
    await typed(process.execPath, [CDK, ...args, '--ci', '--no-notices'], { cwd: this.#repository, env });
  }
}

const QUIETLY = ['--require-approval', 'never', '--progress', 'events'];
