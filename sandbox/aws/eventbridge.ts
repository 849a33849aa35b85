import type {
  PutEventsCommandInput,
  PutEventsCommandOutput,
  PutEventsRequestEntry,
  PutEventsResultEntry,
} from '@aws-sdk/client-eventbridge';
import type { Context, Output } from './context.ts';
import { awsError } from './errors.ts';

const ENTRIES_PER_CALL = 10;
const SIZE_LIMIT = 1024 * 1024;

function putEvents(context: Context, input: PutEventsCommandInput): Output<PutEventsCommandOutput> {
  const entries = input.Entries ?? [];
  if (entries.length === 0 || entries.length > ENTRIES_PER_CALL) {
    throw awsError(
      'eventbridge',
      'ValidationException',
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to ${String(ENTRIES_PER_CALL)}`,
    );
  }
  if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > SIZE_LIMIT) {
    throw awsError(
      'eventbridge',
      'ValidationException',
      'Total size of the entries in the request is over the limit.',
    );
  }
  const results = entries.map((entry) => put(context, entry));
  return {
    Entries: results,
    FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode !== undefined).length,
  };
}

/** As AWS computes it: a time stamp counts 14 bytes. */
const sizeOf = (entry: PutEventsRequestEntry): number =>
  (entry.Time === undefined ? 0 : 14) +
  [entry.Source, entry.DetailType, entry.Detail, ...(entry.Resources ?? [])].reduce(
    (sum, text) => sum + Buffer.byteLength(text ?? ''),
    0,
  );

function put(
  { world, clock, accountId, region }: Context,
  entry: PutEventsRequestEntry,
): PutEventsResultEntry {
  const { Source: source = '', DetailType: detailType = '', Detail: text = '' } = entry;
  if (source === '' || detailType === '') {
    return {
      ErrorCode: 'InvalidArgument',
      ErrorMessage: 'Parameter Source and DetailType are required. Reason: missing.',
    };
  }
  if (source.startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: `Not authorized for the source.` };
  }
  const detail = parse(text);
  if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  const id = world.hex(`event/${String(world.events.length)}`, 32);
  world.events.push({
    at: clock.now().toISOString(),
    id,
    accountId,
    region,
    source,
    detailType,
    detail,
    eventBusName: entry.EventBusName ?? 'default',
    resources: entry.Resources ?? [],
  });
  return { EventId: id };
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const eventbridge = { PutEvents: putEvents };
