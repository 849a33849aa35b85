/**
 * The target stack for any account, as one template that needs nothing else, neither a bootstrapped account nor an asset: what a
 * CloudFormation StackSet takes. `npm run target-template` writes it.
 */
import { App, DefaultStackSynthesizer } from 'aws-cdk-lib';
import { contextOf, factoryOf } from './context.ts';
import { TargetStack } from './target-stack.ts';

/** Its stacks ask for no bootstrapped account. */
class NoBootstrap extends DefaultStackSynthesizer {
  constructor() {
    super({ generateBootstrapVersionRule: false });
  }

  // CDK's own class does not fit CDK's own interface where optional properties are exact.
  override get lookupRole(): string {
    return super.lookupRole ?? DefaultStackSynthesizer.DEFAULT_LOOKUP_ROLE_ARN;
  }

  override get bootstrapQualifier(): string {
    return super.bootstrapQualifier ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
  }
}

const app = new App({ analyticsReporting: false });
const { customerKey, packer, sessionManagerPlugin } = contextOf(app);
new TargetStack(app, 'packleader-target', {
  factory: factoryOf(app),
  synthesizer: new NoBootstrap(),
  // A StackSet takes 51,200 bytes as they are; more must be in S3.
  suppressTemplateIndentation: true,
  ...(packer && { packer }),
  ...(sessionManagerPlugin && { sessionManagerPlugin }),
  ...(customerKey !== undefined && { customerKey }),
});
