import type { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { fileURLToPath } from 'node:url';

export interface BundledFunctionProps {
  /** Where the handler is, from the root: `tasks/check-amis.ts`. */
  readonly entry: string;
  readonly functionName: string;
  readonly roleName: string;
  readonly description: string;
  readonly timeout: Duration;
  readonly environment?: Readonly<Record<string, string>>;
  /** How many may run at the same time; default: what the account has. */
  readonly reservedConcurrentExecutions?: number;
}

/**
 * The SDK looks for credentials in the environment first, where Lambda puts them, and imports these only when there are none.
 * Without them a bundle is 100 KB smaller.
 */
const NEVER_LOADED = [
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@aws-sdk/token-providers',
];

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

/** How every Lambda function of packleader is bundled, run, traced and logged; its role may write its log and no more. */
export class BundledFunction extends NodejsFunction {
  constructor(scope: Construct, id: string, props: BundledFunctionProps) {
    const { entry, roleName, description, environment, ...rest } = props;
    const logGroup = new LogGroup(scope, `${id}-logs`, {
      logGroupName: `/aws/lambda/${props.functionName}`,
      retention: RetentionDays.SIX_MONTHS,
    });
    const role = new Role(scope, `${id}-role`, {
      roleName,
      description,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    logGroup.grantWrite(role);
    super(scope, id, {
      ...rest,
      role,
      entry: path(entry),
      projectRoot: path(''),
      depsLockFilePath: path('package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      tracing: Tracing.ACTIVE,
      logGroup,
      environment: { NODE_OPTIONS: '--enable-source-maps', ...environment },
      bundling: {
        format: OutputFormat.ESM,
        bundleAwsSDK: true,
        externalModules: [...NEVER_LOADED],
        mainFields: ['module', 'main'],
        target: 'node24',
        minify: true,
        sourceMap: true,
        sourcesContent: false,
      },
    });
  }
}
