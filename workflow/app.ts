import { App } from 'aws-cdk-lib';
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
const context = z
  .object({
    packer: toolSchema,
    sessionManagerPlugin: toolSchema,
    repositoryTokenSecret: z.string().min(1),
    webhookSecret: z.string().min(1),
  })
  .partial()
  .parse({
    packer: app.node.tryGetContext('packleader:packer'),
    sessionManagerPlugin: app.node.tryGetContext('packleader:sessionManagerPlugin'),
    repositoryTokenSecret: app.node.tryGetContext('packleader:repositoryTokenSecret'),
    webhookSecret: app.node.tryGetContext('packleader:webhookSecret'),
  });
const { packer, sessionManagerPlugin, repositoryTokenSecret, webhookSecret } = context;

new HubStack(app, 'packleader-hub', {
  factory,
  env: { account: factory.hub.accountId, region: factory.hub.region },
  ...(repositoryTokenSecret !== undefined && { repositoryTokenSecret }),
  ...(webhookSecret !== undefined && { webhookSecret }),
});
for (const accountId of accountsOf(factory)) {
  new TargetStack(app, `packleader-target-${accountId}`, {
    factory,
    accountId,
    ...(packer && { packer }),
    ...(sessionManagerPlugin && { sessionManagerPlugin }),
  });
}
