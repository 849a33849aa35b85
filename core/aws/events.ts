import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { plainText, visible } from '../../buildspecs/plain-text.mjs';
import { asFact } from './errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { EVENT_SCHEMA, type EventDetail, type EventName } from '../contract/events.ts';
import { NAMES } from '../contract/names.ts';

const eventBridge = new EventBridgeClient({});

/**
 * Puts one event of ours on the hub's default bus. PutEvents succeeds even when it took none: the entry's own error is
 * thrown as AnnouncementFailed.
 *  @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export async function putEvent<Name extends EventName>(
  detailType: Name,
  detail: EventDetail<Name>,
): Promise<void> {
  const entry = {
    Source: NAMES.eventSource,
    DetailType: detailType,
    Detail: visible(JSON.stringify({ schema: EVENT_SCHEMA, ...detail })),
  };
  const { Entries = [], FailedEntryCount = 0 } = await eventBridge
    .send(new PutEventsCommand({ Entries: [entry] }))
    .catch((error: unknown) => {
      throw asFact(error);
    });
  if (FailedEntryCount === 0) return;
  const [refusal] = Entries;
  throw new PackleaderError(
    ERRORS.announcementFailed,
    `EventBridge refused "${detailType}": ${refusal?.ErrorCode} ${refusal?.ErrorMessage}`,
  );
}

/** Tells people: {@link putEvent} with plain text everywhere, because a mail or a chat may show any of it. */
export async function announce<Name extends EventName>(
  detailType: Name,
  detail: EventDetail<Name>,
): Promise<void> {
  const plain: EventDetail<Name> = JSON.parse(JSON.stringify(detail), (_key, value: unknown) =>
    typeof value === 'string' ? plainText(value) : value,
  );
  await putEvent(detailType, plain);
}
