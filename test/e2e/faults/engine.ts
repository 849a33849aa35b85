import { NAMES } from '../../../core/contract/names.ts';
import { forgetClients } from '../../../core/aws/clients.ts';
import type { Clock } from '../../../sandbox/aws/clock.ts';
import { type CallSite, currentState } from '../../../sandbox/engine/call-site.ts';
import { Engine, type Integration } from '../../../sandbox/engine/engine.ts';
import { integrationsFor } from '../../../sandbox/engine/integrations.ts';
import { loadTask } from '../../../sandbox/rehearsal/task-handlers.ts';
import type { Ground } from '../../faults/ground.ts';
import { type Origin, type RealWork, type Work, asOrigin } from './origin.ts';

/** Runs the state machines on virtual time; what their tasks do for real stops that time, and is marked on the wire. */
export async function engineOn(ground: Ground, clock: Clock, work: RealWork): Promise<Engine> {
  const sleep = async (ms: number): Promise<void> => work.sleep(ms);
  const engineOf = (): Engine => engine;
  const integrationOf = integrationsFor({ loadTask, sleep, engine: engineOf });
  const running = new Set<CallSite>();
  const marked =
    (run: Integration): Integration =>
    async (call) => {
      const here = currentState();
      if (here === undefined) throw new Error(`${call.state} runs outside any state.`);
      // Every function has its own clients; those of one that was given up are another one's.
      if ([...running].every(({ over }) => over === true)) forgetClients();
      running.add(here);
      try {
        return await work.around(async (at) => asOrigin(originOf(here, at), async () => run(call)));
      } finally {
        running.delete(here);
      }
    };
  const engine: Engine = await Engine.create({
    machines: ground.machines,
    integrationOf: async (resource) => {
      const run = await integrationOf(resource);
      // A nested execution only waits; its own tasks are marked.
      return run && !resource.includes('states:startExecution') ? marked(run) : run;
    },
    now: () => clock.now(),
    sleep,
    inner: [NAMES.bakeBatchMachine],
    keepsEvents: true,
  });
  return engine;
}

function originOf(here: CallSite, { forget, idle }: Work): Origin {
  return {
    execution: here.execution,
    state: here.state,
    by: 'state',
    isOver: () => here.over === true,
    idle,
    hang: () => {
      here.lose('hangs');
      forget();
    },
    kill: () => {
      here.lose('dies');
      here.over = true;
      forget();
    },
  };
}
