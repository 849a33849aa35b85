import { NAMES } from '../../tasks/contract.ts';
import { forgetClients } from '../../tasks/aws-clients.ts';
import { Engine, type Integration, type Whereabouts, currentState } from '../../sandbox/engine.ts';
import { integrationsFor } from '../../sandbox/integrations.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { stepFunctionsOf } from '../../sandbox/step-functions.ts';
import { loadTask } from '../../sandbox/task-handlers.ts';
import type { Ground } from './ground.ts';
import type { Injection } from './injection.ts';

/** An engine whose tasks and nested executions can be struck as well, and not only the calls that a client makes. */
export async function engineFor(sandbox: Sandbox, ground: Ground, injection: Injection): Promise<Engine> {
  const sleep = async (ms: number): Promise<void> => sandbox.clock.sleep(ms);
  const engineOf = (): Engine => engine;
  const integrationOf = integrationsFor({ loadTask, sleep, engine: engineOf });
  const running = new Set<Whereabouts | undefined>();
  const around =
    (operation: string, run: Integration): Integration =>
    async (call) => {
      // Every function has its own clients, and its first call assumes a role; one that was given up is another one's.
      if ([...running].every((one) => one?.over === true)) forgetClients();
      const here = currentState();
      running.add(here);
      try {
        return await injection.aroundService(operation, async () => run(call));
      } finally {
        running.delete(here);
      }
    };
  const engine: Engine = await Engine.create({
    machines: ground.machines,
    integrationOf: async (resource) => {
      const run = await integrationOf(resource);
      if (!run || resource.includes('codebuild')) return run;
      return around(resource.includes(':lambda:') ? 'lambda:Invoke' : 'states:StartExecution', run);
    },
    now: () => sandbox.clock.now(),
    sleep,
    inner: [NAMES.bakeBatchMachine],
    keepsEvents: true,
  });
  sandbox.stepFunctions = stepFunctionsOf(engine);
  return engine;
}
