/** A message as Amazon Q Developer in chat applications shows it in Slack and in Teams, and as a mail shows it. */
import { plainText } from '../buildspecs/plain-text.mjs';
import { cut } from '../core/releases/cause-text.ts';
import type { Message } from './messages.ts';

/** @see https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html */
const LONGEST = { title: 250, description: 8_000, keyword: 75 };

/**
 * What SNS delivers: the chat's document to whatever takes JSON, and text to people.
 *  @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export function notification(message: Message): { readonly default: string; readonly email: string } {
  const title = plainText(message.title);
  const lines = message.lines.filter((line) => line !== '').map(plainText);
  return {
    default: JSON.stringify({
      version: '1.0',
      source: 'custom',
      content: {
        textType: 'client-markdown',
        title: cut(unmarked(title), LONGEST.title),
        // A notification without one is dropped.
        description: cut(unmarked(lines.join('\n')) || '-', LONGEST.description),
        keywords: ['packleader', message.about, cut(message.image, LONGEST.keyword)],
      },
      metadata: { threadId: message.thread, summary: cut(unmarked(title), LONGEST.title) },
    }),
    email: [title, '', ...lines].join('\n'),
  };
}

/** A build log must not call a whole channel, nor hide where a link leads. */
const unmarked = (text: string): string =>
  text
    .replaceAll('<', '‹')
    .replaceAll('>', '›')
    .replaceAll(/@(?=here|channel|everyone)/gi, '@ ')
    .replaceAll('](', '] (');
