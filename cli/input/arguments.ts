/** Reads what people write behind `--override` and `--fail`. */
import { parse } from 'yaml';
import { InvalidConfiguration, nearest, problem } from '../../core/configuration/documents/problems.ts';
import { targetName, type Target } from '../../core/contract/targets.ts';
import type { Fault, FaultKind } from '../../sandbox/rehearsal/faults.ts';

/** A command line that cannot be carried out; nothing has been done. */
export const refuse = (field: string, message: string): InvalidConfiguration =>
  new InvalidConfiguration([problem(field, 0, [], message)]);

/**
 * `network.vpcId=vpc-0123456789abcdef0`, `tags.Team=web`, `timeoutMinutes=60`: a path, and a value read as YAML.
 *  @throws InvalidConfiguration
 */
export function parseOverrides(assignments: readonly string[]): Record<string, unknown> | undefined {
  if (assignments.length === 0) return undefined;
  const overrides: Record<string, unknown> = {};
  for (const assignment of assignments) {
    const [, path = '', text = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    const keys = path.split('.');
    if (path === '' || keys.includes('')) {
      throw refuse(
        '--override',
        `found "${assignment}", must look like instanceType=t3.large or network.vpcId=vpc-0123456789abcdef0`,
      );
    }
    assign(overrides, keys, valueOf(text, assignment), assignment);
  }
  return overrides;
}

function assign(
  into: Record<string, unknown>,
  keys: readonly string[],
  value: unknown,
  assignment: string,
): void {
  const [key = '', ...rest] = keys;
  if (rest.length === 0) {
    Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const inner = Object.hasOwn(into, key) ? into[key] : {};
  if (!isMap(inner)) {
    throw refuse(
      '--override',
      `found "${assignment}" after another override of ${key}, must not be inside a plain value`,
    );
  }
  Object.defineProperty(into, key, { value: inner, enumerable: true, configurable: true, writable: true });
  assign(inner, rest, value, assignment);
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function valueOf(text: string, assignment: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    throw refuse('--override', `found "${assignment}", the part behind "=" must be one YAML value`);
  }
}

/** A state that can be made to fail. */
export interface FailableState {
  readonly state: string;
  readonly bakes: boolean;
  readonly tests: boolean;
  readonly scans: boolean;
  /** Whether it starts builds. */
  readonly builds: boolean;
  /** Whether every image has one of its own. */
  readonly ofImage: boolean;
}

/** What a fault may name. */
export interface Failable {
  /** By any name a person may use, the state at the top of the graph. */
  readonly states: ReadonlyMap<string, FailableState>;
  readonly targets: readonly Target[];
  readonly images: readonly string[];
}

const KINDS: readonly FaultKind[] = ['refused', 'lost', 'throttled', 'timeout', 'full'];
/** Of a bake alone. */
const KINDS_OF_BAKES: readonly FaultKind[] = [...KINDS, 'capacity', 'interrupted', 'drifted'];

/** Of a test alone. */
const KINDS_OF_TESTS: readonly FaultKind[] = [...KINDS.filter((kind) => kind !== 'full'), 'silent'];

/**
 * `Bake prod AMIs`, `linux-web:Bake prod AMIs`, `Check dev AMIs@111111111111=throttled`,
 * `Publish release@222222222222/eu-west-1=lost`. Without a kind a bake fails as Packer does, a
 * test as one that does not pass, a scan finds something critical, and any other state is refused.
 *  @throws InvalidConfiguration
 */
export function parseFault(text: string, { states, targets, images }: Failable): Fault {
  const [, image, name = '', account, region, kind] =
    /^(?:([^:@=]*):)?([^@=]+?)(?:@([^/=]*)(?:\/([^=]*))?)?(?:=(.*))?$/.exec(text) ?? [];
  if (image !== undefined && !images.includes(image))
    throw refuse(
      '--fail',
      `found the image "${image}" in "${text}", must be one that is rehearsed, ${nearest(image, images)}`,
    );
  const found = states.get(name.trim());
  if (!found) throw refuse('--fail', `found "${text}", ${nearest(name.trim(), [...states.keys()])}`);
  if (image !== undefined && !found.ofImage)
    throw refuse('--fail', `found "${text}", must be without an image: ${found.state} is of all of them`);
  const kinds = found.bakes ? KINDS_OF_BAKES : found.tests ? KINDS_OF_TESTS : KINDS;
  if (kind !== undefined && !kinds.some((known) => known === kind)) {
    throw refuse('--fail', `found "${kind}" in "${text}", must be one of ${kinds.join(', ')}`);
  }
  if (kind === 'full' && !found.builds)
    throw refuse('--fail', `found "${text}", must be a state that starts builds: ${found.state} does not`);
  const accounts = [...new Set(targets.map(({ accountId }) => accountId))];
  if (account !== undefined && !accounts.includes(account)) {
    throw refuse('--fail', `found the account "${account}" in "${text}", ${nearest(account, accounts)}`);
  }
  const names = targets.map(targetName);
  if (region !== undefined && !names.includes(`${account}/${region}`)) {
    throw refuse(
      '--fail',
      `found the target "${account}/${region}" in "${text}", ${nearest(`${account}/${region}`, names)}`,
    );
  }
  return {
    state: found.state,
    kind:
      kinds.find((known) => known === kind) ??
      (found.bakes || found.tests || found.scans ? 'failed' : 'refused'),
    ...(image !== undefined && { image }),
    ...(account !== undefined && { accountId: account }),
    ...(region !== undefined && { region }),
  };
}

/** @throws InvalidConfiguration for a stage that asks for no approval: rejecting it would show nothing */
export function refuseUnasked(rejects: readonly string[], asking: readonly string[]): void {
  const unasked = rejects.find((stage) => !asking.includes(stage));
  if (unasked === undefined) return;
  throw refuse(
    '--reject',
    asking.length === 0
      ? `found "${unasked}", must be a stage with an approval, and factory.yaml has none`
      : `found "${unasked}", must be a stage with an approval, ${nearest(unasked, asking)}`,
  );
}
