/** Faults of what Step Functions itself calls: a task's invocation, a nested execution's start, a whole build. */
import { ERRORS } from '../../../core/contract/errors.ts';
import { currentState } from '../../../sandbox/engine/call-site.ts';
import { StatesError } from '../../../sandbox/engine/states-error.ts';
import type { TaskService } from '../player/engine.ts';
import type { SandboxFaultKind } from './fault-kinds.ts';

export async function failService(
  kind: SandboxFaultKind,
  operation: TaskService,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const service = operation === 'lambda:Invoke' ? 'Lambda' : 'StepFunctions';
  const lost = (): StatesError => new StatesError(`${service}.SdkClientException`, 'Connection reset');
  switch (kind) {
    case 'throttled 3 times':
    case 'throttled 30 times':
      throw new StatesError(
        service === 'Lambda' ? 'Lambda.TooManyRequestsException' : 'StepFunctions.ThrottlingException',
        'Rate exceeded',
      );
    case 'unreachable':
      throw lost();
    case 'lost':
    case 'lost always':
      await run();
      throw lost();
    case 'slow':
    case 'slow always':
    case 'slow after':
      if (kind === 'slow after') await run();
      if (service === 'Lambda')
        throw new StatesError('Sandbox.Timedout', 'Task timed out after 600.00 seconds');
      currentState()?.lose('hangs');
      return new Promise<never>(() => {});
    case 'not ready 3 times':
      throw new StatesError(ERRORS.notReadyYet, 'Not ready yet.');
    case 'too much':
      await run();
      throw new StatesError('States.DataLimitExceeded', 'The state returned a result that is too large.');
    default:
      throw new StatesError(`${service}.AccessDeniedException`, 'Not authorized.');
  }
}
