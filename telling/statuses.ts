/** What an execution says of its commit. */
import * as z from 'zod';
import { executionLink } from '../core/aws/console-links.ts';
import { ERRORS } from '../core/contract/errors.ts';
import { commitIdSchema } from '../core/contract/events.ts';
import { NAMES } from '../core/contract/names.ts';
import { announcedSchema } from '../core/contract/releases.ts';
import { targetName } from '../core/contract/targets.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { type ToldExecution, machineOf, releaseIn } from './execution.ts';

/** One line at one commit, as every provider knows it. */
export interface CommitStatus {
  readonly commit: string;
  /** What it is about: a later status of the same name takes its place. `packleader/<image>`, or `packleader` for a push as a whole. */
  readonly name: string;
  readonly state: 'pending' | 'success' | 'failure';
  readonly description: string;
  /** The execution in the console. */
  readonly url: string;
}

const pushSchema = z.object({ ref: commitIdSchema });
const summarySchema = z.object({ released: z.array(z.string()) });
const amisSchema = announcedSchema.pick({ amis: true });

/** Undefined for an execution that is about no commit that is known before it begins. */
export function statusOf(execution: ToldExecution): CommitStatus | undefined {
  const url = executionLink(execution);
  if (machineOf(execution.executionArn) === NAMES.releaseMachine) {
    const push = pushSchema.safeParse(execution.input).data;
    return push && { commit: push.ref, name: 'packleader', url, ...ofPush(execution) };
  }
  const release = releaseIn(execution);
  if (!release) return undefined;
  const { commit, image, version } = release;
  return { commit, name: `packleader/${image}`, url, ...ofImage(execution, version) };
}

type Said = Pick<CommitStatus, 'state' | 'description'>;

function ofPush(execution: ToldExecution): Said {
  const { status, output } = execution;
  if (status === 'RUNNING') return { state: 'pending', description: 'Releasing what changed' };
  if (status !== 'SUCCEEDED') return notReleased(execution);
  const released = summarySchema.safeParse(output).data?.released ?? [];
  const description = released.length === 0 ? 'Nothing to release' : `Released ${released.join(', ')}`;
  return { state: 'success', description };
}

function ofImage(execution: ToldExecution, version: string): Said {
  const { status, error, output } = execution;
  if (status === 'RUNNING') return { state: 'pending', description: `Releasing ${version}` };
  if (status === 'SUCCEEDED')
    return { state: 'success', description: `${version}: ${amisIn(output) || 'released'}` };
  // Every account has it by then.
  if (error === ERRORS.announcementFailed)
    return { state: 'success', description: `${version}: released; its event was not taken` };
  // It goes on in another execution, which says how it ends.
  if (error === ERRORS.handedOver) return { state: 'pending', description: `Retrying ${version}` };
  return notReleased(execution);
}

function notReleased({ status, error, cause }: ToldExecution): Said {
  if (status === 'ABORTED') return { state: 'failure', description: 'Stopped' };
  if (status === 'TIMED_OUT') return { state: 'failure', description: 'Ran out of time' };
  return { state: 'failure', description: oneLine(messageIn({ name: error, cause })) || error };
}

/** The first line says what happened; those below, what was undone. */
export const oneLine = (text: string): string => text.trim().split('\n')[0]?.trim() ?? '';

const amisIn = (output: unknown): string =>
  Object.values(amisSchema.safeParse(output).data?.amis ?? {})
    .flat()
    .map((ami) => `${ami.imageId} (${targetName(ami)})`)
    .join(', ');
