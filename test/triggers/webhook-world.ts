/** What the webhook touches, in memory: its secret, the table of deliveries with its condition, and the bus. */
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import * as z from 'zod';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { NAMES } from '../../core/contract/names.ts';
import { type GitPush, gitPushSchema } from '../../core/contract/events.ts';
import { unpublishedEvents } from '../fixtures/events.ts';
import { REPOSITORY } from '../fixtures/releases.ts';
import { SECRET, SIGNING_TOKEN } from './requests.ts';

export const WEBHOOK_SECRET = 'packleader-webhook';

export class WebhookWorld {
  secretString = JSON.stringify([SECRET, SIGNING_TOKEN]);
  readonly pushes: GitPush[] = [];
  /** By delivery: when it expires, in seconds. */
  readonly deliveries = new Map<string, number>();
  readonly #dynamoDb = mockClient(DynamoDBClient);
  readonly #eventBridge = mockClient(EventBridgeClient);
  readonly #secretsManager = mockClient(SecretsManagerClient);

  constructor() {
    process.env['AWS_REGION'] = 'eu-west-1';
    process.env[TRIGGER_ENVIRONMENT.webhookSecret] = WEBHOOK_SECRET;
    process.env[TRIGGER_ENVIRONMENT.repository] = REPOSITORY;
    process.env[TRIGGER_ENVIRONMENT.branches] = '["main"]';
    for (const mock of [this.#dynamoDb, this.#eventBridge, this.#secretsManager])
      mock.rejects('unexpected call');
    this.#secretsManager
      .on(GetSecretValueCommand, { SecretId: WEBHOOK_SECRET })
      .callsFake(async () => ({ SecretString: this.secretString }));
    this.#dynamoDb
      .on(PutItemCommand, { TableName: NAMES.deliveriesTable })
      .callsFake(async (input) => this.#put(input));
    this.#eventBridge.on(PutEventsCommand).callsFake(async (input) => this.#tell(input));
  }

  /** How often the secret was read. */
  get reads(): number {
    return this.#secretsManager.calls().length;
  }

  /** Every call that was made, as the SDK was asked for it. */
  get calls(): { service: string; operation: string; input: object }[] {
    const mocks = {
      dynamodb: this.#dynamoDb,
      eventbridge: this.#eventBridge,
      secretsmanager: this.#secretsManager,
    };
    return Object.entries(mocks).flatMap(([service, mock]) =>
      mock.calls().map(({ args: [command] }) => ({
        service,
        operation: command.constructor.name.replace(/Command$/, ''),
        input: command.input,
      })),
    );
  }

  /** Lets the bus refuse everything from now on, or take it again. */
  busWorks = true;

  restore(): void {
    for (const mock of [this.#dynamoDb, this.#eventBridge, this.#secretsManager]) mock.restore();
  }

  #put(input: unknown): object {
    const { Item, ConditionExpression, ExpressionAttributeValues } = putSchema.parse(input);
    const held = this.deliveries.get(Item.delivery.S);
    if (
      ConditionExpression !== undefined &&
      held !== undefined &&
      held >= ExpressionAttributeValues[':now'].N
    )
      throw Object.assign(new Error('The conditional request failed'), {
        name: 'ConditionalCheckFailedException',
      });
    this.deliveries.set(Item.delivery.S, Item.expiresAt.N);
    return {};
  }

  #tell(input: unknown): object {
    if (!this.busWorks) throw Object.assign(new Error('no'), { name: 'InternalFailure' });
    const { Entries } = entriesSchema.parse(input);
    const sent = Entries.map(({ DetailType: detailType, Source: source, Detail }) => ({
      source,
      detailType,
      detail: JSON.parse(Detail) as unknown,
    }));
    const unpublished = unpublishedEvents(sent);
    if (unpublished.length > 0) throw new Error(unpublished.join('\n'));
    this.pushes.push(...Entries.map(({ Detail }) => gitPushSchema.parse(JSON.parse(Detail))));
    return { FailedEntryCount: 0, Entries: [{ EventId: '1' }] };
  }
}

const number = z.object({ N: z.string().regex(/^\d+$/).transform(Number) });
const putSchema = z.object({
  Item: z.object({ delivery: z.object({ S: z.string() }), expiresAt: number }),
  ConditionExpression: z.literal('attribute_not_exists(delivery) OR expiresAt < :now').optional(),
  ExpressionAttributeValues: z.object({ ':now': number }).default({ ':now': { N: 0 } }),
});
const entriesSchema = z.object({
  Entries: z.array(
    z.object({ Source: z.literal('packleader'), DetailType: z.literal('Git Push'), Detail: z.string() }),
  ),
});
