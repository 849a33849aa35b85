/** A factory that releases, retires and is used, on the sandbox: its world, and what runs its state machines. */
import { forgetClients } from '../../core/aws/clients.ts';
import { loadConfiguration } from '../../core/configuration/configuration.ts';
import type { RetentionRules } from '../../core/configuration/retention.ts';
import { NAMES, bucketName } from '../../core/contract/names.ts';
import type { Target } from '../../core/contract/targets.ts';
import { stepFunctionsOf } from '../../sandbox/aws/step-functions.ts';
import { bindSandbox } from '../../sandbox/bind.ts';
import type { Engine, Execution } from '../../sandbox/engine/engine.ts';
import { createEngine, machineArn } from '../../sandbox/rehearsal/rehearsal.ts';
import { createSandbox } from '../../sandbox/rehearsal/seed.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { definitionsOf } from '../../workflow/definitions.ts';
import { targetsIn } from '../fixtures/accounts.ts';
import { AL2023, checkedOut, filesOf } from '../fixtures/factories.ts';

export const IMAGES = ['base', 'app'] as const;
/** One account in the first stage; two in the second, one of them elsewhere. */
export const TARGETS: readonly Target[] = [
  ...targetsIn(0, 1),
  ...targetsIn(1, 1),
  ...targetsIn(2, 1, 'us-east-1'),
];
const FACTORY = {
  stages: { dev: TARGETS.slice(0, 1), prod: TARGETS.slice(1) },
  /** One of ours is built on the other, which it keeps. */
  images: { base: AL2023, app: 'image: base' },
};
const STARTS_AT = new Date('2026-01-01T00:00:00Z');

export interface YearHub {
  readonly sandbox: Sandbox;
  /** Releases what is checked out at that moment, from the branch that is named. */
  readonly release: (image: string, branch: string) => Execution;
  /** Starts one of the other machines. */
  readonly start: (machine: string, input: object) => Execution;
  /** Whatever was looked after so far is remembered by nobody: a year of executions would fill the memory. */
  readonly forget: () => Promise<void>;
  readonly close: () => void;
}

export async function openYearHub(retention: RetentionRules, seed: string): Promise<YearHub> {
  const files = filesOf(FACTORY);
  const { factory } = loadConfiguration(files);
  let branch = 'main';
  const sandbox = createSandbox({
    hub: { ...factory.hub, bucket: bucketName(factory) },
    targets: TARGETS,
    startAt: STARTS_AT,
    seed,
    checkOut: () => checkedOut(files, { branch }),
  });
  sandbox.keepsCalls = false;
  const unbind = bindSandbox(sandbox);
  forgetClients();
  const machines = definitionsOf(factory, { retention });
  const { clock } = sandbox;
  const engineOf = async (keepsData: boolean): Promise<Engine> =>
    createEngine({
      factory,
      machines,
      keepsData,
      now: () => clock.now(),
      sleep: async (ms, signal) => clock.sleep(ms, signal),
    });
  // The sweep reads the histories of releases, for as long as Step Functions keeps them.
  const releases = await engineOf(true);
  sandbox.stepFunctions = stepFunctionsOf(releases);
  let daily = await engineOf(false);
  let count = 0;
  const HISTORIES: readonly string[] = [NAMES.releaseMachine, NAMES.sweepMachine, NAMES.repointMachine];
  const start = (machine: string, input: object): Execution => {
    count += 1;
    const engine = HISTORIES.includes(machine) ? releases : daily;
    return engine.start(machineArn(factory.hub, machine), `${machine}-${count}`, input);
  };
  return {
    sandbox,
    start,
    release: (image, from) => {
      branch = from;
      return start(NAMES.releaseMachine, { image });
    },
    forget: async () => {
      daily = await engineOf(false);
    },
    close: () => {
      clock.end();
      unbind();
      forgetClients();
    },
  };
}
