import { Validations } from 'aws-cdk-lib';
import {
  type BuildEnvironmentVariable,
  BuildEnvironmentVariableType,
  type Project,
} from 'aws-cdk-lib/aws-codebuild';
import { type IPrincipal, ServicePrincipal } from 'aws-cdk-lib/aws-iam';

/**
 * CodeBuild on behalf of one project, so that no other project may be given the role.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
 */
export function buildsOf(projectArn: string): IPrincipal {
  const accountId = projectArn.split(':')[4];
  return new ServicePrincipal('codebuild.amazonaws.com').withConditions({
    StringEquals: { 'aws:SourceAccount': accountId },
    ArnEquals: { 'aws:SourceArn': projectArn },
  });
}

/** cdk-nag wants a key for what a project makes. */
export function acknowledgeKey(project: Project, reason: string): void {
  Validations.of(project).acknowledge({ id: 'AwsSolutions-CB4', reason });
}

/** A program that a bake downloads when its build image does not have it. */
export interface PinnedTool {
  readonly version: string;
  /** Of the file for Linux on arm64, as its vendor publishes it. */
  readonly sha256: string;
}

/** A plugin of Packer's that builds install in place of what `packer init` would choose. */
export interface PinnedPlugin extends PinnedTool {
  /** As templates require it: `github.com/hashicorp/amazon`. */
  readonly source: string;
  /** Of its zip, as its vendor publishes it. */
  readonly url: string;
}

export interface Downloads {
  /** All that the templates require. Default: `packer init` fetches them. */
  readonly plugins?: readonly PinnedPlugin[];
  /** `bucket`, the hub's, or the https URL of a mirror: where builds fetch what is pinned. Default: from the vendors. */
  readonly downloads?: string;
}

/** What builds are told of their downloads: nothing where they go to the vendors, and `packer init` decides on plugins. */
export const downloading = ({ plugins, downloads }: Downloads): Record<string, BuildEnvironmentVariable> => ({
  ...(plugins && {
    PACKLEADER_PLUGINS: {
      value: plugins.map(({ source, url, sha256 }) => [source, url, sha256].join(' ')).join(' '),
    },
  }),
  ...(downloads !== undefined && { PACKLEADER_DOWNLOADS: { value: downloads } }),
});

/** The token that Packer asks GitHub with for plugins, of a secret in the project's own account and region. */
export const pluginToken = (secret: string | undefined): Record<string, BuildEnvironmentVariable> =>
  secret === undefined
    ? {}
    : { PACKER_GITHUB_API_TOKEN: { value: secret, type: BuildEnvironmentVariableType.SECRETS_MANAGER } };

export function pinned(prefix: string, tool: PinnedTool | undefined) {
  return tool === undefined
    ? {}
    : { [`${prefix}_VERSION`]: { value: tool.version }, [`${prefix}_SHA256`]: { value: tool.sha256 } };
}
