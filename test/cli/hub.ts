/** A hub on the sandbox that is operated from outside, as from a laptop, by a role that may do no more than that. */
import { loadConfiguration } from '../../core/configuration/configuration.ts';
import { NAMES, bucketName } from '../../core/contract/names.ts';
import type { Changes } from '../../core/contract/releases.ts';
import { forgetClients } from '../../core/aws/clients.ts';
import { bindSandbox } from '../../sandbox/bind.ts';
import type { Engine } from '../../sandbox/engine/engine.ts';
import { type Fault, Faults } from '../../sandbox/rehearsal/faults.ts';
import { createEngine } from '../../sandbox/rehearsal/rehearsal.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { createSandbox } from '../../sandbox/rehearsal/seed.ts';
import { stepFunctionsOf } from '../../sandbox/aws/step-functions.ts';
import {
  COMMIT,
  type MadeUpFactory,
  STARTED_AT,
  filesOf,
  machinesFor,
} from '../workflow/machines/rehearsing.ts';

export interface OperatedHub {
  readonly sandbox: Sandbox;
  readonly engine: Engine;
  /** What a client of the operator is made with. */
  readonly operator: {
    readonly region: string;
    readonly credentials: ReturnType<Sandbox['issue']>;
  };
  /** Lets everything that is under way come to rest first: it would reach into the next test's world. */
  readonly close: () => Promise<void>;
}

const REST_MS = 24 * 60 * 60_000;

export async function operatedHub(
  made: MadeUpFactory,
  {
    faults = [],
    allows = /^(sfn|sts):/,
    changes = {},
  }: { readonly faults?: readonly Fault[]; readonly allows?: RegExp; readonly changes?: Changes } = {},
): Promise<OperatedHub> {
  const files = filesOf(made);
  const { factory } = loadConfiguration(files);
  const encoder = new TextEncoder();
  const zipped = new Map([...files].map(([name, text]) => [name, encoder.encode(text)]));
  const sandbox = createSandbox({
    hub: { ...factory.hub, bucket: bucketName(factory) },
    targets: factory.stages.flatMap(({ targets }) => targets),
    startAt: STARTED_AT,
    checkOut: () => ({ commit: COMMIT, branch: 'main', files: zipped, changes }),
  });
  const unbind = bindSandbox(sandbox);
  forgetClients();
  new Faults(faults).install(sandbox);
  const { clock, world } = sandbox;
  const engine = await createEngine({
    factory,
    machines: machinesFor(files),
    keepsEvents: true,
    now: () => clock.now(),
    sleep: async (ms) => clock.sleep(ms),
  });
  sandbox.stepFunctions = stepFunctionsOf(engine);
  const { accountId, region } = factory.hub;
  const role = { accountId, name: 'operator', trusts: [], allows, destroysTaggedOnly: false };
  world.roles.set(`${accountId}/operator`, role);
  return {
    sandbox,
    engine,
    operator: { region, credentials: sandbox.issue(accountId, 'operator', 'somebody') },
    close: async () => {
      await Promise.all(engine.executions.map(async ({ outcome }) => outcome));
      await clock.sleep(REST_MS);
      unbind();
      forgetClients();
    },
  };
}

export const HUB = { accountId: '999999999999', region: 'eu-west-1' } as const;
export const machineArn = (name: string) => `arn:aws:states:eu-west-1:999999999999:stateMachine:${name}`;
export const RELEASE_MACHINE = machineArn(NAMES.releaseMachine);
