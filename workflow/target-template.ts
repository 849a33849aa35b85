/**
 * The target stack for any account, as one template that needs nothing else, neither a bootstrapped account nor an asset: what a
 * CloudFormation StackSet takes. `npm run target-template` writes it.
 */
import { App } from 'aws-cdk-lib';
import { configurationFiles } from '../core/configuration/files.ts';
import { loadFactory } from '../core/configuration/factory.ts';
import { deploymentOf, factoryOf } from './context.ts';
import { saidPlainly } from './said-plainly.ts';
import { TargetStack } from './target/target-stack.ts';

// CDK's older way to synthesise: its templates ask for no bootstrapped account.
await saidPlainly(() => {
  const app = new App({
    analyticsReporting: false,
    postCliContext: {
      '@aws-cdk/core:newStyleStackSynthesis': false,
      // Where a resource is in this app, which nobody who has the template alone asks for; a kilobyte of it.
      'aws:cdk:enable-path-metadata': false,
    },
  });
  const {
    customerKey,
    spotBuilders,
    keepBuilders,
    testAmis,
    copyAmis,
    packer,
    sessionManagerPlugin,
    pluginTokenSecret,
    plugins,
    downloads,
    retire = false,
  } = deploymentOf(app).settings;
  new TargetStack(app, 'packleader-target', {
    factory: loadFactory(configurationFiles(factoryOf(app).files)),
    // A StackSet takes 51,200 bytes as they are; more must be in S3.
    suppressTemplateIndentation: true,
    ...(packer && { packer }),
    ...(sessionManagerPlugin && { sessionManagerPlugin }),
    ...(pluginTokenSecret !== undefined && { pluginTokenSecret }),
    ...(plugins && { plugins }),
    ...(downloads !== undefined && { downloads }),
    ...(customerKey !== undefined && { customerKey }),
    ...(spotBuilders !== undefined && { spotBuilders }),
    ...(keepBuilders !== undefined && { keepBuilders }),
    ...(testAmis !== undefined && { testAmis }),
    ...(copyAmis !== undefined && { copyAmis }),
    retires: retire,
  });
});
