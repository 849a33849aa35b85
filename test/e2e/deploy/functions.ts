/**
 * Lambda on this machine: the zip that was deployed, with its handler string, its environment and the credentials of its role, in a
 * process that speaks Lambda's runtime interface. moto would run it in a container.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { unzipSync } from 'fflate';
import { STATUS_APIS } from '../../../core/contract/telling.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { atEnd, killGroup } from '../at-end.ts';
import type { Credentials, Moto } from '../moto.ts';
import type { Inventory } from './inventory.ts';
import { COMMIT_STATUS } from './repository.ts';
import { portOf } from '../../fixtures/ports.ts';

export type DeployedFunction = Inventory['functions'][number];

export interface FunctionsOptions {
  readonly moto: Moto;
  readonly functions: readonly DeployedFunction[];
  readonly directory: string;
  /** Where the functions find AWS. */
  readonly endpoint: string;
  /** Where they find what stands for the API that statuses of commits are set by. */
  readonly provider: string;
  readonly session: (of: DeployedFunction) => Promise<Credentials>;
}

/** What became of an invocation: the payload is JSON. */
export interface Invoked {
  readonly payload: string;
  readonly failed: boolean;
}

interface Invocation {
  readonly id: string;
  readonly event: string;
  readonly deadline: number;
}

/** One process, which has one invocation at a time. */
interface Environment {
  readonly process: ChildProcess;
  isBusy: boolean;
  /** What the runtime did not ask for yet. */
  pending?: Invocation | undefined;
  /** The runtime's question for the next one. */
  asking?: ServerResponse | undefined;
  done?: (invoked: Invoked) => void;
}

export class Functions {
  readonly #options: FunctionsOptions;
  readonly #environments = new Map<string, Environment[]>();

  constructor(options: FunctionsOptions) {
    this.#options = options;
  }

  /** Unpacks every function's zip: the one in the bucket of assets whose SHA-256 Lambda tells. */
  async load(): Promise<void> {
    const { moto, functions, directory } = this.#options;
    const s3 = new S3Client(await moto.observer(HUB));
    const Bucket = `cdk-hnb659fds-assets-${HUB.accountId}-${HUB.region}`;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    const zips = new Map<string, Uint8Array>();
    for (const { Key = '' } of Contents.filter((one) => one.Key?.endsWith('.zip'))) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      const zip = (await Body?.transformToByteArray()) ?? new Uint8Array();
      zips.set(createHash('sha256').update(zip).digest('base64'), zip);
    }
    for (const { name, sha256 } of functions) {
      const zip = zips.get(sha256);
      if (!zip) throw new Error(`The code of ${name} is in no asset.`);
      for (const [file, bytes] of Object.entries(unzipSync(zip))) {
        const path = join(directory, name, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      }
    }
  }

  find(nameOrArn: string): DeployedFunction | undefined {
    const name = nameOrArn.split(':function:').at(-1);
    return this.#options.functions.find((one) => one.name === name);
  }

  async invoke(of: DeployedFunction, event: string): Promise<Invoked> {
    const environments = this.#environments.get(of.name) ?? [];
    this.#environments.set(of.name, environments);
    const environment = environments.find(({ isBusy }) => !isBusy) ?? (await this.#start(of, environments));
    environment.isBusy = true;
    const milliseconds = of.timeout * 1000;
    let timer: NodeJS.Timeout | undefined;
    const invoked = await new Promise<Invoked>((resolve) => {
      environment.done = resolve;
      timer = setTimeout(() => {
        resolve(failure('Sandbox.Timedout', `Task timed out after ${of.timeout}.00 seconds`));
        killGroup(environment.process.pid);
      }, milliseconds);
      environment.pending = { id: randomUUID(), event, deadline: Date.now() + milliseconds };
      hand(environment, of);
    });
    clearTimeout(timer);
    environment.isBusy = false;
    return invoked;
  }

  async #start(of: DeployedFunction, environments: Environment[]): Promise<Environment> {
    const { directory, endpoint, provider, session } = this.#options;
    const { accessKeyId, secretAccessKey, sessionToken } = await session(of);
    const server = createServer((request, response) => void answer(environment, of, request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    const port = portOf(server);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'runtime.mjs')], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Nothing of this process's own: what Lambda sets, and what was deployed.
      env: {
        ...of.environment,
        _HANDLER: of.handler,
        LAMBDA_TASK_ROOT: join(directory, of.name),
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        AWS_LAMBDA_FUNCTION_NAME: of.name,
        AWS_REGION: HUB.region,
        AWS_DEFAULT_REGION: HUB.region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        // What Lambda does not set.
        AWS_ENDPOINT_URL: endpoint,
        E2E_PROVIDER: STATUS_APIS[COMMIT_STATUS.provider],
        E2E_PROVIDER_STAND_IN: provider,
      },
    });
    atEnd(() => killGroup(child.pid));
    const log = createWriteStream(join(directory, `${of.name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const environment: Environment = { process: child, isBusy: true };
    environments.push(environment);
    child.on('exit', (code) => {
      environment.done?.(failure('Runtime.ExitError', `Runtime exited with error: exit status ${code}`));
      environments.splice(environments.indexOf(environment), 1);
    });
    return environment;
  }
}

/** Gives the runtime what it asked for, once both are there. */
function hand(environment: Environment, of: DeployedFunction): void {
  const { pending, asking } = environment;
  if (!pending || !asking) return;
  environment.pending = undefined;
  environment.asking = undefined;
  asking.writeHead(200, {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': pending.id,
    'lambda-runtime-deadline-ms': String(pending.deadline),
    'lambda-runtime-invoked-function-arn': of.arn,
  });
  asking.end(pending.event);
}

async function answer(
  environment: Environment,
  of: DeployedFunction,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url?.endsWith('/next') === true) {
    environment.asking = response;
    hand(environment, of);
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const failed = request.url?.endsWith('/error') === true;
  environment.done?.({ payload: Buffer.concat(chunks).toString(), failed });
  response.writeHead(202).end();
}

const failure = (errorType: string, errorMessage: string): Invoked => ({
  payload: JSON.stringify({ errorType, errorMessage }),
  failed: true,
});
