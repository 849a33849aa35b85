import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { RetentionRules } from '../../core/configuration/retention.ts';
import type { CommitStatusSettings, Notify } from '../../core/configuration/deployment-settings.ts';
import { type Factory, accountsOf, approvalsOf, approversOf } from '../../core/configuration/factory.ts';
import { type ScanAmis, scannerOf } from '../../core/contract/vulnerabilities.ts';
import { machineLink } from '../../core/aws/console-links.ts';
import { NAMES, bucketName } from '../../core/contract/names.ts';
import { Approving } from './approving.ts';
import { Alarms, type AlarmsProps } from './observability/alarms.ts';
import { setFeatureFlags } from '../constructs/feature-flags.ts';
import { CustomerKey } from '../constructs/customer-key.ts';
import { Dashboard } from './observability/dashboard.ts';
import { FailedTriggers } from './failed-triggers.ts';
import { FetchSourceProject } from './fetch-source-project.ts';
import type { Downloads, PinnedTool } from '../constructs/build-projects.ts';
import { ScanProject } from './scan-project.ts';
import { ValidateProject } from './validate-project.ts';
import { ReleaseBucket } from './release-bucket.ts';
import { CommitStatuses } from './telling/commit-statuses.ts';
import { Approvers } from './telling/approvers.ts';
import { Notifications } from './telling/notifications.ts';
import { StaleImages } from './telling/stale-images.ts';
import { Retiring } from './retiring.ts';
import { StateMachines, machineArn } from './state-machines.ts';
import { TargetRoles } from './target-roles.ts';
import { TaskFunctions } from './task-functions.ts';
import { Triggers } from './triggers/triggers.ts';

export interface HubStackProps extends StackProps, Downloads {
  readonly factory: Factory;
  /** Where the factory lies in its repository; `.` is the root. Default: `packer`. */
  readonly factoryPath?: string;
  /** The Packer that validates templates; bakes have the same one. */
  readonly packer?: PinnedTool;
  /** The name of the secret that holds a token for a private repository with an https URL; default: it is public. */
  readonly repositoryTokenSecret?: string;
  /** The name of the secret, beginning with `packleader/`, with a token for GitHub, where plugins are. Default: Packer asks without. */
  readonly pluginTokenSecret?: string;
  /** The name of the secret that GitHub, GitLab or Bitbucket sign with; default: there is no webhook. */
  readonly webhookSecret?: string;
  /** The organisation that all targets are in; default: the bucket's policy names each account. */
  readonly organizationId?: string;
  /** Whether a key of the account's own encrypts what the stack keeps; default: keys of AWS's do. */
  readonly customerKey?: boolean;
  /** Whether builders may be Spot Instances; as in the targets. Default: they are on demand. */
  readonly spotBuilders?: boolean;
  /** Whether the builder of a bake that failed may be kept; as in the targets. Default: it is not. */
  readonly keepBuilders?: boolean;
  /** Whether AMIs may be booted and tested; as in the targets. Default: they are not, and nothing stands that could. */
  readonly testAmis?: boolean;
  /** Whether other accounts may launch what is released. Default: none may, and no task could let them. */
  readonly shareAmis?: boolean;
  /** Whether AMIs may be copied from one target to another; as in the targets. Default: they are not, and nothing stands that could. */
  readonly copyAmis?: boolean;
  /** What scans the SBOMs of releases. Default: nothing does. */
  readonly scanAmis?: ScanAmis;
  readonly alarms?: AlarmsProps;
  /** Who is told what became of releases. Default: nobody, and nothing stands that could. */
  readonly notify?: Notify;
  /** Where a commit says how its release goes. Default: nowhere. */
  readonly commitStatus?: CommitStatusSettings;
  /** After how many days without a release an image is told of; default: never. */
  readonly staleAfterDays?: number;
  /** How long versions of which images are kept. Default: nothing is ever retired, and nothing stands that could. */
  readonly retention?: RetentionRules;
}

/** What stands once per organisation: the state machines, their tasks, the bucket, the project that fetches the source. */
export class HubStack extends Stack {
  constructor(scope: Construct, id: string, props: HubStackProps) {
    // White space would count among what a template may hold, which a thousand accounts nearly fill.
    super(scope, id, { suppressTemplateIndentation: true, ...props });
    setFeatureFlags(this);
    const { scanAmis } = props;
    const { factory, packer, repositoryTokenSecret, webhookSecret, organizationId, alarms, retention } =
      props;
    const key = props.customerKey ? new CustomerKey(this, 'Key') : undefined;
    const accountIds = accountsOf(factory);
    const bucket = new ReleaseBucket(this, 'Bucket', {
      bucketName: bucketName(factory),
      accountIds,
      ...(props.testAmis !== undefined && { testAmis: props.testAmis }),
      scansByCommand: typeof scanAmis === 'object',
      ...(organizationId !== undefined && { organizationId }),
      ...(key && { key }),
      holdsTools: props.downloads === 'bucket',
    });
    const stewards = new TargetRoles(this, 'Stewards', { roleName: NAMES.stewardRole, accountIds });
    const orchestrators = new TargetRoles(this, 'Orchestrators', {
      roleName: NAMES.orchestratorRole,
      accountIds,
    });
    const { repository, defaultBranch, deprecatesAmis = false } = factory;
    const functions = new TaskFunctions(this, 'Tasks', {
      bucket,
      stewards,
      ...(props.testAmis && {
        testers: new TargetRoles(this, 'Testers', { roleName: NAMES.testerRole, accountIds }),
      }),
      ...(props.copyAmis && {
        copiers: new TargetRoles(this, 'Copiers', { roleName: NAMES.copierRole, accountIds }),
      }),
      deprecatesAmis,
      sharesAmis: props.shareAmis ?? false,
      ...(scanAmis !== undefined && { scanner: scannerOf(scanAmis) }),
      ...(key && { key }),
    });
    const project = new FetchSourceProject(this, 'FetchSource', {
      bucket,
      repository,
      factoryPath: props.factoryPath ?? 'packer',
      defaultBranch,
      ...(repositoryTokenSecret !== undefined && { repositoryTokenSecret }),
    });
    const validate = new ValidateProject(this, 'Validate', {
      bucket,
      ...(packer && { packer }),
      ...(props.plugins && { plugins: props.plugins }),
      ...(props.downloads !== undefined && { downloads: props.downloads }),
      ...(props.pluginTokenSecret !== undefined && { pluginTokenSecret: props.pluginTokenSecret }),
    });
    const scan =
      typeof scanAmis === 'object'
        ? new ScanProject(this, 'Scan', { bucket, command: scanAmis.command })
        : undefined;
    const failed = new FailedTriggers(this, 'Failed', key);
    const approvals = approvalsOf(factory);
    new StateMachines(this, 'StateMachines', {
      stages: factory.stages.map(({ name }) => name),
      defaultBranch: factory.defaultBranch,
      deprecatesAmis,
      spotBuilders: props.spotBuilders ?? false,
      keepBuilders: props.keepBuilders ?? false,
      testAmis: props.testAmis ?? false,
      shareAmis: props.shareAmis ?? false,
      copyAmis: props.copyAmis ?? false,
      ...(scanAmis !== undefined && { scanAmis: scannerOf(scanAmis) }),
      ...(scan && { scanProjectArn: scan.projectArn }),
      parity: factory.parity ?? 'report',
      approvals,
      ...(factory.retry && { retryWaitHours: factory.retry.waitHours }),
      functionOf: (task) => functions.of(task),
      bucket: bucketName(factory),
      orchestrators,
      projectArns: [project.projectArn, validate.projectArn],
      targets: factory.stages.flatMap(({ targets }) => targets),
      failed,
    });
    const asks = Object.keys(approvals).length > 0;
    if (asks) new Approving(this, 'Approving', { functionOf: (task) => functions.of(task) });
    if (retention)
      new Retiring(this, 'Retiring', {
        functionOf: (task) => functions.of(task),
        targets: factory.stages.flatMap(({ targets }) => targets),
        rules: retention,
        failed,
      });
    new Triggers(this, 'Triggers', {
      factory,
      bucket,
      stewards,
      failed,
      ...(key && { key }),
      ...(webhookSecret !== undefined && { webhookSecret }),
    });
    if (props.notify)
      new Notifications(this, 'Notifications', {
        ...props.notify,
        asks,
        waits: factory.retry !== undefined,
        looksForStale: props.staleAfterDays !== undefined,
        failed,
        ...(key && { key }),
      });
    const approvers = approversOf(factory);
    if (Object.keys(approvers).length > 0)
      new Approvers(this, 'Approvers', { stages: approvers, failed, ...(key && { key }) });
    if (props.staleAfterDays !== undefined)
      new StaleImages(this, 'StaleImages', {
        bucket,
        images: factory.images.map(({ name }) => name),
        staleAfterDays: props.staleAfterDays,
        failed,
      });
    if (props.commitStatus)
      new CommitStatuses(this, 'CommitStatuses', {
        ...props.commitStatus,
        repository,
        failed,
        ...(key && { key }),
      });
    // Last: the alarms watch every function and queue that is there.
    new Alarms(this, 'Alarms', { ...alarms, retires: retention !== undefined, asks });
    new Dashboard(this, 'Dashboard', { retires: retention !== undefined, asks });
    new CfnOutput(this, 'ReleaseMachine', {
      value: machineLink({ region: this.region, arn: machineArn(this, NAMES.releaseMachine) }),
      description: 'Where people start releases, and see them.',
    });
    new CfnOutput(this, 'BucketName', {
      value: bucket.bucketName,
      description: 'What releases bake from and leave behind: sources, plans, records.',
    });
  }
}
