/**
 * CodeBuild on this machine: the projects of the synthesised stacks, whose buildspecs run in bash, with the credentials of the
 * project's role. moto has the API of CodeBuild, but runs nothing. The SDK's clients find it by AWS_ENDPOINT_URL_CODEBUILD.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { type Artifacts, upload } from './artifacts.ts';
import { atEnd, killGroup } from './at-end.ts';
import { freePort } from '../fixtures/ports.ts';
import type { Credentials, Moto } from './moto.ts';

/** A project as a synthesised template has it. */
export interface Project {
  readonly accountId: string;
  readonly name: string;
  readonly role: string;
  readonly buildSpec: string;
  readonly artifacts?: Artifacts;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Build {
  readonly id: string;
  readonly arn: string;
  readonly project: Project;
  readonly environment: Readonly<Record<string, string>>;
  readonly startedAt: number;
  readonly token: string | undefined;
  readonly directory: string;
  endedAt?: number;
  status: 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'STOPPED';
  failure?: { readonly phase: string; readonly message: string };
  exported: Readonly<Record<string, string>>;
  process?: ChildProcess;
}

export interface CodeBuildOptions {
  readonly moto: Pick<Moto, 'endpoint' | 'assume' | 'accountOf'>;
  readonly region: string;
  readonly projects: readonly Project[];
  readonly directory: string;
  /** What the build image has: PATH and the like. */
  readonly environment: NodeJS.ProcessEnv;
  /** Called when a build starts to run; what it returns is called when it has ended. */
  readonly onBuild?: (build: Build, credentials: NodeJS.ProcessEnv) => () => void | Promise<void>;
}

const buildSpecSchema = z.object({
  env: z.object({ shell: z.literal('bash'), 'exported-variables': z.array(z.string()) }),
  phases: z.record(
    z.string(),
    z.object({ commands: z.array(z.string()), finally: z.array(z.string()).default([]) }),
  ),
  artifacts: z.object({ 'base-directory': z.string(), files: z.tuple([z.literal('**/*')]) }).optional(),
});

const startBuildSchema = z.object({
  projectName: z.string(),
  idempotencyToken: z.string().optional(),
  environmentVariablesOverride: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
});
const idsSchema = z.object({ ids: z.array(z.string()) });
const idSchema = z.object({ id: z.string() });
const listSchema = z.object({ projectName: z.string(), sortOrder: z.string().optional() });

export class CodeBuild {
  readonly endpoint: string;
  readonly #options: CodeBuildOptions;
  readonly #builds: Build[] = [];
  /** Kept until the options of the next case say otherwise. */
  onBuild: CodeBuildOptions['onBuild'];

  private constructor(options: CodeBuildOptions, endpoint: string) {
    this.endpoint = endpoint;
    this.#options = options;
    this.onBuild = options.onBuild;
  }

  static async start(options: CodeBuildOptions): Promise<CodeBuild> {
    const port = await freePort();
    const codeBuild = new CodeBuild(options, `http://127.0.0.1:${port}`);
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
        const input: unknown = JSON.parse(Buffer.concat(chunks).toString());
        codeBuild.#answer(operation, input, request.headers.authorization ?? '').then(
          (output) =>
            response.setHeader('content-type', 'application/x-amz-json-1.1').end(JSON.stringify(output)),
          (error: unknown) => {
            const { name, message } = error instanceof Error ? error : new Error(String(error));
            response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
            response.end(JSON.stringify({ __type: name, message }));
          },
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    server.unref();
    process.env['AWS_ENDPOINT_URL_CODEBUILD'] = codeBuild.endpoint;
    return codeBuild;
  }

  get builds(): readonly Build[] {
    return this.#builds;
  }

  async #answer(operation: string, input: unknown, authorization: string): Promise<unknown> {
    const accountId = await this.#options.moto.accountOf(authorization);
    const builds = this.#builds.filter(({ project }) => project.accountId === accountId);
    if (operation === 'StartBuild') {
      const { projectName, idempotencyToken, environmentVariablesOverride } = startBuildSchema.parse(input);
      const project = this.#project(accountId, projectName);
      const same = builds.find(({ token }) => token !== undefined && token === idempotencyToken);
      const overrides = environmentVariablesOverride.map(({ name, value }) => [name, value] as const);
      return {
        build: view(
          same ?? (await this.#startBuild(project, Object.fromEntries(overrides), idempotencyToken)),
        ),
      };
    }
    if (operation === 'BatchGetBuilds') {
      const { ids } = idsSchema.parse(input);
      return { builds: builds.filter(({ id }) => ids.includes(id)).map(view) };
    }
    if (operation === 'ListBuildsForProject') {
      const { projectName, sortOrder } = listSchema.parse(input);
      const project = this.#project(accountId, projectName);
      const ids = builds.filter((build) => build.project === project).map(({ id }) => id);
      return { ids: sortOrder === 'ASCENDING' ? ids : ids.reverse() };
    }
    if (operation === 'StopBuild') {
      const { id } = idSchema.parse(input);
      const build = builds.find((one) => one.id === id);
      if (!build) throw named('ResourceNotFoundException', `Build cannot be found: ${id}`);
      if (build.status === 'IN_PROGRESS') {
        build.status = 'STOPPED';
        killGroup(build.process?.pid);
      }
      return { build: view(build) };
    }
    throw named('InvalidInputException', `There is no ${operation} here.`);
  }

  #project(accountId: string, name: string): Project {
    const found = this.#options.projects.find(
      (project) => project.accountId === accountId && project.name === name,
    );
    if (!found) throw named('ResourceNotFoundException', `Project cannot be found: ${accountId} ${name}`);
    return found;
  }

  async #startBuild(
    project: Project,
    overrides: Readonly<Record<string, string>>,
    token: string | undefined,
  ): Promise<Build> {
    const { region, moto, environment } = this.#options;
    const id = `${project.name}:${randomUUID()}`;
    const directory = join(this.#options.directory, id.replace(':', '-'));
    await mkdir(join(directory, 'work'), { recursive: true });
    const credentials = await moto.assume(project.accountId, project.role);
    const build: Build = {
      id,
      arn: `arn:aws:codebuild:${region}:${project.accountId}:build/${id}`,
      project,
      environment: { ...project.environment, ...overrides },
      startedAt: Date.now(),
      token,
      directory,
      status: 'IN_PROGRESS',
      exported: {},
    };
    this.#builds.push(build);
    const identity = {
      CODEBUILD_BUILD_ARN: build.arn,
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
    };
    void this.#run(
      build,
      { ...environment, HOME: directory, ...identity, ...build.environment },
      identity,
      credentials,
    );
    return build;
  }

  async #run(
    build: Build,
    environment: NodeJS.ProcessEnv,
    identity: NodeJS.ProcessEnv,
    credentials: Credentials,
  ): Promise<void> {
    const ended = this.onBuild?.(build, identity);
    try {
      await this.#execute(build, environment, credentials);
    } catch (error) {
      build.failure = {
        phase: 'PROVISIONING',
        message: error instanceof Error ? error.message : String(error),
      };
      build.status = 'FAILED';
    }
    await ended?.();
    build.endedAt = Date.now();
  }

  async #execute(build: Build, environment: NodeJS.ProcessEnv, credentials: Credentials): Promise<void> {
    const spec = buildSpecSchema.parse(parse(build.project.buildSpec));
    await writeFile(join(build.directory, 'build.sh'), driverOf(spec));
    const log = createWriteStream(join(build.directory, 'log'));
    const child = spawn('bash', ['../build.sh'], {
      cwd: join(build.directory, 'work'),
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    build.process = child;
    const forget = atEnd(() => killGroup(child.pid));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
    forget();
    if (build.status !== 'IN_PROGRESS') return;
    const file = join(build.directory, 'failure');
    const [phase = '', message = ''] = existsSync(file) ? (await readFile(file, 'utf8')).split('\t') : [];
    if (code === 0) {
      const text = await readFile(join(build.directory, 'exported'), 'utf8');
      build.exported = Object.fromEntries(
        text
          .split('\0')
          .filter(Boolean)
          .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
      );
    } else {
      build.failure = { phase: phase || 'BUILD', message: message || 'The build container was killed.' };
    }
    const { artifacts } = build.project;
    if (artifacts !== undefined && spec.artifacts !== undefined) {
      await upload(build, artifacts, spec.artifacts['base-directory'], credentials).catch(
        (error: unknown) => {
          build.failure ??= { phase: 'UPLOAD_ARTIFACTS', message: String(error) };
        },
      );
    }
    build.status = build.failure === undefined ? 'SUCCEEDED' : 'FAILED';
  }
}

/**
 * The phases in one bash, as in CodeBuild: a command that fails ends its phase, `finally` runs all the same, and the phases
 * after it are left out.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
function driverOf({ env, phases }: z.infer<typeof buildSpecSchema>): string {
  const lines = Object.entries(phases).flatMap(([phase, { commands, finally: last }]) => [
    'if [ "$failed" = 0 ]; then',
    ...commands.map((command, index) => step(phase, `phase_${phase}_${index}`, command)),
    'phase_failed=$failed',
    ...last.map((command, index) => `failed=0\n${step(phase, `finally_${phase}_${index}`, command)}`),
    '[ "$phase_failed" = 0 ] || failed=1',
    'fi',
  ]);
  const exported = env['exported-variables'].map((name) => `printf '%s=%s\\0' ${name} "\${${name}-}"`);
  return `${[
    'failed=0',
    'fail() { failed=1; [ -e ../failure ] || printf "%s\\tError while executing command: %s. Reason: exit status %s" "$@" >../failure; }',
    ...lines,
    `{ ${exported.join('; ')}; } >../exported`,
    'exit "$failed"',
  ].join('\n')}\n`;
}

/** A function, so that a here-document keeps its delimiter at the beginning of a line. */
function step(phase: string, name: string, command: string): string {
  const shown = (command.split('\n')[0] ?? '').replaceAll("'", '"');
  return [
    `${name}() {`,
    command,
    '}',
    `if [ "$failed" = 0 ]; then ${name} || fail ${phase.toUpperCase()} '${shown}' "$?"; fi`,
  ].join('\n');
}

function view(build: Build): Record<string, unknown> {
  const phase = build.failure && {
    phaseType: build.failure.phase,
    phaseStatus: 'FAILED',
    contexts: [{ statusCode: 'COMMAND_EXECUTION_ERROR', message: build.failure.message }],
  };
  const complete = build.endedAt !== undefined;
  return {
    id: build.id,
    arn: build.arn,
    // A build counts as running until what it ran is gone.
    buildStatus: complete ? build.status : 'IN_PROGRESS',
    buildComplete: complete,
    projectName: build.project.name,
    startTime: build.startedAt / 1000,
    ...(build.endedAt !== undefined && { endTime: build.endedAt / 1000 }),
    phases: phase ? [phase] : [],
    environment: {
      environmentVariables: Object.entries(build.environment).map(([name, value]) => ({
        name,
        value,
        type: 'PLAINTEXT',
      })),
    },
    exportedEnvironmentVariables: Object.entries(build.exported).map(([name, value]) => ({ name, value })),
    logs: { deepLink: `file://${build.directory}/log` },
  };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
