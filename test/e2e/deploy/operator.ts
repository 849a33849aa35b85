/** Somebody who releases from a terminal or a program. They may do what docs/releasing.md and docs/sweeping.md say they need, and no more. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SFNClient } from '@aws-sdk/client-sfn';
import { NAMES } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import type { Moto } from '../moto.ts';
import { ROOT, administratorOf, typed } from './accounts.ts';
import type { Gate } from './gate.ts';

const ROLE = 'packleader-operator';

/** Makes the role, as an administrator of the hub does. */
export async function makeOperator(moto: Moto, aws: string): Promise<void> {
  const env = await administratorOf(moto, HUB.accountId);
  const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: HUB.accountId } };
  const named = ['--role-name', ROLE];
  await typed(aws, ['iam', 'create-role', ...named, '--assume-role-policy-document', policy([trust])], {
    env,
  });
  const document = ['--policy-name', 'documented', '--policy-document', policy(documented())];
  await typed(aws, ['iam', 'put-role-policy', ...named, ...document], { env });
}

const policy = (Statement: readonly unknown[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement });

/** What the documentation says, which is for this hub: its policies in JSON, and what it says of sweeping in words. */
function documented(): unknown[] {
  const page = readFileSync(join(ROOT, 'docs', 'releasing.md'), 'utf8');
  const [, section = ''] = page.split('## What an operator needs');
  const [, block = ''] = /```json\n([^]*?)```/.exec(section) ?? [];
  const { Statement } = JSON.parse(block);
  const approving = readFileSync(join(ROOT, 'docs', 'approving.md'), 'utf8');
  const [, needed = ''] = approving.split('## What it takes');
  const [, indented = ''] = /\n((?: {4}.*\n)+)/.exec(needed) ?? [];
  const [sweeps, executions] = ['stateMachine', 'execution'].map(
    (kind) => `arn:aws:states:${HUB.region}:${HUB.accountId}:${kind}:${NAMES.sweepMachine}`,
  );
  return [
    ...Statement,
    ...JSON.parse(indented).Statement,
    { Effect: 'Allow', Action: 'states:StartExecution', Resource: sweeps },
    { Effect: 'Allow', Action: 'states:GetExecutionHistory', Resource: `${executions}:*` },
  ];
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Operator {
  readonly #gate: Gate;
  readonly #repository: string;

  constructor(gate: Gate, repository: string) {
    this.#gate = gate;
    this.#repository = repository;
  }

  /** For a program. */
  async client(): Promise<SFNClient> {
    const credentials = await this.#gate.signIn(HUB.accountId, ROLE);
    return new SFNClient({ region: HUB.region, endpoint: this.#gate.endpoint, credentials });
  }

  /** `packleader …`, typed in the team's repository. */
  async types(...args: readonly string[]): Promise<Ran> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.#gate.signIn(HUB.accountId, ROLE);
    const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
    const child = spawn(process.execPath, [join(ROOT, 'cli', 'packleader.ts'), ...args], {
      cwd: this.#repository,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(ours),
        NO_COLOR: '1',
        AWS_ENDPOINT_URL: this.#gate.endpoint,
        AWS_REGION: HUB.region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      },
    });
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { status, stdout, stderr };
  }
}
