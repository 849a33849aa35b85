/** Plays scenarios in the embedded AWS: a world of its own for each, and a virtual clock. */
import { forgetClients } from '../../../core/aws/clients.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { FAILS } from '../../../sandbox/aws/run-command.ts';
import { STARTER } from '../../../sandbox/aws/cloudtrail.ts';
import { stepFunctionsOf } from '../../../sandbox/aws/step-functions.ts';
import { bindSandbox } from '../../../sandbox/bind.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { Answers } from '../../../sandbox/rehearsal/approver.ts';
import { publishNewer } from '../../../sandbox/rehearsal/public-images.ts';
import { type Baseline, targetsOf } from '../player/baseline.ts';
import { createScenarioEngine } from '../player/engine.ts';
import { play } from '../player/play.ts';
import type { Played, Scenario } from '../player/scenario.ts';
import { USERS, isUser } from './ami-users.ts';
import { placeOfTask } from './call-origin.ts';
import type { SandboxFaultKind } from './fault-kinds.ts';
import { Injection } from './injection.ts';
import { addAging } from './aging-versions.ts';
import { addReleases } from './earlier-releases.ts';
import { newWorld } from './new-world.ts';
import { addOrphans } from './orphans.ts';
import type { Recorder } from './recorder.ts';
import { executionName } from '../../../core/releases/execution-name.ts';
import type { Who } from '../player/injection-points.ts';

export type SandboxScenario = Scenario<SandboxFaultKind>;

const SCRIPT_FAILS = {
  at: 'provision',
  message: 'Script exited with non-zero exit status: 1. Allowed exit codes are: [0]',
} as const;

const GRAVE = {
  id: 'CVE-2026-0002',
  ratings: [{ severity: 'high', source: { name: 'NVD' } }],
  packages: ['openssl'],
};

export async function playInSandbox(baseline: Baseline, scenario: SandboxScenario): Promise<Played> {
  return (await playOn(baseline, scenario, false)).played;
}

/** Also says which calls were made. */
export async function recordInSandbox(baseline: Baseline, scenario: SandboxScenario): Promise<Recorder> {
  return (await playOn(baseline, scenario, true)).recorder;
}

async function playOn(
  baseline: Baseline,
  scenario: SandboxScenario,
  records: boolean,
): Promise<{ played: Played; recorder: Recorder }> {
  const sandbox = newWorld(baseline, scenario.past, scenario.retried?.newerSource);
  let drifted = 0;
  if (scenario.drifts) sandbox.builds.packages = (usual) => `${usual}drift\t${++drifted}\tnoarch\n`;
  if (scenario.vulnerable) sandbox.world.vulnerabilities.push(GRAVE);
  if (scenario.failsTests) failTests(sandbox, baseline);
  if (scenario.repoint) addReleases(sandbox, baseline);
  if (scenario.retire) {
    addAging(sandbox, baseline, scenario.retire);
    addOrphans(sandbox, baseline);
  }
  const failing = baseline.stages.find(({ name }) => name === scenario.failingProvisioner)?.targets ?? [];
  if (failing.length > 0)
    sandbox.builds.fail = (_environment, _run, accountId) =>
      failing.some((target) => target.accountId === accountId) ? SCRIPT_FAILS : undefined;
  const { world, clock } = sandbox;
  const unbind = bindSandbox(sandbox);
  forgetClients();
  const actors = actorsByExecution(baseline, scenario);
  try {
    let recorder: Recorder | undefined;
    const played = await play(baseline, scenario, async (hooks) => {
      const { faults, fragileMap } = scenario;
      const whoOf = (execution: string) => actors.get(execution) ?? 'sweep';
      const injection = new Injection({ sandbox, faults, whoOf, records, hooks });
      ({ recorder } = injection);
      const engine = await createScenarioEngine({
        machines: baseline.machines,
        fragileMap,
        clock,
        sleep: async (ms, signal) => clock.sleep(ms, signal),
        ...(scenario.answer !== 'never' && {
          answers: {
            rejects: scenario.answer === 'reject' ? baseline.stages.map(({ name }) => name) : [],
            ...(scenario.answer === 'by its starter' && { start: asStarter(sandbox) }),
          },
        }),
        around: (service, call, _site, run) => injection.aroundService(service, placeOfTask(call), run),
      });
      sandbox.stepFunctions = stepFunctionsOf(engine);
      return {
        world,
        engine,
        plan: injection.plan,
        observe: async () => {},
        use: async (by, target, imageId) => use(sandbox, by, target, imageId),
        publishNewer: () => {
          for (const region of new Set(targetsOf(baseline).map((target) => target.region)))
            publishNewer(world, region);
        },
        flaws: [],
      };
    });
    if (recorder === undefined) throw new Error(`${scenario.id} was never begun.`);
    return { played, recorder };
  } finally {
    clock.end();
    unbind();
    forgetClients();
  }
}

/** Answers as the person who started the release, for all that CloudTrail tells. */
const asStarter =
  (sandbox: Sandbox): NonNullable<Answers['start']> =>
  (stateMachineArn, name, input) => {
    const { world, hub } = sandbox;
    world.roles.set(`${hub.accountId}/${STARTER.role}`, {
      accountId: hub.accountId,
      name: STARTER.role,
      trusts: [],
      allows: /^sfn:StartExecution$/,
      destroysTaggedOnly: true,
    });
    const request = { stateMachineArn, name, input: JSON.stringify(input) };
    void sandbox.call({ ...hub, ...STARTER }, 'sfn', 'StartExecution', request);
  };

/** Of the last stage: those before it pass. */
function failTests(sandbox: Sandbox, { stages }: Baseline): void {
  const accounts = (stages.at(-1)?.targets ?? []).map(({ accountId }) => accountId);
  sandbox.intercept(async (call, next) => {
    if (call.operation === 'SendCommand' && accounts.includes(call.accountId))
      Object.assign(call.input, { Comment: FAILS });
    return next();
  });
}

/** Also the release of a commit, which starts the one of its image. */
function actorsByExecution(baseline: Baseline, { actors }: SandboxScenario): Map<string, Who> {
  const retry = executionName(baseline.releases.A.planned.release, 2);
  return new Map<string, Who>([
    ...actors.flatMap((actor) => {
      const { planned, startedBy } = baseline.releases[actor];
      return [planned.executionName, startedBy].map((name) => [name, actor] as const);
    }),
    [retry, 'retry'],
    ['repoint', 'repoint'],
    ['inventory', 'inventory'],
    ['retirement', 'retirement'],
    ['other', 'other'],
  ]);
}

/** Lasts to the end. */
function use({ world }: Sandbox, by: string, target: Target, imageId: string): undefined {
  if (!isUser(by)) throw new Error(`Nobody knows how ${by} uses the AMI in ${targetName(target)}.`);
  USERS[by](world, target, imageId);
}
