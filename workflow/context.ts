import { type App, Duration } from 'aws-cdk-lib';
import * as z from 'zod';
import {
  type DeploymentSettings,
  checkedDeployment,
  deploymentSchema,
  readDeploymentFile,
} from '../core/configuration/deployment-settings.ts';
import {
  InvalidConfiguration,
  type Path,
  problem,
  throwIfAny,
} from '../core/configuration/documents/problems.ts';
import type { Located } from '../core/configuration/documents/validation.ts';
import { factoryDirectory } from '../core/configuration/factory-directory.ts';
import type { Files } from '../core/configuration/files.ts';
import { directoryProblems, filesInDirectory } from '../core/source/directory.ts';
import { pathInRepository } from '../core/source/path-in-repository.ts';

/** What hub and targets are told besides the factory, and how to refuse something of it. */
interface Deployment {
  readonly settings: DeploymentSettings;
  /** The refusal of the value at this path, by the place where it is said. */
  readonly refused: (path: Path, message: string) => InvalidConfiguration;
}

/**
 * What `packleader.config` in the current directory says, and cdk.json, or `--context`, under `packleader:<key>`; docs/deploying.md
 * says what each is for. What is said in neither is left out, and what is said in both is refused.
 *  @throws InvalidConfiguration
 */
export function deploymentOf(app: App, root: string = process.cwd()): Deployment {
  const file = readDeploymentFile(root) ?? { value: {}, locate: inContext };
  const context = contextSettings(app);
  throwIfAny(
    Object.keys(context)
      .filter((key) => Object.hasOwn(file.value, key))
      .map((key) => {
        const { file: name, line, path } = file.locate([key]);
        return problem(
          name,
          line,
          path,
          `is also said in cdk.json, as packleader:${key}, must be in one of them`,
        );
      }),
  );
  const locate = (path: Path): Located =>
    Object.hasOwn(context, path[0] ?? '') ? inContext(path) : file.locate(path);
  return {
    settings: checkedDeployment({ value: { ...file.value, ...context }, locate }),
    refused: (path, message) => {
      const at = locate(path);
      return new InvalidConfiguration([problem(at.file, at.line, at.path, message)]);
    },
  };
}

const contextSettings = (app: App): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.keys(deploymentSchema.shape).flatMap((key) => {
      const value: unknown = app.node.tryGetContext(`packleader:${key}`);
      return value === undefined ? [] : [[key, value] as const];
    }),
  );

const inContext = ([key = '', ...rest]: Path): Located => ({
  file: 'cdk.json',
  line: 0,
  path: [`packleader:${key}`, ...rest],
});

/** As the hub takes them. */
export function hubAlarms({
  email,
  topicArn,
  usualMinutes,
  runbook,
}: NonNullable<DeploymentSettings['alarms']>) {
  return {
    notify: { ...(email !== undefined && { email }), ...(topicArn !== undefined && { topicArn }) },
    ...(usualMinutes !== undefined && { usualTime: Duration.minutes(usualMinutes) }),
    ...(runbook !== undefined && { runbook }),
  };
}

/** The factory in the current directory, or of `--context factory=<directory>`: its files, and where they lie in their repository. */
export function factoryOf(app: App): { readonly files: Files; readonly path: string } {
  const directory = z.string().optional().parse(app.node.tryGetContext('factory'));
  const root = factoryDirectory(directory ?? '.');
  const files = filesInDirectory(root);
  throwIfAny(directoryProblems(root, files));
  return { files, path: pathInRepository(root) };
}
