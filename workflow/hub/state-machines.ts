import { STATE_NAMES } from '../../core/contract/state-names.ts';
import type { Scanner } from '../../core/contract/vulnerabilities.ts';
import { Stack, Tags } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Approvals } from '../../core/contract/approvals.ts';
import type { Parity } from '../../core/contract/comparison.ts';
import { BAKES_PER_BATCH } from '../../core/contract/limits.ts';
import { METRICS } from '../../core/contract/metrics.ts';
import { NAMES, TAG_OF_DEPLOYMENT } from '../../core/contract/names.ts';
import { PACKAGE_VERSION } from '../../core/contract/package-version.ts';
import type { Target } from '../../core/contract/targets.ts';
import type { TaskName } from '../../core/contract/tasks.ts';
import { bakeBatchWorkflow } from '../machines/bake-batch.ts';
import { countEnds } from './observability/bad-ends.ts';
import type { FailedTriggers } from './failed-triggers.ts';
import { KeptLogs } from '../constructs/kept-logs.ts';
import { releaseImageWorkflow } from '../machines/release-image.ts';
import type { TargetRoles } from './target-roles.ts';
import { releaseWorkflow } from '../machines/release.ts';
import { BAKE_BATCH_ROLE } from '../constructs/role-names.ts';
import { repointWorkflow } from '../machines/repoint.ts';
import { sweepBy } from './triggers/sweep-triggers.ts';
import { sweepWorkflow } from '../machines/sweep.ts';
import { TaskStates } from '../machines/task-states.ts';
import { type Wildcards, justify } from '../constructs/wildcards.ts';
import * as timeouts from '../machines/timeouts.ts';

export interface StateMachinesProps {
  /** In the order in which they are baked. */
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
  /** The project that runs a scanner of one's own. */
  readonly scanProjectArn?: string;
  /** What becomes of differences between the AMIs of one release. */
  readonly parity: Parity;
  /** The stages that somebody must approve. */
  readonly approvals: Approvals;
  /** For how long a release that fails in a later stage waits for a retry; undefined where it does not. */
  readonly retryWaitHours?: number;
  readonly functionOf: (task: TaskName) => IFunction;
  readonly bucket: string;
  /** The orchestrator of every target account. */
  readonly orchestrators: TargetRoles;
  /** Of the projects that packleader-release runs. */
  readonly projectArns: readonly string[];
  /** What a sweep looks at when nobody says for which release. */
  readonly targets: readonly Target[];
  /** Where goes what should have started a sweep, and could not. */
  readonly failed: FailedTriggers;
}

/** The machines of a release. Their names are fixed: the target accounts' trust policies name them. */
export class StateMachines extends Construct {
  constructor(scope: Construct, id: string, props: StateMachinesProps) {
    super(scope, id);
    justify(this, WILDCARDS);
    const {
      stages,
      targets: { length: targets },
    } = props;

    const bakeBatchScope = new Construct(this, 'BakeBatch');
    const bakeBatch = new StateMachine(bakeBatchScope, 'Machine', {
      role: new Role(bakeBatchScope, 'Role', {
        roleName: BAKE_BATCH_ROLE,
        description: `Runs ${NAMES.bakeBatchMachine}; the orchestrator role of every target account trusts it.`,
        assumedBy: new ServicePrincipal('states.amazonaws.com').withConditions({
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
          ArnLike: { 'aws:SourceArn': machineArn(this, NAMES.bakeBatchMachine) },
        }),
      }),
      stateMachineName: NAMES.bakeBatchMachine,
      stateMachineType: StateMachineType.STANDARD,
      comment: `Bakes one image in up to ${BAKES_PER_BATCH} targets at the same time. Started by ${NAMES.releaseImageMachine}.`,
      definitionBody: DefinitionBody.fromChainable(bakeBatchWorkflow(bakeBatchScope, { targets })),
      timeout: timeouts.BAKE_BATCH,
      ...observed(bakeBatchScope, NAMES.bakeBatchMachine),
    });
    props.orchestrators.letAssume(bakeBatch);

    const releaseImageScope = new Construct(this, 'ReleaseImage');
    const releaseImage = new StateMachine(releaseImageScope, 'Machine', {
      stateMachineName: NAMES.releaseImageMachine,
      comment: 'Releases one image into every account, or into none. Started by packleader-release.',
      definitionBody: DefinitionBody.fromChainable(
        releaseImageWorkflow(releaseImageScope, {
          stages,
          tasks: new TaskStates(releaseImageScope, props.functionOf),
          bakeBatchMachineArn: machineArn(this, NAMES.bakeBatchMachine),
          parity: props.parity,
          testAmis: props.testAmis,
          shareAmis: props.shareAmis,
          copyAmis: props.copyAmis,
          ...(props.scanAmis !== undefined && { scanAmis: props.scanAmis }),
          approvals: props.approvals,
          ...(props.retryWaitHours !== undefined && { retryWaitHours: props.retryWaitHours }),
        }),
      ),
      timeout: timeouts.releaseImage(stages.length, props),
      ...observed(releaseImageScope, NAMES.releaseImageMachine, {
        [STATE_NAMES.rollbackNotVerified]: METRICS.rollbackIncomplete,
        [STATE_NAMES.releasedWithoutAnnouncement]: METRICS.unannounced,
      }),
    });
    mayRun(releaseImage, NAMES.bakeBatchMachine);
    if (props.scanProjectArn !== undefined) mayBuild(releaseImage, [props.scanProjectArn]);

    const releaseScope = new Construct(this, 'Release');
    const release = new StateMachine(releaseScope, 'Machine', {
      stateMachineName: NAMES.releaseMachine,
      comment:
        'Start here. {} releases what changed; {"image": "linux-base"} one image; {"ref": "<commit>"} another commit.',
      definitionBody: DefinitionBody.fromChainable(
        releaseWorkflow(releaseScope, {
          tasks: new TaskStates(releaseScope, props.functionOf),
          bucket: props.bucket,
          stages,
          defaultBranch: props.defaultBranch,
          deprecatesAmis: props.deprecatesAmis,
          spotBuilders: props.spotBuilders,
          keepBuilders: props.keepBuilders,
          testAmis: props.testAmis,
          shareAmis: props.shareAmis,
          copyAmis: props.copyAmis,
          ...(props.scanAmis !== undefined && { scanAmis: props.scanAmis }),
          approvals: props.approvals,
          ...(props.retryWaitHours !== undefined && { retryWaitHours: props.retryWaitHours }),
          releaseImageMachineArn: machineArn(this, NAMES.releaseImageMachine),
        }),
      ),
      timeout: timeouts.release(stages.length, props),
      ...observed(releaseScope, NAMES.releaseMachine, { [STATE_NAMES.notReleased]: METRICS.notReleased }),
    });
    Tags.of(release).add(TAG_OF_DEPLOYMENT, PACKAGE_VERSION);
    mayRun(release, NAMES.releaseImageMachine);
    mayBuild(release, props.projectArns);

    const sweepScope = new Construct(this, 'Sweep');
    const sweep = new StateMachine(sweepScope, 'Machine', {
      stateMachineName: NAMES.sweepMachine,
      comment:
        'Removes what a stopped release left. {} sweeps everything; {"release": "linux-base@1.4.2026…"} one release; {"dryRun": true} only looks.',
      definitionBody: DefinitionBody.fromChainable(
        sweepWorkflow(sweepScope, {
          tasks: new TaskStates(sweepScope, props.functionOf),
          bucket: props.bucket,
          targets: props.targets,
          gives: props.shareAmis || props.copyAmis,
        }),
      ),
      timeout: timeouts.SWEEP,
      ...observed(sweepScope, NAMES.sweepMachine, { [STATE_NAMES.notSwept]: METRICS.notSwept }),
    });

    // It stands always: whoever has to go back must not have to deploy first.
    const repointScope = new Construct(this, 'Repoint');
    new StateMachine(repointScope, 'Machine', {
      stateMachineName: NAMES.repointMachine,
      comment:
        'Goes back. {"rollback": "linux-base"} to the version before; {"rollback": "linux-base", "to": "1.4.2026…"}; {"revoke": "linux-base@1.4.2026…", "reason": "…"}; {"restore": "linux-base@1.4.2026…"}; each with {"dryRun": true} only looks.',
      definitionBody: DefinitionBody.fromChainable(
        repointWorkflow(repointScope, {
          tasks: new TaskStates(repointScope, props.functionOf),
          bucket: props.bucket,
          targets: props.targets,
        }),
      ),
      timeout: timeouts.REPOINT,
      ...observed(repointScope, NAMES.repointMachine, {
        [STATE_NAMES.putBack]: METRICS.repointPutBack,
        [STATE_NAMES.notEverythingPutBack]: METRICS.repointIncomplete,
        [STATE_NAMES.putBackNotVerified]: METRICS.repointIncomplete,
        [STATE_NAMES.repointedWithoutRecord]: METRICS.repointIncomplete,
      }),
    });
    sweepBy(sweepScope, sweep, machineArn(this, NAMES.releaseImageMachine), props.failed);
  }
}

/**
 * Traced, and every step logged, for longer than the 90 days of its history. Without the data: they are in the history and
 * the bucket, and a log of them would be as large again.
 */
export function observed(scope: Construct, name: string, ends: Parameters<typeof countEnds>[1] = {}) {
  const destination = new KeptLogs(scope, 'Logs', `/aws/vendedlogs/states/${name}`);
  countEnds(destination, ends);
  return { tracingEnabled: true, logs: { destination, level: LogLevel.ALL, includeExecutionData: false } };
}

/** Why the policies of the machines hold patterns. */
export const WILDCARDS: Wildcards = {
  '*': 'X-Ray, and the deliveries of a log to CloudWatch, have no resources.',
  '.Arn>:*': 'Every version of one function, which CDK grants together with the function.',
  [`:execution:${NAMES.bakeBatchMachine}:*`]:
    'Its own child executions; their names are made when they start.',
  [`:execution:${NAMES.releaseImageMachine}:*`]:
    'Its own child executions; their names are made when they start.',
};

export function machineArn(scope: Construct, name: string): string {
  const { account, region } = Stack.of(scope);
  return `arn:aws:states:${region}:${account}:stateMachine:${name}`;
}

/** What `startExecution.sync:2` needs.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html */
function mayRun(machine: StateMachine, nested: string): void {
  const { account, region } = Stack.of(machine);
  machine.addToRolePolicy(
    new PolicyStatement({ actions: ['states:StartExecution'], resources: [machineArn(machine, nested)] }),
  );
  machine.addToRolePolicy(
    new PolicyStatement({
      actions: ['states:DescribeExecution', 'states:StopExecution'],
      resources: [`arn:aws:states:${region}:${account}:execution:${nested}:*`],
    }),
  );
  managedRule(machine, 'StepFunctionsGetEventsForStepFunctionsExecutionRule');
}

/** What `startBuild.sync` in the same account needs.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html */
function mayBuild(machine: StateMachine, projectArns: readonly string[]): void {
  machine.addToRolePolicy(
    new PolicyStatement({
      actions: ['codebuild:StartBuild', 'codebuild:StopBuild', 'codebuild:BatchGetBuilds'],
      resources: [...projectArns],
    }),
  );
  managedRule(machine, 'StepFunctionsGetEventForCodeBuildStartBuildRule');
}

function managedRule(machine: StateMachine, rule: string): void {
  const { account, region } = Stack.of(machine);
  machine.addToRolePolicy(
    new PolicyStatement({
      actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
      resources: [`arn:aws:events:${region}:${account}:rule/${rule}`],
    }),
  );
}
