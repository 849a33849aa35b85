import { expect, it } from 'vitest';
import { logLink } from '../../../core/aws/console-links.ts';

it.each([
  [
    { region: 'eu-west-1', group: '/packleader/packleader-bake', stream: '0b1c-2d3e' },
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fpackleader$252Fpackleader-bake/log-events/0b1c-2d3e',
  ],
  [
    { region: 'us-east-2', group: '/aws/lambda/web', stream: '2026/11/21/[$LATEST]abc' },
    'https://us-east-2.console.aws.amazon.com/cloudwatch/home?region=us-east-2#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fweb/log-events/2026$252F11$252F21$252F$255B$2524LATEST$255Dabc',
  ],
])('a link to a log stream is encoded as the CloudWatch console wants it', (log, link) => {
  expect(logLink(log)).toBe(link);
});
