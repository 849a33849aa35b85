/** Somebody who answers every approval of a rehearsal, in the way of the console. */
import { NAMES } from '../../core/contract/names.ts';
import { stageIn } from '../../core/contract/state-names.ts';
import { plannedReleaseSchema } from '../../core/contract/releases.ts';
import type { Engine, Execution } from '../engine/engine.ts';

/** People take a while. */
const AFTER_MS = 10 * 60_000;

/** How the approvals of a rehearsal are answered. */
export interface Answers {
  /** The stages that are rejected; every other one is approved. */
  readonly rejects: readonly string[];
  /** How the answer is started; default: by somebody who started no release. */
  readonly start?: (arn: string, name: string, input: object) => void;
}

/** To be called when a state is entered: one that asks for approval is answered some minutes later. */
export async function answerLater(
  engine: Engine,
  execution: Execution,
  state: string,
  { rejects, start, sleep }: Answers & { readonly sleep: (ms: number) => Promise<void> },
): Promise<void> {
  const stage = stageIn(state, 'approve');
  const machine = engine.machines.find(({ name }) => name === NAMES.approvalMachine);
  if (stage === undefined || !machine) return;
  await sleep(AFTER_MS);
  if (execution.history.ended || execution.history.path.at(-1) !== state) return;
  const { releaseId } = plannedReleaseSchema.parse(execution.input).release;
  const answer = rejects.includes(stage) ? 'reject' : 'approve';
  const input = { [answer]: [releaseId], stage, reason: 'a rehearsal' };
  const name = `${execution.name}-${stage}`;
  if (start) start(machine.arn, name, input);
  else engine.start(machine.arn, name, input);
}
