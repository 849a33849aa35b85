import { App, Duration } from 'aws-cdk-lib';
import { readFactoryDirectory } from '../tasks/configuration/factory-directory.ts';
import { loadFactory } from '../tasks/configuration/factory.ts';
import * as z from 'zod';
import { HubStack, accountsOf } from './hub-stack.ts';
import { TargetStack } from './target-stack.ts';

const app = new App();
const directory = String(app.node.tryGetContext('factory') ?? new URL('../packer', import.meta.url).pathname);
const factory = loadFactory(readFactoryDirectory(directory));

/** What cdk.json, or `--context`, says besides the factory; docs/decisions/builds.md says where to find each value. */
const toolSchema = z.strictObject({
  version: z.string().regex(/^\d+(\.\d+)+$/, 'must look like 1.14.2'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must have 64 hexadecimal digits'),
});
/** docs/runbook.md says what each is for. */
const alarmsSchema = z
  .strictObject({
    email: z.email().optional(),
    topicArn: z
      .string()
      .regex(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of an SNS topic')
      .optional(),
    usualMinutes: z.number().int().positive().optional(),
    runbook: z.url().optional(),
  })
  .refine(({ email, topicArn }) => email === undefined || topicArn === undefined, {
    message: 'must have either email or topicArn: who is told by your own topic is for that topic to say',
  })
  .transform(({ email, topicArn, usualMinutes, runbook }) => ({
    notify: { ...(email !== undefined && { email }), ...(topicArn !== undefined && { topicArn }) },
    ...(usualMinutes !== undefined && { usualTime: Duration.minutes(usualMinutes) }),
    ...(runbook !== undefined && { runbook }),
  }));
const context = z
  .object({
    packer: toolSchema,
    sessionManagerPlugin: toolSchema,
    repositoryTokenSecret: z.string().min(1),
    alarms: alarmsSchema,
  })
  .partial()
  .parse({
    packer: app.node.tryGetContext('packleader:packer'),
    sessionManagerPlugin: app.node.tryGetContext('packleader:sessionManagerPlugin'),
    repositoryTokenSecret: app.node.tryGetContext('packleader:repositoryTokenSecret'),
    alarms: app.node.tryGetContext('packleader:alarms'),
  });
const { packer, sessionManagerPlugin, repositoryTokenSecret, alarms } = context;

new HubStack(app, 'packleader-hub', {
  factory,
  env: { account: factory.hub.accountId, region: factory.hub.region },
  ...(repositoryTokenSecret !== undefined && { repositoryTokenSecret }),
  ...(alarms && { alarms }),
});
for (const accountId of accountsOf(factory)) {
  new TargetStack(app, `packleader-target-${accountId}`, {
    factory,
    accountId,
    ...(packer && { packer }),
    ...(sessionManagerPlugin && { sessionManagerPlugin }),
  });
}
