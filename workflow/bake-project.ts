import { Duration, Validations } from 'aws-cdk-lib';
import { BuildSpec, ComputeType, LinuxArmBuildImage, Project } from 'aws-cdk-lib/aws-codebuild';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { NAMES } from '../tasks/contract.ts';
import { buildSpec } from './buildspec.ts';
import { KeptLogs } from './kept-logs.ts';
import * as timeouts from './timeouts.ts';

/** A program that a bake downloads when its build image does not have it. */
export interface PinnedTool {
  readonly version: string;
  /** Of the file for Linux on arm64, as its vendor publishes it. */
  readonly sha256: string;
}

export interface BakeProjectProps {
  readonly role: IRole;
  /** Default: the build image must have Packer 1.11 or newer. */
  readonly packer?: PinnedTool;
  /** AWS's plugin for Session Manager, which no CodeBuild image has. Default: no template connects that way. */
  readonly sessionManagerPlugin?: PinnedTool;
}

/** Runs Packer for one target. One per account, in the hub's region: Packer's own region is the target's. */
export class BakeProject extends Project {
  constructor(scope: Construct, id: string, { role, packer, sessionManagerPlugin }: BakeProjectProps) {
    super(scope, id, {
      projectName: NAMES.bakeProject,
      description: 'Bakes one image in one region. Started by packleader-bake-batch in the hub.',
      role,
      buildSpec: BuildSpec.fromObjectToYaml(buildSpec('bake')),
      environment: {
        buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
        computeType: ComputeType.SMALL,
      },
      environmentVariables: {
        ...pinned('PACKLEADER_PACKER', packer),
        ...pinned('PACKLEADER_SESSION_MANAGER_PLUGIN', sessionManagerPlugin),
      },
      // The state sets each build's own limit; nothing may take longer than the longest.
      timeout: Duration.minutes(timeouts.BAKE.toMinutes() - timeouts.QUEUED.toMinutes()),
      queuedTimeout: timeouts.QUEUED,
      grantReportGroupPermissions: false,
      logging: {
        cloudWatch: {
          logGroup: new KeptLogs(scope, `${id}Logs`, `/packleader/${NAMES.bakeProject}`),
        },
      },
    });
    acknowledgeKey(this);
  }
}

/** cdk-nag wants a key for what a project makes. */
export function acknowledgeKey(project: Project): void {
  Validations.of(project).acknowledge({
    id: 'AwsSolutions-CB4',
    reason:
      'The project has no artifacts, cache or reports that a key would encrypt. Its log is encrypted by CloudWatch; "packleader:customerKey" gives both a key of the account.',
  });
}

function pinned(prefix: string, tool: PinnedTool | undefined) {
  return tool === undefined
    ? {}
    : { [`${prefix}_VERSION`]: { value: tool.version }, [`${prefix}_SHA256`]: { value: tool.sha256 } };
}
