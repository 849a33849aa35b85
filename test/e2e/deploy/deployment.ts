/** What deploys a factory: the CDK CLI, typed as docs/deploying.md has it. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { STACKS } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import type { Moto } from '../moto.ts';
import { ROOT, administratorOf, typed } from './accounts.ts';

/** Who deploys a StackSet. moto has no organisation. */
const STACK_SET = STACKS.target('').replace(/-$/, '');

const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** From which checkout of packleader the repository is deployed. */
export function useProgram(directory: string, program: string): void {
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(program, 'cdk.json'), 'utf8')));
  const app = `${process.execPath} ${join(program, 'workflow', 'app.ts')}`;
  writeFileSync(join(directory, 'cdk.json'), JSON.stringify({ app, context }));
}

export class Deployment {
  readonly #moto: Moto;
  readonly #repository: string;

  constructor(moto: Moto, repository: string) {
    this.#moto = moto;
    this.#repository = repository;
  }

  /** Synthesises once; what is deployed afterwards, by different people, is that. */
  async synthesise(): Promise<void> {
    rmSync(join(this.#repository, 'cdk.out'), { recursive: true, force: true });
    await this.#cdk(HUB.accountId, 'synth', '--quiet');
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
    await this.#cdk(accountId, 'deploy', stackOf(accountId), ...this.#synthesised(accountId), ...QUIETLY);
  }

  async destroy(accountId: string): Promise<void> {
    await this.#cdk(accountId, 'destroy', stackOf(accountId), ...this.#synthesised(accountId), '--force');
  }

  /** The template for any account, which `npm run target-template` writes. */
  async targetTemplate(program: string = ROOT): Promise<string> {
    const output = join(this.#repository, 'cdk.out', 'stack-set');
    const app = `${process.execPath} ${join(program, 'workflow', 'target-template.ts')}`;
    await this.#cdk(HUB.accountId, 'synth', '--quiet', '--app', app, '--output', output);
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

const stackOf = (accountId: string): string =>
  accountId === HUB.accountId ? STACKS.hub : STACKS.target(accountId);
