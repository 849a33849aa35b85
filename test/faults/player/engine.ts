import { type Answers, answerLater } from '../../../sandbox/rehearsal/approver.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { forgetClients } from '../../../core/aws/clients.ts';
import type { Clock } from '../../../sandbox/aws/clock.ts';
import { statesOf } from '../../../sandbox/engine/asl.ts';
import { type CallSite, currentState } from '../../../sandbox/engine/call-site.ts';
import { Engine, type Integration, type IntegrationCall } from '../../../sandbox/engine/engine.ts';
import { integrationsFor } from '../../../sandbox/engine/integrations.ts';
import { loadTask } from '../../../sandbox/rehearsal/task-handlers.ts';
import type { Baseline } from './baseline.ts';

/** What Step Functions itself calls for a Task. */
export type TaskService = 'lambda:Invoke' | 'codebuild:startBuild.sync' | 'states:StartExecution';

export interface ScenarioEngineOptions {
  readonly machines: Baseline['machines'];
  /** The Map that fails as a whole when something in it does. */
  readonly fragileMap: string | undefined;
  readonly clock: Clock;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Default: nobody answers an approval. */
  readonly answers?: Answers;
  /** Called for every Task with what runs it. */
  readonly around: (
    service: TaskService,
    call: IntegrationCall,
    site: CallSite,
    run: () => Promise<unknown>,
  ) => Promise<unknown>;
}

/** The machines, where nothing in one Map is caught: it fails as a whole, as when its answer is too large. */
function withFragileMap(machines: Baseline['machines'], map: string | undefined): Baseline['machines'] {
  if (map === undefined) return machines;
  return machines.map((machine) => {
    const definition = structuredClone(machine.definition);
    for (const { top, inMap, state } of statesOf(definition)) if (inMap && top === map) delete state.Catch;
    return { ...machine, definition };
  });
}

function serviceOf(resource: string): TaskService {
  if (resource.includes(':lambda:')) return 'lambda:Invoke';
  return resource.includes('codebuild') ? 'codebuild:startBuild.sync' : 'states:StartExecution';
}

/** Runs the state machines with the real tasks, so that what Step Functions itself calls can fail as well. */
export async function createScenarioEngine(options: ScenarioEngineOptions): Promise<Engine> {
  const { machines, fragileMap, clock, sleep, around } = options;
  const engineOf = (): Engine => engine;
  const integrationOf = integrationsFor({ loadTask, sleep, engine: engineOf });
  const running = new Set<CallSite>();
  /** Every function has its own clients, and its first call assumes a role; one that was given up is another one's. */
  async function asFunction(site: CallSite, run: () => Promise<unknown>): Promise<unknown> {
    if ([...running].every(({ over }) => over === true)) forgetClients();
    running.add(site);
    try {
      return await run();
    } finally {
      running.delete(site);
    }
  }
  const wrapped =
    (service: TaskService, run: Integration): Integration =>
    async (call) => {
      const site = currentState();
      if (site === undefined) throw new Error(`${call.state} runs outside any state.`);
      const task = (): Promise<unknown> => around(service, call, site, () => run(call));
      return service === 'lambda:Invoke' ? asFunction(site, task) : task();
    };
  const engine: Engine = await Engine.create({
    machines: withFragileMap(machines, fragileMap),
    integrationOf: async (resource) => {
      const run = await integrationOf(resource);
      return run && wrapped(serviceOf(resource), run);
    },
    now: () => clock.now(),
    sleep,
    inner: [NAMES.bakeBatchMachine],
    keepsData: true,
    onEntered: (execution, { name, inMap }) => {
      if (options.answers && !inMap) void answerLater(engine, execution, name, { ...options.answers, sleep });
    },
  });
  return engine;
}
