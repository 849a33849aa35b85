import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/**
 * A log group that outlives its stack, half a year of it. When the stack's creation fails, it goes as well: its name is fixed, and
 * the next attempt would find it taken.
 */
export class KeptLogs extends LogGroup {
  constructor(scope: Construct, id: string, logGroupName: string) {
    super(scope, id, {
      logGroupName,
      retention: RetentionDays.SIX_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
  }
}
