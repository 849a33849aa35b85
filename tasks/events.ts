import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ERRORS, NAMES, PackleaderError } from './contract.ts';

const eventBridge = new EventBridgeClient({});

/**
 * Puts one event of ours on the hub's default bus. PutEvents succeeds even when it took none: the entry's own error is
 * thrown as AnnouncementFailed.
 *  @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export async function putEvent(detailType: string, detail: Record<string, unknown>): Promise<void> {
  const { Entries = [], FailedEntryCount = 0 } = await eventBridge.send(
    new PutEventsCommand({
      Entries: [{ Source: NAMES.eventSource, DetailType: detailType, Detail: JSON.stringify(detail) }],
    }),
  );
  if (FailedEntryCount === 0) return;
  const [entry] = Entries;
  throw new PackleaderError(
    ERRORS.announcementFailed,
    `EventBridge refused "${detailType}": ${entry?.ErrorCode} ${entry?.ErrorMessage}`,
  );
}
