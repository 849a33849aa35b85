import { App } from 'aws-cdk-lib';
import { contextOf, factoryOf } from './context.ts';
import { accountsOf } from '../core/configuration/factory.ts';
import { HubStack } from './hub/hub-stack.ts';
import { TargetStack } from './target/target-stack.ts';

const app = new App();
const factory = factoryOf(app);
const context = contextOf(app);
const { repositoryTokenSecret, webhookSecret, organizationId, customerKey, alarms } = context;
const { packer, sessionManagerPlugin, bakeVpcs = {} } = context;
const accounts = accountsOf(factory);
for (const accountId of Object.keys(bakeVpcs)) {
  if (!accounts.includes(accountId))
    throw new Error(
      `"packleader:bakeVpcs" in cdk.json names the account ${accountId}, which has no target; targets are in ${accounts.join(', ')}.`,
    );
}

new HubStack(app, 'packleader-hub', {
  factory,
  env: { account: factory.hub.accountId, region: factory.hub.region },
  ...(repositoryTokenSecret !== undefined && { repositoryTokenSecret }),
  ...(webhookSecret !== undefined && { webhookSecret }),
  ...(alarms && { alarms }),
  ...(organizationId !== undefined && { organizationId }),
  ...(customerKey !== undefined && { customerKey }),
});
for (const accountId of accounts) {
  const bakeVpc = bakeVpcs[accountId];
  new TargetStack(app, `packleader-target-${accountId}`, {
    factory,
    accountId,
    ...(packer && { packer }),
    ...(sessionManagerPlugin && { sessionManagerPlugin }),
    ...(bakeVpc && { bakeVpc }),
    ...(customerKey !== undefined && { customerKey }),
  });
}
