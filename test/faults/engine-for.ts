import { NAMES } from '../../core/contract/names.ts';
import { forgetClients } from '../../core/aws/clients.ts';
import { statesOf } from '../../sandbox/engine/asl.ts';
import { type CallSite, currentState } from '../../sandbox/engine/call-site.ts';
import { Engine, type Integration } from '../../sandbox/engine/engine.ts';
import { integrationsFor } from '../../sandbox/engine/integrations.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { stepFunctionsOf } from '../../sandbox/aws/step-functions.ts';
import { loadTask } from '../../sandbox/rehearsal/task-handlers.ts';
import type { Ground } from './ground.ts';
import type { Injection } from './injection.ts';
import { placeOfTask } from './points.ts';

/** The machines, where nothing in one Map is caught: it fails as a whole, as when its answer is too large. */
function withFragileMap(machines: Ground['machines'], map: string | undefined): Ground['machines'] {
  if (map === undefined) return machines;
  return machines.map((machine) => {
    const definition = structuredClone(machine.definition);
    for (const { top, inMap, state } of statesOf(definition)) if (inMap && top === map) delete state.Catch;
    return { ...machine, definition };
  });
}

/** An engine whose tasks and nested executions can be struck as well, and not only the calls that a client makes. */
export async function engineFor(
  sandbox: Sandbox,
  ground: Ground,
  injection: Injection,
  fragileMap?: string,
): Promise<Engine> {
  const sleep = async (ms: number): Promise<void> => sandbox.clock.sleep(ms);
  const engineOf = (): Engine => engine;
  const integrationOf = integrationsFor({ loadTask, sleep, engine: engineOf });
  const running = new Set<CallSite | undefined>();
  const around =
    (operation: string, run: Integration): Integration =>
    async (call) =>
      injection.aroundService(operation, placeOfTask(call), async () => run(call));
  /** Every function has its own clients, and its first call assumes a role; one that was given up is another one's. */
  const aroundFunction =
    (run: Integration): Integration =>
    async (call) => {
      if ([...running].every((one) => one?.over === true)) forgetClients();
      const here = currentState();
      running.add(here);
      try {
        return await around('lambda:Invoke', run)(call);
      } finally {
        running.delete(here);
      }
    };
  const engine: Engine = await Engine.create({
    machines: withFragileMap(ground.machines, fragileMap),
    integrationOf: async (resource) => {
      const run = await integrationOf(resource);
      if (!run) return undefined;
      if (resource.includes(':lambda:')) return aroundFunction(run);
      return around(
        resource.includes('codebuild') ? 'codebuild:startBuild.sync' : 'states:StartExecution',
        run,
      );
    },
    now: () => sandbox.clock.now(),
    sleep,
    inner: [NAMES.bakeBatchMachine],
    keepsEvents: true,
  });
  sandbox.stepFunctions = stepFunctionsOf(engine);
  return engine;
}
