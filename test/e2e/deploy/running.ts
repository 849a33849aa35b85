/** What was deployed, running: machines, functions and builds, each with its role, behind the gate. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  type DescribeExecutionOutput,
  ListExecutionsCommand,
} from '@aws-sdk/client-sfn';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { keys } from '../../../core/contract/keys.ts';
import { roleArn } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { CodeBuild, type Project } from '../code-build.ts';
import type { MadeFactory } from '../factory.ts';
import type { Installation } from '../installation.ts';
import type { Moto } from '../moto.ts';
import { buildImage } from '../release.ts';
import { Functions } from './functions.ts';
import type { Gate } from './gate.ts';
import { HandOver } from './hand-over.ts';
import { Judge } from './judge.ts';
import type { Inventory } from './inventory.ts';
import { askQueue } from './queue.ts';
import type { RunCommand } from './run-command.ts';
import type { Inventories } from './read-back.ts';

export interface RunningOptions {
  readonly moto: Moto;
  readonly gate: Gate;
  readonly inventories: Inventories;
  readonly installation: Pick<Installation, 'bin' | 'packer'>;
  readonly made: Pick<MadeFactory, 'repository'>;
  readonly directory: string;
  readonly runCommand: RunCommand;
  /** What stands for the API of the repository's provider. */
  readonly provider: string;
  /** What was needed before, of what is deployed: some sessions last. */
  readonly used?: Set<string>;
}

/** The longest that an execution takes here. */
const LONGEST_MS = 600_000;

interface Parts {
  readonly judge: Judge;
  readonly functions: Functions;
  readonly codeBuild: CodeBuild;
  readonly handOver: HandOver;
}

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export class Running {
  readonly moto: Moto;
  readonly gate: Gate;
  readonly judge: Judge;
  readonly functions: Functions;
  readonly codeBuild: CodeBuild;
  readonly handOver: HandOver;
  readonly #inventories: Inventories;
  readonly #executions = new Map<string, Execution>();
  #client: Promise<SFNClient> | undefined;

  private constructor(
    { moto, gate, inventories }: RunningOptions,
    { judge, functions, codeBuild, handOver }: Parts,
  ) {
    this.moto = moto;
    this.#inventories = inventories;
    this.handOver = handOver;
    this.gate = gate;
    this.judge = judge;
    this.functions = functions;
    this.codeBuild = codeBuild;
  }

  static async start(options: RunningOptions): Promise<Running> {
    const { moto, gate, inventories, installation, made, directory, runCommand, provider } = options;
    const judge = new Judge(inventories, options.used);
    const functions = new Functions({
      moto,
      functions: inventories.get(HUB.accountId)?.functions ?? [],
      directory: join(directory, 'functions'),
      endpoint: gate.endpoint,
      provider,
      session: async ({ role, arn }) => gate.session(role, 'lambda', arn),
    });
    await functions.load();
    const builds = join(directory, 'builds');
    mkdirSync(builds);
    const codeBuild = await CodeBuild.start({
      moto: {
        endpoint: gate.endpoint,
        assume: async (accountId, role) =>
          gate.session(roleArn(accountId, role), 'codebuild', projectOf(inventories, accountId, role)),
        accountOf: async (authorization) => moto.accountOf(authorization),
      },
      region: HUB.region,
      projects: projectsIn(inventories),
      directory: builds,
      environment: buildImage(installation, directory, made),
    });
    const handOver = new HandOver({ moto, gate, functions, inventories });
    gate.open({ moto, judge, functions, handOver, codeBuild: codeBuild.endpoint, runCommand });
    // What CodeBuild itself uploads is judged as well.
    process.env['AWS_ENDPOINT_URL'] = gate.endpoint;
    delete process.env['AWS_ENDPOINT_URL_CODEBUILD'];
    return new Running(options, { judge, functions, codeBuild, handOver });
  }

  /** Whoever looks on. */
  async #sfn(): Promise<SFNClient> {
    this.#client ??= this.moto.observer(HUB).then((observer) => new SFNClient(observer));
    return this.#client;
  }

  async start(machine: string, input: unknown, name: string): Promise<string> {
    const sfn = await this.#sfn();
    const { executionArn = '' } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: machineArn(machine), name, input: JSON.stringify(input) }),
    );
    return executionArn;
  }

  async described(executionArn: string): Promise<DescribeExecutionOutput> {
    const sfn = await this.#sfn();
    return sfn.send(new DescribeExecutionCommand({ executionArn }));
  }

  async ended(executionArn: string): Promise<DescribeExecutionOutput> {
    const until = Date.now() + LONGEST_MS;
    while (Date.now() < until) {
      const found = await this.described(executionArn);
      if (found.status !== 'RUNNING') return found;
      await sleep(500);
    }
    throw new Error(`${executionArn} does not end.`);
  }

  /** Every execution of a machine, with its input. */
  async executionsOf(machine: string): Promise<Execution[]> {
    const sfn = await this.#sfn();
    const { executions = [] } = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn: machineArn(machine) }),
    );
    return Promise.all(executions.map(async ({ executionArn = '' }) => this.#executionAt(executionArn)));
  }

  /** The first execution of a machine that is so, once there is one. */
  async executionWhere(machine: string, isIt: (execution: Execution) => boolean): Promise<Execution> {
    const until = Date.now() + LONGEST_MS;
    while (Date.now() < until) {
      const found = (await this.executionsOf(machine)).find(isIt);
      if (found) return found;
      await sleep(500);
    }
    throw new Error(`No execution of ${machine} was started.`);
  }

  /** What the hub's stack says. */
  get webhookUrl(): string {
    const [url] = this.#hub().stacks.flatMap(({ outputs }) => outputs['WebhookUrl'] ?? []);
    if (url === undefined) throw new Error('The hub has no output WebhookUrl.');
    return url;
  }

  /** Puts an event on the hub's bus, as somebody who may. */
  async tell(entry: PutEventsRequestEntry): Promise<void> {
    await new EventBridgeClient(await this.moto.observer(HUB)).send(
      new PutEventsCommand({ Entries: [entry] }),
    );
  }

  /** The record of a release, and what its tests printed. */
  async keptOf(Bucket: string, releaseId: string): Promise<{ record: unknown; outputs: string[] }> {
    const s3 = new S3Client(await this.moto.observer(HUB));
    const [image = '', version = ''] = releaseId.split('@');
    const read = async (Key: string): Promise<string> =>
      (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? '';
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'tests/' }));
    const own = Contents.flatMap(({ Key = '' }) => (Key.includes(`/${image}-${version}`) ? [Key] : []));
    return {
      record: JSON.parse(await read(keys.released(image, version))),
      outputs: await Promise.all(own.map(read)),
    };
  }

  /** How many messages wait in a queue. */
  async waiting(name: string): Promise<number> {
    const { url: QueueUrl } = this.#hub().queues.find(({ arn }) => arn.endsWith(`:${name}`)) ?? {};
    const input = { QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] };
    const answer = await askQueue(await this.moto.observer(HUB), 'GetQueueAttributes', input);
    return Number(attributesSchema.parse(answer).Attributes.ApproximateNumberOfMessages);
  }

  #hub(): Inventory {
    const found = this.#inventories.get(HUB.accountId);
    if (!found) throw new Error('There is no hub.');
    return found;
  }

  async stop(executionArn: string): Promise<void> {
    const sfn = await this.#sfn();
    await sfn.send(new StopExecutionCommand({ executionArn }));
  }

  async #executionAt(arn: string): Promise<Execution> {
    const known = this.#executions.get(arn);
    if (known) return known;
    const { input = '{}' } = await this.described(arn);
    const execution = { arn, name: arn.split(':').at(-1) ?? '', input: JSON.parse(input) };
    this.#executions.set(arn, execution);
    return execution;
  }

  /** The states at the top of the machine's graph, in the order in which they were entered. */
  async pathOf(executionArn: string): Promise<string[]> {
    const sfn = await this.#sfn();
    const { stateMachineArn } = await this.described(executionArn);
    const { definition = '' } = await sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
    const { States } = graphSchema.parse(JSON.parse(definition));
    const { events = [] } = await sfn.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }),
    );
    const entered = events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
    return entered.filter((name) => name in States);
  }
}

const attributesSchema = z.object({ Attributes: z.object({ ApproximateNumberOfMessages: z.string() }) });
const graphSchema = z.object({ States: z.record(z.string(), z.unknown()) });

export const machineArn = (machine: string): string =>
  `arn:aws:states:${HUB.region}:${HUB.accountId}:stateMachine:${machine}`;

function projectOf(inventories: Inventories, accountId: string, role: string): string {
  const found = inventories
    .get(accountId)
    ?.projects.find(({ serviceRole }) => serviceRole === roleArn(accountId, role));
  return found?.arn ?? '';
}

function projectsIn(inventories: Inventories): Project[] {
  return [...inventories].flatMap(([accountId, { projects }]) =>
    projects.map(({ name, serviceRole, source, artifacts, environment }) => ({
      accountId,
      name,
      role: serviceRole.split('/').at(-1) ?? '',
      buildSpec: source.buildspec,
      ...(artifacts.type === 'S3' && {
        artifacts: { bucket: artifacts.location ?? '', path: artifacts.path ?? '' },
      }),
      environment: Object.fromEntries(
        environment.environmentVariables.map((variable) => [variable.name, variable.value]),
      ),
    })),
  );
}
