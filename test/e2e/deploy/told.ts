/** Somebody who subscribes to the topic of what becomes of releases. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import * as z from 'zod';
import { NAMES } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import type { Moto } from '../moto.ts';
import { askQueue } from './queue.ts';

const queueSchema = z.object({ QueueUrl: z.string() });
const receivedSchema = z.object({ Messages: z.array(z.object({ Body: z.string() })).default([]) });
const notificationSchema = z.object({ content: z.object({ title: z.string() }) });

/** A queue takes what a channel of Slack or Teams would get, until it is asked what people were not told. */
export async function subscribe(moto: Moto): Promise<() => Promise<string[]>> {
  const observer = await moto.observer(HUB);
  const { QueueUrl } = queueSchema.parse(await askQueue(observer, 'CreateQueue', { QueueName: 'people' }));
  await new SNSClient(observer).send(
    new SubscribeCommand({
      TopicArn: `arn:aws:sns:${HUB.region}:${HUB.accountId}:${NAMES.releasesTopic}`,
      Protocol: 'sqs',
      Endpoint: `arn:aws:sqs:${HUB.region}:${HUB.accountId}:people`,
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  const titles: string[] = [];
  const read = async (): Promise<void> => {
    const asked = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 };
    const { Messages } = receivedSchema.parse(await askQueue(observer, 'ReceiveMessage', asked));
    for (const { Body } of Messages) titles.push(notificationSchema.parse(JSON.parse(Body)).content.title);
  };
  return async () => {
    // Whoever sends an event does not wait for what comes of it.
    for (let attempt = 0; attempt < ATTEMPTS && untold(titles).length > 0; attempt++) {
      await read();
      await sleep(200);
    }
    await askQueue(observer, 'DeleteQueue', { QueueUrl });
    return untold(titles);
  };
}

const ATTEMPTS = 100;

/** What people must have read by now; each of them of a scenario. */
const READ: readonly RegExp[] = [
  /^nightly@\S+ waits for the approval of prod, until /,
  /^nightly@\S+ is approved for prod, by arn:\S+packleader-operator/,
  /^nightly@\S+ is released$/,
  /^rejected@\S+ was not released: .*rejected it for prod: not before the freeze ends/,
  /^unsound@\S+ was not released: /,
  /^The rollback of given-up@\S+ left something behind: /,
  /^The release of stopped@\S+ was stopped$/,
  /^nightly was not released for 30 days$/,
];

const untold = (titles: readonly string[]): string[] =>
  READ.filter((read) => !titles.some((title) => read.test(title))).map(
    (read) => `Nobody was told ${read.source}, of: ${titles.toSorted().join(' | ')}`,
  );
