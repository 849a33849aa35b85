/** The factory of the end-to-end runs: this repository's own images, unmodified, in accounts that moto has. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import * as z from 'zod';
import { configurationFiles } from '../../core/configuration/files.ts';
import { type FactoryCheckout, checkOutFactory } from '../../cli/input/checkout.ts';
import { checkFactory } from '../../core/configuration/check.ts';
import { type Factory, loadFactory, accountsOf } from '../../core/configuration/factory.ts';
import { throwIfAny } from '../../core/configuration/documents/problems.ts';
import type { HubStackProps } from '../../workflow/hub/hub-stack.ts';
import { hub, target } from '../fixtures/synthesised.ts';
import type { Project } from './code-build.ts';
import { type Stages, writeFactory } from './factory-files.ts';
import type { DeployedRole, Network } from './moto.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';

/** Two accounts, one of them in two regions. */
export const STAGES: Stages = {
  dev: [DEV],
  prod: [{ accountId: '222222222222', region: 'eu-west-1' }, PROD],
};

export interface MadeFactory {
  readonly factory: Factory;
  readonly checkout: FactoryCheckout;
  /** A git repository, which the fetch-source project clones. */
  readonly repository: string;
}

/** Images that are copied, as somebody does who begins with the nearest: by the name of the copy, that of the image. */
export type Copies = Readonly<Record<string, string>>;

/** Templates of test/e2e/adopted that `packleader adopt` makes images of: by the image, the directory and the options besides. */
export type Adopts = Readonly<Record<string, readonly string[]>>;

/** What is deployed otherwise: builds find Packer on their machine by default, and no builder is kept. */
export type Besides = Pick<HubStackProps, 'packer' | 'plugins' | 'downloads' | 'keepBuilders'>;

/** By image, when it is rebuilt. */
export type Schedules = Readonly<Record<string, unknown>>;

/** Makes a repository with `packer/` as it is here; only configuration differs, as it would for any user. */
export function makeFactory(
  repository: string,
  stages: Stages,
  networks: ReadonlyMap<string, Network>,
  copies: Copies = {},
  adopts: Adopts = {},
  schedules: Schedules = {},
): MadeFactory {
  writeFactory(repository, stages, networks);
  const packer = join(repository, 'packer');
  for (const [image, schedule] of Object.entries(schedules))
    appendFileSync(join(packer, 'images', image, 'image.yaml'), stringify({ schedule }));
  for (const [copy, image] of Object.entries(copies))
    cpSync(join(packer, 'images', image), join(packer, 'images', copy), { recursive: true });
  git(repository, 'init', '--quiet', '--initial-branch=main');
  if (Object.keys(adopts).length > 0)
    cpSync(join(import.meta.dirname, 'adopted'), join(repository, 'mine'), { recursive: true });
  for (const [image, args] of Object.entries(adopts))
    execFileSync(process.execPath, [join(ROOT, 'cli', 'packleader.ts'), 'adopt', ...args, '--as', image], {
      cwd: repository,
      stdio: 'pipe',
    });
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--message', 'The factory of the end-to-end runs');
  return loaded(repository);
}

/** A repository as it is committed. */
export function loaded(repository: string): MadeFactory {
  const checkout = checkOutFactory(repository);
  const files = configurationFiles(checkout.files);
  throwIfAny(checkFactory(files));
  return { factory: loadFactory(files), checkout, repository };
}

const ROOT = join(import.meta.dirname, '..', '..');

export function git(directory: string, ...args: readonly string[]): string {
  const who = ['user.name=e2e', 'user.email=e2e@example.com', 'commit.gpgsign=false'].flatMap((one) => [
    '-c',
    one,
  ]);
  return execFileSync('git', ['-C', directory, ...who, ...args], { stdio: 'pipe', encoding: 'utf8' });
}

const projectSchema = z.object({
  Name: z.string(),
  ServiceRole: z.string(),
  Source: z.object({ BuildSpec: z.string() }),
  Artifacts: z.union([
    z.object({ Type: z.literal('NO_ARTIFACTS') }),
    z.object({
      Type: z.literal('S3'),
      Location: z.string(),
      Path: z.string(),
      Name: z.literal('/'),
      NamespaceType: z.literal('BUILD_ID'),
      Packaging: z.literal('NONE'),
    }),
  ]),
  Environment: z.object({
    EnvironmentVariables: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  }),
});

/** What the stacks would deploy, of all that moto and the local CodeBuild need: projects, and roles with their trust. */
export function deployed(
  factory: Factory,
  besides: Besides = {},
): { projects: Project[]; roles: DeployedRole[] } {
  const stacks = [
    { accountId: factory.hub.accountId, stack: hub(factory, besides) },
    ...accountsOf(factory).map((accountId) => ({
      accountId,
      stack: target({ factory, accountId, ...besides }),
    })),
  ];
  return {
    projects: stacks.flatMap(({ accountId, stack }) =>
      stack.ofType('AWS::CodeBuild::Project').map(({ is }) => {
        const { Name, ServiceRole, Source, Artifacts, Environment } = projectSchema.parse(is);
        return {
          accountId,
          name: Name,
          role: ServiceRole.replace(/^role /, ''),
          buildSpec: Source.BuildSpec,
          ...(Artifacts.Type === 'S3' && { artifacts: { bucket: Artifacts.Location, path: Artifacts.Path } }),
          environment: Object.fromEntries(
            Environment.EnvironmentVariables.map((variable) => [variable.Name, variable.Value]),
          ),
        };
      }),
    ),
    roles: stacks.flatMap(({ accountId, stack }) =>
      stack.roles().map(({ name, trust }) => ({ accountId, name, externalId: externalIdOf(trust) })),
    ),
  };
}

const conditionSchema = z.object({ StringEquals: z.object({ 'sts:ExternalId': z.string() }) });

function externalIdOf(trust: readonly { Condition?: unknown }[]): string | null {
  for (const { Condition } of trust) {
    const condition = conditionSchema.safeParse(Condition);
    if (condition.success) return condition.data.StringEquals['sts:ExternalId'];
  }
  return null;
}
