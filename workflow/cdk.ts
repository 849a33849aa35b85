/**
 * packleader's stacks for a CDK app of one's own.
 *
 *     const factory = await openFactory('packer');
 *     const app = new App();
 *     new PackleaderHub(app, 'packleader-hub', { factory });
 *     for (const accountId of factory.accountIds)
 *       new PackleaderTarget(app, `packleader-target-${accountId}`, { factory, accountId });
 *
 * Every name in the stacks is fixed, so they can be deployed in any order, and none needs another's output.
 */
import type { Construct } from 'constructs';
import { type Factory, accountsOf } from '../core/configuration/factory.ts';
import { throwIfAny } from '../core/configuration/documents/problems.ts';
import { factoryDirectory } from '../core/configuration/factory-directory.ts';
import { directoryProblems, filesInDirectory } from '../core/source/directory.ts';
import { pathInRepository } from '../core/source/path-in-repository.ts';
import { checkedConfiguration } from '../core/templates/check.ts';
import { HubStack, type HubStackProps } from './hub/hub-stack.ts';
import { TargetStack, type TargetStackProps } from './target/target-stack.ts';

export type { AlarmsProps } from './hub/observability/alarms.ts';
export type { Downloads, PinnedPlugin, PinnedTool } from './constructs/build-projects.ts';
export type { BakeVpc } from './target/bake-vpc.ts';
export { InstanceRefresh, type InstanceRefreshProps } from './consumer/instance-refresh.ts';

/** A factory that was checked as a release checks it. */
export interface OpenedFactory {
  readonly factory: Factory;
  /** Where the factory lies in its repository; `.` is the root. */
  readonly path: string;
  /** The accounts of its targets, each once; each needs a `PackleaderTarget`. */
  readonly accountIds: readonly string[];
}

/**
 * Reads and checks a factory.
 *  @param directory that holds factory.yaml, or a `packer/` with it
 *  @throws InvalidConfiguration that names each problem by file and line
 */
export async function openFactory(directory: string): Promise<OpenedFactory> {
  const root = factoryDirectory(directory);
  const files = filesInDirectory(root);
  throwIfAny(directoryProblems(root, files));
  const { factory } = await checkedConfiguration(files, {});
  return { factory, path: pathInRepository(root), accountIds: accountsOf(factory) };
}

export interface PackleaderHubProps extends Omit<HubStackProps, 'factory' | 'factoryPath'> {
  readonly factory: OpenedFactory;
}

/** What stands once per organisation: the state machines, their tasks, the bucket, the triggers. Default for `env`: the factory's hub. */
export class PackleaderHub extends HubStack {
  constructor(scope: Construct, id: string, { factory, ...props }: PackleaderHubProps) {
    const { accountId: account, region } = factory.factory.hub;
    super(scope, id, {
      env: { account, region },
      ...props,
      factory: factory.factory,
      factoryPath: factory.path,
    });
  }
}

export interface PackleaderTargetProps extends Omit<TargetStackProps, 'factory'> {
  readonly factory: OpenedFactory;
}

/** What stands in each target account, in the hub's region: the project that bakes, and the roles for the hub and for it. */
export class PackleaderTarget extends TargetStack {
  constructor(scope: Construct, id: string, { factory, ...props }: PackleaderTargetProps) {
    super(scope, id, { ...props, factory: factory.factory });
  }
}
