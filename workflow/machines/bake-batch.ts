import { STATE_NAMES } from '../../core/contract/state-names.ts';
import { JsonPath, Map as MapState, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { BUILD_QUOTA } from '../../core/contract/build-quota.ts';
import { BAKE_ENVIRONMENT, BUILDER } from '../../core/contract/environments.ts';
import { MOST_TOLD_BUILDERS } from '../../core/contract/limits.ts';
import { NAMES } from '../../core/contract/names.ts';
import { catchEverything, runBuild } from './asl.ts';
import * as retries from './retries.ts';
import * as timeouts from './timeouts.ts';

export interface BakeBatchProps {
  /** Of the whole factory. */
  readonly targets: number;
}

/** At most 40 bakes, all at the same time; one that fails does not stop the others. Returns the only state. */
export function bakeBatchWorkflow(scope: Construct, { targets }: BakeBatchProps): MapState {
  const bake = runBuild(scope, STATE_NAMES.bakeAmi, {
    comment: `Runs Packer in the account; waits for one of its "${BUILD_QUOTA}".`,
    roleArn: `States.Format('arn:aws:iam::{}:role/${NAMES.orchestratorRole}', $.accountId)`,
    parameters: {
      ProjectName: NAMES.bakeProject,
      // Started again within five minutes, it is the same build: a lost reply never bakes twice. A retry of the release does.
      'IdempotencyToken.$': `States.Hash(States.Format('{} {} {}', $$.Execution.Name, $.accountId, $.region), 'SHA-256')`,
      'TimeoutInMinutesOverride.$': '$.timeoutMinutes',
    },
    environment: {
      [BAKE_ENVIRONMENT.release]: '$.release.releaseId',
      [BAKE_ENVIRONMENT.image]: '$.release.image',
      [BAKE_ENVIRONMENT.region]: '$.region',
      [BAKE_ENVIRONMENT.bucket]: '$.source.bucket',
      [BAKE_ENVIRONMENT.sourceKey]: '$.source.key',
      [BAKE_ENVIRONMENT.sourceSha256]: '$.source.sha256',
      [BAKE_ENVIRONMENT.planPrefix]: '$.plan.prefix',
      [BAKE_ENVIRONMENT.sourceAmi]: '$.sourceImageId',
    },
    resultSelector:
      targets > MOST_TOLD_BUILDERS
        ? {}
        : { 'builder.$': `$.Build.ExportedEnvironmentVariables[?(@.Name=='${BUILDER}')].Value` },
    timeout: timeouts.BAKE,
  });
  bake.addRetry(retries.throttled);
  bake.addRetry(retries.noBuildFree);
  bake.addRetry(retries.transient);
  const failed = new Pass(scope, STATE_NAMES.amiNotBaked, {
    comment: 'Only the name is kept: the causes of 250 failed builds would not fit into one state.',
    parameters: {
      accountId: JsonPath.stringAt('$.accountId'),
      region: JsonPath.stringAt('$.region'),
      error: JsonPath.stringAt('$.failure.Error'),
    },
  });
  catchEverything(bake, failed, '$.failure');
  const batch = new MapState(scope, STATE_NAMES.bakeEveryAmi, {
    comment: 'A stage takes as long as its slowest bake.',
    itemsPath: '$.targets',
    itemSelector: {
      'release.$': '$.release',
      'source.$': '$.source',
      'plan.$': '$.plan',
      'accountId.$': '$$.Map.Item.Value.accountId',
      'region.$': '$$.Map.Item.Value.region',
      'sourceImageId.$': '$$.Map.Item.Value.sourceImageId',
      'timeoutMinutes.$': '$$.Map.Item.Value.timeoutMinutes',
    },
  });
  return batch.itemProcessor(bake);
}
