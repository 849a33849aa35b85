/** What people would be told of a rehearsal, where packleader.config and factory.yaml have somebody told. */
import * as z from 'zod';
import type { DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import type { approversOf } from '../../../core/configuration/factory.ts';
import { NAMES, approversTopic } from '../../../core/contract/names.ts';
import { TOLD, TOLD_BY_DEFAULT, TOLD_OF_APPROVALS, type Told } from '../../../core/contract/telling.ts';
import { type Message, messageOf } from '../../../telling/messages.ts';

/** One message on one topic. */
export interface Telling {
  /** Its name. */
  readonly topic: string;
  /** ISO 8601, in the time of the rehearsal. */
  readonly at: string;
  readonly title: string;
  readonly lines: readonly string[];
}

/** An event on the hub's bus. */
export interface HappenedEvent {
  readonly at: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

const stagedSchema = z.object({ stage: z.string() });

/** By the settings that would be deployed; an end that a person made, and a beginning, are told by Step Functions and are not here. */
export function tellingsOf(
  events: readonly HappenedEvent[],
  { notify }: Pick<DeploymentSettings, 'notify'>,
  approvers: ReturnType<typeof approversOf>,
): Telling[] {
  const name = (arn: string | undefined, own: string): string => arn?.split(':').at(-1) ?? own;
  const words = notify?.events ?? (notify ? TOLD_BY_DEFAULT : []);
  return events.flatMap(({ at, source, detailType, detail }) => {
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
}
