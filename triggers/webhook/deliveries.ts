import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { asFact, hasCode } from '../../core/aws/errors.ts';
import { NAMES } from '../../core/contract/names.ts';

const dynamoDb = new DynamoDBClient({});

/** Longer than the webhook may run: a delivery that was lost half way may come again after that. */
const CLAIMED_SECONDS = 60;

/** As long as Step Functions remembers the name of an execution that has ended. */
const REMEMBERED_SECONDS = 90 * 86_400;

/** Takes a delivery on; false when it has been, or is being, dealt with. */
export async function claim(delivery: string): Promise<boolean> {
  const now = seconds();
  try {
    await dynamoDb.send(
      new PutItemCommand({
        TableName: NAMES.deliveriesTable,
        Item: item(delivery, now + CLAIMED_SECONDS),
        // DynamoDB deletes what has expired only hours later.
        ConditionExpression: 'attribute_not_exists(delivery) OR expiresAt < :now',
        ExpressionAttributeValues: { ':now': { N: String(now) } },
      }),
    );
    return true;
  } catch (error) {
    if (hasCode(error, 'ConditionalCheckFailedException')) return false;
    throw asFact(error);
  }
}

/** Keeps a delivery from being taken on again: what it asked for has happened. */
export async function remember(delivery: string): Promise<void> {
  const command = new PutItemCommand({
    TableName: NAMES.deliveriesTable,
    Item: item(delivery, seconds() + REMEMBERED_SECONDS),
  });
  await dynamoDb.send(command).catch((error: unknown) => {
    throw asFact(error);
  });
}

function item(delivery: string, expiresAt: number) {
  return { delivery: { S: delivery }, expiresAt: { N: String(expiresAt) } };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
