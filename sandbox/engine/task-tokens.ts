import { StatesError } from './states-error.ts';

/** A Task that waits for an answer. */
export interface WaitingTask {
  readonly token: string;
  /** Resolves with what SendTaskSuccess gave, rejects with what SendTaskFailure did. */
  readonly answer: Promise<unknown>;
  /** From now on an answer comes too late. */
  readonly close: () => void;
}

const OUTPUT_BYTES = 262_144;
const TOKEN_CHARACTERS = 2_048;

/**
 * The tokens by which Tasks are answered from outside. One is open until its first answer, the Task's time limit, or the end of its
 * execution, whichever comes first.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
 */
export class TaskTokens {
  readonly #given = new Map<string, { settle?: (answer: () => unknown) => void }>();

  /** @param of what tells the token from those of other executions and states */
  open(of: string): WaitingTask {
    const token = Buffer.from(`${of} ${this.#given.size + 1}`).toString('base64');
    const { promise, resolve } = Promise.withResolvers<() => unknown>();
    const given: { settle?: (answer: () => unknown) => void } = { settle: resolve };
    this.#given.set(token, given);
    return { token, answer: promise.then((answer) => answer()), close: () => delete given.settle };
  }

  /** @throws StatesError StepFunctions.InvalidOutput, InvalidToken, TaskTimedOut */
  succeed(token: string, output: string): void {
    const parsed = outputOf(output);
    this.#settle(token, () => parsed);
  }

  /** @throws StatesError StepFunctions.InvalidToken, TaskTimedOut */
  fail(token: string, error = '', cause = ''): void {
    this.#settle(token, () => {
      throw new StatesError(error, cause);
    });
  }

  #settle(token: string, answer: () => unknown): void {
    const given = token.length <= TOKEN_CHARACTERS ? this.#given.get(token) : undefined;
    if (!given) throw new StatesError('StepFunctions.InvalidToken', `Invalid Token: '${token}'`);
    if (!given.settle) throw new StatesError('StepFunctions.TaskTimedOut', CLOSED);
    given.settle(answer);
    delete given.settle;
  }
}

const CLOSED =
  'Task Timed Out: Provided task does not exist anymore, it has expired or has already been closed.';

function outputOf(output: string): unknown {
  try {
    if (Buffer.byteLength(output) <= OUTPUT_BYTES) return JSON.parse(output) as unknown;
  } catch {
    // Said below, like an output that is too large.
  }
  throw new StatesError(
    'StepFunctions.InvalidOutput',
    `Invalid Output: not JSON of at most ${OUTPUT_BYTES} bytes`,
  );
}
