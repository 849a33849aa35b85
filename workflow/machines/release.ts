import { STATE_NAMES } from '../../core/contract/state-names.ts';
import {
  Choice,
  Condition,
  Fail,
  JsonPath,
  Map as MapState,
  Pass,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Approvals } from '../../core/contract/approvals.ts';
import { FETCH_SOURCE, VALIDATE } from '../../core/contract/environments.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { keys } from '../../core/contract/keys.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { Scanner } from '../../core/contract/vulnerabilities.ts';
import { type Fallible, catchEverything, runBuild, runMachine } from './asl.ts';
import * as retries from './retries.ts';
import type { TaskStates } from './task-states.ts';
import * as timeouts from './timeouts.ts';

export interface ReleaseProps {
  readonly tasks: TaskStates;
  readonly bucket: string;
  readonly stages: readonly string[];
  readonly defaultBranch: string;
  /** Whether the stewards may deprecate AMIs. */
  readonly deprecatesAmis: boolean;
  /** Whether builders may be Spot Instances. */
  readonly spotBuilders: boolean;
  /** Whether the builder of a bake that failed may be kept. */
  readonly keepBuilders: boolean;
  /** Whether AMIs may be booted and tested. */
  readonly testAmis: boolean;
  /** Whether other accounts may launch what is released. */
  readonly shareAmis: boolean;
  /** Whether AMIs may be copied from one target to another. */
  readonly copyAmis: boolean;
  /** What scans the SBOMs of releases; default: nothing does. */
  readonly scanAmis?: Scanner;
  /** The stages that somebody must approve. */
  readonly approvals: Approvals;
  /** For how long a release that fails waits for a retry; undefined where it does not. */
  readonly retryWaitHours?: number;
  readonly releaseImageMachineArn: string;
}

/** What people and events start: from a commit to every image's release. Returns its first state. */
export function releaseWorkflow(scope: Construct, props: ReleaseProps): Fallible {
  const { tasks, bucket } = props;
  const fetchSource = runBuild(scope, STATE_NAMES.fetchSource, {
    comment: 'Checks out the exact commit and packs packer/ once: every account bakes from these bytes.',
    parameters: { ProjectName: NAMES.fetchSourceProject },
    environment: { [FETCH_SOURCE.request]: 'States.JsonToString($)', [FETCH_SOURCE.bucket]: bucket },
    resultSelector: { 'variables.$': '$.Build.ExportedEnvironmentVariables' },
    timeout: timeouts.FETCH_SOURCE.plus(timeouts.QUEUED),
  });
  fetchSource.addRetry(retries.throttled);
  fetchSource.addRetry(retries.noBuildFree);
  fetchSource.addRetry(retries.transient);
  const plan = tasks.state(STATE_NAMES.planReleases, {
    comment:
      'Merges and checks the whole configuration before anything is built; bases come before what is built on them.',
    payload: {
      request: JsonPath.objectAt('$$.Execution.Input'),
      execution: {
        id: JsonPath.stringAt('$$.Execution.Id'),
        name: JsonPath.stringAt('$$.Execution.Name'),
        startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
      },
      bucket,
      deployed: {
        stages: props.stages,
        defaultBranch: props.defaultBranch,
        ...(props.deprecatesAmis && { deprecatesAmis: true }),
        ...(props.spotBuilders && { spotBuilders: true }),
        ...(props.keepBuilders && { keepBuilders: true }),
        ...(props.testAmis && { testAmis: true }),
        ...(props.shareAmis && { shareAmis: true }),
        ...(props.copyAmis && { copyAmis: true }),
        ...(props.scanAmis !== undefined && { scanAmis: props.scanAmis }),
        ...(Object.keys(props.approvals).length > 0 && { approvals: props.approvals }),
      },
      variables: JsonPath.objectAt('$.variables'),
    },
    resultPath: '$.plan',
  });
  const validate = runBuild(scope, STATE_NAMES.validateTemplates, {
    comment: 'Packer judges the template of every planned image, for every stage, before anything is baked.',
    parameters: { ProjectName: NAMES.validateProject },
    environment: {
      [VALIDATE.bucket]: bucket,
      [VALIDATE.sourceKey]: '$.plan.tiers[0][0].source.key',
      [VALIDATE.sourceSha256]: '$.plan.tiers[0][0].source.sha256',
      [VALIDATE.plans]: `States.Format('${keys.plans('{}')}', $$.Execution.Name)`,
    },
    resultSelector: {},
    resultPath: '$.validated',
    timeout: timeouts.VALIDATE_TEMPLATES.plus(timeouts.QUEUED),
  });
  validate.addRetry(retries.throttled);
  validate.addRetry(retries.noBuildFree);
  validate.addRetry(retries.transient);
  const summarise = tasks.state(STATE_NAMES.summariseReleases, {
    comment: 'One image that failed makes the execution red, and its reason readable here.',
    payload: { results: JsonPath.objectAt('$.results') },
    resultPath: '$.summary',
  });
  const released = new Choice(scope, STATE_NAMES.wasEveryImageReleased, {
    comment: 'Images are independent transactions: some may be released and others not.',
  })
    .when(
      Condition.booleanEquals('$.summary.complete', true),
      new Succeed(scope, STATE_NAMES.released, {
        comment: 'Every image, in every account.',
        outputPath: '$.summary',
      }),
    )
    .otherwise(
      new Fail(scope, STATE_NAMES.someImagesFailed, {
        comment: 'Names each image that was not released, and why.',
        error: ERRORS.someImagesFailed,
        causePath: '$.summary.cause',
      }),
    );
  const tiers = releaseTiers(scope, props);
  const failed = new Fail(scope, STATE_NAMES.notReleased, {
    comment: 'What failed concerns all images, or nobody could say which of them were released.',
    errorPath: '$.Error',
    causePath: '$.Cause',
  });
  // The error replaces the document: an input that is no object has no field to put it in.
  for (const state of [fetchSource, plan, validate, tiers, summarise]) catchEverything(state, failed);
  fetchSource.next(plan);
  plan.next(
    new Choice(scope, STATE_NAMES.isAnythingToRelease, {
      comment: 'A push that changed no image is a release of nothing.',
    })
      .when(Condition.isPresent('$.plan.tiers[0]'), validate)
      .otherwise(tiers),
  );
  validate.next(tiers);
  return fetchSource;

  function releaseTiers(within: Construct, { stages, releaseImageMachineArn }: ReleaseProps): MapState {
    const releaseImage = runMachine(within, STATE_NAMES.releaseImage, {
      comment: 'One image is one transaction, in an execution of its own.',
      stateMachineArn: releaseImageMachineArn,
      executionName: '$.executionName',
      input: {
        'release.$': '$.release',
        'source.$': '$.source',
        'plan.$': '$.plan',
        'executionName.$': '$.executionName',
      },
      resultSelector: { 'release.$': '$.Output' },
      timeout: timeouts.releaseImage(stages.length, props),
    });
    releaseImage.addRetry(retries.throttled);
    releaseImage.addRetry(retries.transient);
    const lost = new Pass(within, STATE_NAMES.imageNotReleased, {
      comment: 'Other images go on; those built on this one will find no base to start from.',
      parameters: { 'release.$': '$.release', 'failure.$': '$.failure' },
    });
    catchEverything(releaseImage, lost, '$.failure');
    const tier = new MapState(within, STATE_NAMES.releaseEachImage, {
      comment: 'Images of one tier do not depend on each other.',
    });
    const every = new MapState(within, STATE_NAMES.releaseEachTier, {
      comment: 'A base is released before the images built on it.',
      itemsPath: '$.plan.tiers',
      maxConcurrency: 1,
      resultPath: '$.results',
    });
    every.itemProcessor(tier.itemProcessor(releaseImage));
    every.next(summarise);
    summarise.next(released);
    return every;
  }
}
