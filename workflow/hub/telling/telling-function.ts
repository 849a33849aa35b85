import { Duration, Stack } from 'aws-cdk-lib';
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { lookAtExecutions } from '../../constructs/customer-key.ts';
import { tellingRole } from '../../constructs/role-names.ts';
import type { Wildcards } from '../../constructs/wildcards.ts';
import { HubFunction } from '../hub-function.ts';
import { type FailedTriggers, keepFailures } from '../failed-triggers.ts';

export interface TellingFunctionProps {
  /** Its file in telling/. */
  readonly file: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The machines whose executions it looks at. */
  readonly machines: readonly string[];
  readonly failed: FailedTriggers;
  /** Encrypts the state machines; default: keys of AWS's do. */
  readonly key?: Key;
}

const WILDCARDS: Wildcards = {
  '*': 'X-Ray has no resources.',
  '-??????': 'Secrets Manager ends every ARN with six characters of its own.',
  ':*': 'Executions are named when they start.',
};

/** A function that tells of releases: it sees executions, and no release waits for it or fails with it. */
export class TellingFunction extends HubFunction {
  constructor(scope: Construct, id: string, props: TellingFunctionProps) {
    const { file, machines, failed, key, ...rest } = props;
    super(scope, id, {
      ...rest,
      file: `telling/${file}`,
      functionName: `packleader-${file}`,
      roleName: tellingRole(file),
      timeout: Duration.minutes(3),
      wildcards: WILDCARDS,
    });
    const { account, region } = Stack.of(this);
    this.addToRolePolicy(
      new PolicyStatement({
        sid: 'SeeReleases',
        actions: ['states:DescribeExecution'],
        resources: machines.map((name) => `arn:aws:states:${region}:${account}:execution:${name}:*`),
      }),
    );
    if (key) this.addToRolePolicy(lookAtExecutions(key, machines));
    keepFailures(this, failed);
  }
}

/** What Step Functions itself says of the executions of machines. */
export function statusChanges(
  scope: Construct,
  machines: readonly string[],
  statuses?: readonly string[],
): EventPattern {
  const { account, region } = Stack.of(scope);
  return {
    source: ['aws.states'],
    detailType: ['Step Functions Execution Status Change'],
    detail: {
      stateMachineArn: machines.map((name) => `arn:aws:states:${region}:${account}:stateMachine:${name}`),
      ...(statuses && { status: [...statuses] }),
    },
  };
}
