import { App } from 'aws-cdk-lib';
import { readFactoryDirectory } from '../tasks/configuration/factory-directory.ts';
import { loadFactory } from '../tasks/configuration/factory.ts';
import { HubStack } from './hub-stack.ts';

const app = new App();
const directory = String(app.node.tryGetContext('factory') ?? new URL('../packer', import.meta.url).pathname);
const factory = loadFactory(readFactoryDirectory(directory));
new HubStack(app, 'packleader-hub', {
  factory,
  env: { account: factory.hub.accountId, region: factory.hub.region },
});
