import { Duration, Stack } from 'aws-cdk-lib';
import { ComputeType, type IArtifacts, LinuxArmBuildImage, Project } from 'aws-cdk-lib/aws-codebuild';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { keys } from '../../core/contract/keys.ts';
import { NAMES } from '../../core/contract/names.ts';
import {
  type Downloads,
  type PinnedTool,
  acknowledgeKey,
  downloading,
  pinned,
  pluginToken,
} from '../constructs/build-projects.ts';
import { YamlBuildSpec } from '../constructs/buildspec.ts';
import { KeptLogs } from '../constructs/kept-logs.ts';
import * as timeouts from '../machines/timeouts.ts';

export interface BakeProjectProps extends Downloads {
  readonly role: IRole;
  /** Where the record of each bake goes. */
  readonly bucketName: string;
  /** Whether builders may be Spot Instances. */
  readonly spotBuilders: boolean;
  /** Default: the build image must have Packer 1.11 or newer. */
  readonly packer?: PinnedTool;
  /** AWS's plugin for Session Manager, which no CodeBuild image has. Default: no template connects that way. */
  readonly sessionManagerPlugin?: PinnedTool;
  /** The name of the secret, beginning with `packleader/`, with a token for GitHub, where plugins are. Default: Packer asks without. */
  readonly pluginTokenSecret?: string;
}

/** Runs Packer for one target. One per account, in the hub's region: Packer's own region is the target's. */
export class BakeProject extends Project {
  constructor(
    scope: Construct,
    id: string,
    {
      role,
      bucketName,
      spotBuilders,
      packer,
      sessionManagerPlugin,
      pluginTokenSecret,
      ...downloads
    }: BakeProjectProps,
  ) {
    super(scope, id, {
      projectName: NAMES.bakeProject,
      description: 'Bakes one image in one region. Started by packleader-bake-batch in the hub.',
      role,
      buildSpec: new YamlBuildSpec('bake'),
      environment: {
        buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
        computeType: ComputeType.SMALL,
      },
      environmentVariables: {
        ...pinned('PACKLEADER_PACKER', packer),
        ...pinned('PACKLEADER_SESSION_MANAGER_PLUGIN', sessionManagerPlugin),
        ...downloading(downloads),
        ...pluginToken(pluginTokenSecret),
        ...(spotBuilders && { PACKLEADER_SPOT: { value: 'yes' } }),
      },
      // The state sets each build's own limit; nothing may take longer than the longest.
      timeout: Duration.minutes(timeouts.BAKE.toMinutes() - timeouts.QUEUED.toMinutes()),
      queuedTimeout: timeouts.QUEUED,
      artifacts: record(bucketName, keys.bakes(Stack.of(scope).account)),
      grantReportGroupPermissions: false,
      logging: {
        cloudWatch: {
          logGroup: new KeptLogs(scope, `${id}Logs`, `/packleader/${NAMES.bakeProject}`),
        },
      },
    });
    acknowledgeKey(
      this,
      "The hub's bucket encrypts the record of a bake; with a key of this account the hub could not read it.",
    );
  }
}

/**
 * Into the hub's bucket, below a folder of the account and one of the build. CodeBuild must not encrypt: it would use a key
 * of the target account that the hub cannot read with; the bucket encrypts whatever it gets.
 */
function record(bucketName: string, path: string): IArtifacts {
  const artifactsProperty = {
    type: 'S3',
    location: bucketName,
    path,
    namespaceType: 'BUILD_ID',
    name: '/',
    packaging: 'NONE',
    encryptionDisabled: true,
  };
  return { type: artifactsProperty.type, bind: () => ({ artifactsProperty }) };
}
