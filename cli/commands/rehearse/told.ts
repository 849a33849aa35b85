/** What people, and the commit, would be told of a rehearsal, where packleader.config and factory.yaml have them told. */
import * as z from 'zod';
import type { DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import type { approversOf } from '../../../core/configuration/factory.ts';
import { NAMES, approversTopic } from '../../../core/contract/names.ts';
import {
  type StatusProviderName,
  TOLD,
  TOLD_BY_DEFAULT,
  TOLD_OF_APPROVALS,
  type Told,
} from '../../../core/contract/telling.ts';
import type { ReportedExecution } from '../../../sandbox/rehearsal/rehearsal.ts';
import { type Message, messageOf, messageOfExecution } from '../../../telling/messages.ts';
import { PROVIDERS } from '../../../telling/providers/providers.ts';
import { shownDescription } from '../../../telling/set-status.ts';
import { type CommitStatus, statusOf } from '../../../telling/statuses.ts';

/** One message on one topic. */
export interface Telling {
  /** Its name. */
  readonly topic: string;
  /** ISO 8601, in the time of the rehearsal. */
  readonly at: string;
  readonly title: string;
  readonly lines: readonly string[];
}

/** A status at a commit, as the provider of the repository is told it. */
export interface ShownStatus extends CommitStatus {
  readonly provider: StatusProviderName;
  /** ISO 8601, in the time of the rehearsal. */
  readonly at: string;
}

/** An event on the hub's bus. */
export interface HappenedEvent {
  readonly at: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

export interface Happened {
  readonly events: readonly HappenedEvent[];
  readonly executions: readonly ReportedExecution[];
}

const stagedSchema = z.object({ stage: z.string() });

/** By the settings that would be deployed; nobody stops a release of a rehearsal, so that is told of none. */
export function tellingsOf(
  { events, executions }: Happened,
  { notify }: Pick<DeploymentSettings, 'notify'>,
  approvers: ReturnType<typeof approversOf>,
): Telling[] {
  const name = (arn: string | undefined, own: string): string => arn?.split(':').at(-1) ?? own;
  const words = notify?.events ?? (notify ? TOLD_BY_DEFAULT : []);
  const begun = words.includes('started') ? executions.flatMap(beginning) : [];
  const ofEvents = events.flatMap(({ at, source, detailType, detail }) => {
    if (source !== NAMES.eventSource) return [];
    const telling = (topic: string, message: Message | undefined): Telling[] =>
      message ? [{ topic, at, title: message.title, lines: message.lines }] : [];
    const isOne = (word: Told): boolean => TOLD[word] === detailType;
    const { stage = '' } = TOLD_OF_APPROVALS.some(isOne) ? stagedSchema.parse(detail) : {};
    const asked = approvers[stage];
    return [
      ...(words.some(isOne)
        ? telling(name(notify?.topicArn, NAMES.releasesTopic), messageOf(detailType, detail, notify?.stages))
        : []),
      ...(asked ? telling(name(asked.topicArn, approversTopic(stage)), messageOf(detailType, detail)) : []),
    ];
  });
  return [...ofEvents, ...begun].toSorted((one, other) => one.at.localeCompare(other.at));

  function beginning({ startedAt, ...execution }: ReportedExecution): Telling[] {
    const message = messageOfExecution({ ...execution, ...RUNS });
    const topic = name(notify?.topicArn, NAMES.releasesTopic);
    return message ? [{ topic, at: startedAt, title: message.title, lines: message.lines }] : [];
  }
}

/** What is set at the commit when an execution begins, and when it ends. */
export function statusesOf(
  executions: readonly ReportedExecution[],
  { commitStatus }: Pick<DeploymentSettings, 'commitStatus'>,
): ShownStatus[] {
  if (!commitStatus) return [];
  const { provider } = commitStatus;
  const shown = executions.flatMap(({ startedAt, endedAt, ...execution }) => {
    const moments = [
      { at: startedAt, status: statusOf({ ...execution, ...RUNS }) },
      { at: endedAt, status: statusOf(execution) },
    ];
    return moments.flatMap(({ at, status }): ShownStatus[] => {
      if (!status) return [];
      return [{ provider, at, ...status, description: shownDescription(status, PROVIDERS[provider]) }];
    });
  });
  return shown.toSorted((one, other) => one.at.localeCompare(other.at));
}

/** As Step Functions says of an execution that has begun. */
const RUNS = { status: 'RUNNING', error: '', cause: '', output: null } as const;
