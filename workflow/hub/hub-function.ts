import type { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { bundleOf } from './function-bundles.ts';
import { KeptLogs } from '../constructs/kept-logs.ts';
import { type Wildcards, justify } from '../constructs/wildcards.ts';

export interface HubFunctionProps {
  /** Its source, from the root: `tasks/check-amis`. */
  readonly file: string;
  readonly functionName: string;
  readonly roleName: string;
  readonly description: string;
  readonly timeout: Duration;
  /** Why its role's statements hold the patterns they hold. */
  readonly wildcards: Wildcards;
  readonly environment?: Readonly<Record<string, string>>;
  /** How many may run at the same time; default: what the account has. */
  readonly reservedConcurrentExecutions?: number;
}

/** How every function of the hub is bundled, run, traced and logged; its role may write its log and its traces, and no more. */
export class HubFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: HubFunctionProps) {
    const { file, roleName, description, wildcards, environment, ...rest } = props;
    const logGroup = new KeptLogs(scope, `${id}-logs`, `/aws/lambda/${props.functionName}`);
    const role = new Role(scope, `${id}-role`, {
      roleName,
      description,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    logGroup.grantWrite(role);
    justify(role, wildcards);
    super(scope, id, {
      ...rest,
      role,
      code: bundleOf(file),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      tracing: Tracing.ACTIVE,
      logGroup,
      // Lambda's own lines as JSON too: how a function ended that could not say so itself.
      loggingFormat: LoggingFormat.JSON,
      environment: { NODE_OPTIONS: '--enable-source-maps', ...environment },
    });
  }
}
