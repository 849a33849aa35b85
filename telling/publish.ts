/** One message on an SNS topic, as Slack and Teams show it, and as text for mail. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { asFact } from '../core/aws/errors.ts';
import type { Message } from './messages.ts';
import { notification } from './notification.ts';

const sns = new SNSClient({});

/** @throws PackleaderError AccessDenied, Throttled, ConnectionLost, AwsCallFailed */
export async function publish(topicArn: string, message: Message): Promise<void> {
  const command = new PublishCommand({
    TopicArn: topicArn,
    Subject: subjectOf(message),
    MessageStructure: 'json',
    Message: JSON.stringify(notification(message)),
  });
  await sns.send(command).catch((error: unknown) => {
    throw asFact(error);
  });
}

/** Of a mail: at most 99 printable characters of ASCII, on one line. */
const subjectOf = ({ title }: Message): string =>
  `packleader: ${title}`
    .replaceAll(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, 99);
