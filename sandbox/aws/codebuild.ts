import type {
  BatchGetBuildsCommandInput,
  BatchGetBuildsCommandOutput,
  BatchGetProjectsCommandInput,
  BatchGetProjectsCommandOutput,
  Build as BuildView,
  BuildPhaseType,
  ListBuildsForProjectCommandInput,
  ListBuildsForProjectCommandOutput,
  StartBuildCommandInput,
  StartBuildCommandOutput,
  StopBuildCommandInput,
  StopBuildCommandOutput,
  StatusType,
} from '@aws-sdk/client-codebuild';
import { logLink } from '../../core/aws/console-links.ts';
import { roleArn } from '../../core/contract/names.ts';
import type { Build, Phase, Project } from './builds.ts';
import { assumedRoleArn, type Context, type Output } from './context.ts';
import { awsError } from './errors.ts';
import { etagOf } from './s3.ts';
import { shutDownInstance } from './ec2/instances.ts';
import { page } from './page.ts';

const MINUTE = 60_000;
const TOKEN_LIFE_MS = 5 * MINUTE;
const PROVISIONING_MS = 20_000;

const codebuildError = (name: string, message: string): Error => awsError('codebuild', name, message);

/** The words of a young account's CodeBuild. */
const noBuildFree = (buildsAtOnce: number): Error =>
  codebuildError(
    'AccountLimitExceededException',
    `Cannot have more than ${buildsAtOnce} builds in queue for the account`,
  );

function projectOf({ place, region, accountId }: Context, name = ''): Project {
  const project = place.projects.get(name);
  if (project !== undefined) return project;
  throw codebuildError(
    'ResourceNotFoundException',
    `Project cannot be found: arn:aws:codebuild:${region}:${accountId}:project/${name}`,
  );
}

function startBuild(context: Context, input: StartBuildCommandInput): Output<StartBuildCommandOutput> {
  const { place, world, now } = context;
  const project = projectOf(context, input.projectName);
  const { idempotencyToken: token, ...rest } = input;
  const asked = JSON.stringify(rest);
  const same = [...place.builds.values()].find(
    (build) => token !== undefined && build.token === token && now - build.startedAt < TOKEN_LIFE_MS,
  );
  if (same !== undefined) {
    if (same.asked === asked) return { build: buildView(context, same) };
    throw codebuildError(
      'InvalidInputException',
      'The idempotency token was used before with different parameters',
    );
  }
  const running = [...place.builds.values()].filter(({ status }) => status === 'IN_PROGRESS').length;
  const { buildsAtOnce = Infinity } = place;
  if (running >= buildsAtOnce) throw noBuildFree(buildsAtOnce);
  const timeoutMinutes = input.timeoutInMinutesOverride ?? project.timeoutMinutes;
  if (timeoutMinutes < 5 || timeoutMinutes > 2_160) {
    throw codebuildError('InvalidInputException', 'Invalid timeout: it must be between 5 and 2160 minutes');
  }
  const number = [...place.builds.values()].filter((build) => build.project === project).length + 1;
  const hex = world.hex(`${place.accountId}/${place.region}/${project.name}/${String(number)}`, 32);
  const build: Build = {
    id: `${project.name}:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`,
    number,
    project,
    accountId: place.accountId,
    region: place.region,
    startedAt: now,
    startedBy: assumedRoleArn(context),
    timeoutMinutes,
    environment: {
      ...project.environment,
      ...Object.fromEntries(
        (input.environmentVariablesOverride ?? []).map(({ name = '', value = '' }) => [name, value]),
      ),
    },
    ...(input.sourceVersion === undefined ? {} : { sourceVersion: input.sourceVersion }),
    ...(token === undefined ? {} : { token }),
    asked,
    stop: new AbortController(),
    status: 'IN_PROGRESS',
    phases: [{ type: 'SUBMITTED', startedAt: now, endedAt: now, status: 'SUCCEEDED' }],
    exported: new Map(),
    left: new Map(),
    log: [],
  };
  place.builds.set(build.id, build);
  void runBuild(context, build);
  return { build: buildView(context, build) };
}

/** The reasons for which a build's signal is aborted. */
class BuildEnded extends Error {
  readonly status: StatusType;
  constructor(status: StatusType) {
    super(`The build is ${status}`);
    this.status = status;
  }
}

/**
 * Runs a build to its end. Once it was stopped or its time is up, nothing it does has an effect any more: like a
 * process that was killed.
 */
async function runBuild(context: Context, build: Build): Promise<void> {
  const { clock, invoke, world } = context;
  const { signal } = build.stop;
  const caller = {
    accountId: build.accountId,
    role: build.project.role,
    session: `AWSCodeBuild-${build.id.slice(-12)}`,
  };
  const watch = new AbortController();
  void timeOut(context, build, watch.signal);
  const killed = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new BuildEnded('FAULT'));
    });
  });
  const run = async (): Promise<void> => {
    enterPhase(build, 'PROVISIONING', clock.milliseconds());
    await clock.sleep(PROVISIONING_MS, signal);
    enterPhase(build, 'BUILD', clock.milliseconds());
    await build.project.run({
      id: build.id,
      accountId: build.accountId,
      region: build.region,
      environment: build.environment,
      signal,
      log: (line) => {
        if (!signal.aborted) build.log.push(line);
      },
      export: (name, value) => {
        if (!signal.aborted) build.exported.set(name, value);
      },
      sleep: async (ms) => clock.sleep(ms, signal),
      now: () => clock.now(),
      shutDown: (region, instanceId, afterMs) =>
        clock.after(afterMs, () =>
          shutDownInstance(
            { place: world.region(build.accountId, region), clock, now: clock.milliseconds() },
            instanceId,
          ),
        ),
      leave: (file, text) => {
        if (!signal.aborted) build.left.set(file, text);
      },
      call: async (service, operation, region, input) => {
        signal.throwIfAborted();
        const output = await invoke({ ...caller, region }, service, operation, input);
        signal.throwIfAborted();
        return output;
      },
    });
  };
  let status: StatusType = 'SUCCEEDED';
  let message = '';
  try {
    await Promise.race([run(), killed]);
  } catch (error) {
    status = error instanceof BuildEnded ? error.status : 'FAILED';
    message = error instanceof Error ? error.message : String(error);
  }
  watch.abort(new BuildEnded(status));
  upload(context, build);
  finish(build, status, message, clock.milliseconds());
}

/** CodeBuild does that itself, also after a failure. */
function upload({ world, clock }: Context, { id, project: { artifacts }, left }: Build): void {
  if (artifacts === undefined) return;
  const { objects } = world.buckets.get(artifacts.bucket) ?? {};
  for (const [file, text] of left) {
    const body = Buffer.from(text);
    const key = `${artifacts.path}/${id.slice(id.indexOf(':') + 1)}/${file}`;
    objects?.set(key, { body, etag: etagOf(body), at: clock.milliseconds(), metadata: {} });
  }
}

async function timeOut({ clock }: Context, build: Build, over: AbortSignal): Promise<void> {
  try {
    await clock.sleep(build.timeoutMinutes * MINUTE, over);
    build.stop.abort(new BuildEnded('TIMED_OUT'));
  } catch {
    // The build ended before its time was up.
  }
}

function enterPhase(build: Build, type: BuildPhaseType, at: number): void {
  endPhase(build, 'SUCCEEDED', '', at);
  build.phases.push({ type, startedAt: at });
}

function endPhase(build: Build, status: StatusType, message: string, at: number): void {
  const phase = build.phases.at(-1);
  if (phase === undefined || phase.endedAt !== undefined) return;
  phase.endedAt = at;
  phase.status = status;
  if (message !== '') phase.message = message;
}

function finish(build: Build, status: StatusType, message: string, at: number): void {
  endPhase(
    build,
    status,
    status === 'FAILED' ? `Error while executing command: ${message}. Reason: exit status 1` : message,
    at,
  );
  build.phases.push({ type: 'COMPLETED', startedAt: at });
  if (message !== '') build.log.push(message);
  build.status = status;
  build.endedAt = at;
}

function stopBuild(context: Context, input: StopBuildCommandInput): Output<StopBuildCommandOutput> {
  const build = context.place.builds.get(input.id ?? '');
  if (build === undefined) {
    throw codebuildError('ResourceNotFoundException', `Build cannot be found: ${input.id ?? ''}`);
  }
  if (build.status === 'IN_PROGRESS') build.stop.abort(new BuildEnded('STOPPED'));
  return { build: buildView(context, build) };
}

function batchGetBuilds(
  context: Context,
  input: BatchGetBuildsCommandInput,
): Output<BatchGetBuildsCommandOutput> {
  const ids = input.ids ?? [];
  if (ids.length === 0 || ids.length > 100) {
    throw codebuildError(
      'InvalidInputException',
      `Invalid number of build ids: ${String(ids.length)}, expected 1 to 100`,
    );
  }
  const { found, missing } = lookUp(context.place.builds, ids);
  return { builds: found.map((build) => buildView(context, build)), buildsNotFound: missing };
}

/** Builds and projects are asked for by name or by ARN. */
function lookUp<T>(
  things: ReadonlyMap<string, T>,
  ids: readonly string[],
): { found: T[]; missing: string[] } {
  const found: T[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const thing = things.get(id.replace(/^arn:aws:codebuild:[^:]*:\d*:(build|project)\//, ''));
    if (thing === undefined) missing.push(id);
    else found.push(thing);
  }
  return { found, missing };
}

function listBuildsForProject(
  context: Context,
  input: ListBuildsForProjectCommandInput,
): Output<ListBuildsForProjectCommandOutput> {
  const project = projectOf(context, input.projectName);
  const ids = [...context.place.builds.values()]
    .filter((build) => build.project === project)
    .map(({ id }) => id);
  if (input.sortOrder !== 'ASCENDING') ids.reverse();
  const { nextToken: token, ...rest } = input;
  const { items, nextToken } = page(ids, 100, token, rest, () =>
    codebuildError('InvalidInputException', 'Invalid next token'),
  );
  return { ids: items, ...(nextToken === undefined ? {} : { nextToken }) };
}

function batchGetProjects(
  context: Context,
  input: BatchGetProjectsCommandInput,
): Output<BatchGetProjectsCommandOutput> {
  const { found, missing } = lookUp(context.place.projects, input.names ?? []);
  return {
    projects: found.map((project) => ({
      name: project.name,
      arn: `arn:aws:codebuild:${context.region}:${context.accountId}:project/${project.name}`,
      serviceRole: roleArn(context.accountId, project.role),
      timeoutInMinutes: project.timeoutMinutes,
      source: { type: 'NO_SOURCE' as const },
      ...(project.vpcId === undefined ? {} : { vpcConfig: { vpcId: project.vpcId } }),
      environment: {
        type: 'ARM_CONTAINER' as const,
        computeType: 'BUILD_GENERAL1_SMALL' as const,
        image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
        environmentVariables: Object.entries(project.environment).map(([name, value]) => ({ name, value })),
      },
    })),
    projectsNotFound: missing,
  };
}

function buildView({ region, accountId }: Context, build: Build): BuildView {
  const stream = build.id.slice(build.id.indexOf(':') + 1);
  const group = `/packleader/${build.project.name}`;
  return {
    id: build.id,
    arn: `arn:aws:codebuild:${region}:${accountId}:build/${build.id}`,
    buildNumber: build.number,
    buildStatus: build.status,
    buildComplete: build.status !== 'IN_PROGRESS',
    currentPhase: build.phases.at(-1)?.type,
    projectName: build.project.name,
    initiator: build.startedBy.split(':').at(-1),
    startTime: new Date(build.startedAt),
    ...(build.endedAt === undefined ? {} : { endTime: new Date(build.endedAt) }),
    ...(build.sourceVersion === undefined ? {} : { sourceVersion: build.sourceVersion }),
    timeoutInMinutes: build.timeoutMinutes,
    serviceRole: roleArn(accountId, build.project.role),
    phases: build.phases.map(phaseView),
    environment: {
      type: 'ARM_CONTAINER',
      computeType: 'BUILD_GENERAL1_SMALL',
      image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
      environmentVariables: Object.entries(build.environment).map(([name, value]) => ({
        name,
        value,
        type: 'PLAINTEXT' as const,
      })),
    },
    exportedEnvironmentVariables: [...build.exported].map(([name, value]) => ({ name, value })),
    logs: {
      groupName: group,
      streamName: stream,
      deepLink: logLink({ region, group, stream }),
    },
  };
}

const phaseView = (phase: Phase): NonNullable<BuildView['phases']>[number] => ({
  phaseType: phase.type,
  startTime: new Date(phase.startedAt),
  ...(phase.endedAt === undefined
    ? {}
    : {
        endTime: new Date(phase.endedAt),
        durationInSeconds: Math.round((phase.endedAt - phase.startedAt) / 1_000),
        phaseStatus: phase.status,
        contexts: [
          {
            statusCode: phase.message === undefined ? '' : 'COMMAND_EXECUTION_ERROR',
            message: phase.message ?? '',
          },
        ],
      }),
});

export const codebuild = {
  BatchGetBuilds: batchGetBuilds,
  BatchGetProjects: batchGetProjects,
  ListBuildsForProject: listBuildsForProject,
  StartBuild: startBuild,
  StopBuild: stopBuild,
};
