/** Who makes a call in the embedded AWS, and where it has its effect. */
import { BAKE_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { NAMES } from '../../../core/contract/names.ts';
import type { IntegrationCall } from '../../../sandbox/engine/engine.ts';
import type { Call, Sandbox } from '../../../sandbox/sandbox.ts';
import { type InjectionPoint, placeOfCall } from '../player/injection-points.ts';

export function originOf(sandbox: Sandbox, call: Call): Pick<InjectionPoint, 'by' | 'place'> {
  if (call.role !== NAMES.bakeRole) return { by: 'state', place: placeOfCall(sandbox.hub, call) };
  return { by: 'packer', place: buildOf(sandbox, call)?.place ?? '?' };
}

/** Where a Task has its effect: a build in the account whose role it assumes, everything else in the hub. */
export function placeOfTask({
  roleArn,
  parameters,
}: Pick<IntegrationCall, 'roleArn' | 'parameters'>): string {
  const accountId = /^arn:aws:iam::(\d{12}):/.exec(roleArn ?? '')?.[1];
  const list: unknown = Reflect.get(Object(parameters), 'EnvironmentVariablesOverride');
  const variables = Array.isArray(list)
    ? list.map((one: unknown) => new Map(Object.entries(Object(one))))
    : [];
  const region = variables.find((one) => one.get('Name') === BAKE_ENVIRONMENT.region)?.get('Value');
  return accountId === undefined ? 'hub' : `${accountId}/${String(region)}`;
}

/** The build that makes a call, and where it bakes. */
export function buildOf({ world, hub }: Sandbox, { accountId, session }: Call) {
  const builds = world.region(accountId, hub.region).builds.values();
  for (const build of builds) {
    if (session.endsWith(build.id.slice(-12)))
      return { build, place: `${build.accountId}/${build.environment[BAKE_ENVIRONMENT.region] ?? ''}` };
  }
  return undefined;
}
