/** What a template of Packer is told. */
import { releaseTags, type Release } from '../contract/releases.ts';
import type { SecretReference } from '../contract/secrets.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import type { Target } from '../contract/targets.ts';
import { isSecretReference, type PackleaderVariable, type Settings } from './settings.ts';
import { amiName } from './version.ts';

/** Everything but `source_ami`, which the bake gets from its environment, and secrets, which it resolves itself. */
type Variables = Omit<Record<PackleaderVariable, unknown>, 'source_ami' | 'ssh_interface'> &
  Record<string, unknown>;

/**
 * The variables of one bake (`pkrvars.json`) and the secrets among them, by variable name. The template adds the tag
 * `packleader:source-ami` to `tags`, because only the bake knows that AMI.
 */
export function packerVariables({
  release,
  stage,
  target,
  settings,
  execution,
}: {
  readonly release: Release;
  readonly stage: string;
  readonly target: Target;
  readonly settings: Settings;
  /** Name of the execution of `packleader-release-image`. */
  readonly execution: string;
}): { variables: Variables; secrets: Record<string, SecretReference> } {
  const secrets: Record<string, SecretReference> = {};
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings.variables)) {
    if (isSecretReference(value)) secrets[name] = value;
    else own[name] = value;
  }
  const name = amiName(release);
  const variables: Variables = {
    ...own,
    region: target.region,
    ami_name: name,
    tags: {
      ...settings.tags,
      [TAGS.name]: name,
      ...releaseTags(release, stage),
      [TAGS.execution]: execution,
      [TAGS.state]: STATES.candidate,
      [TAGS.autoCleanup]: 'true',
    },
    architecture: settings.architecture,
    instance_type: settings.instanceType,
    vpc_id: settings.network.vpcId,
    subnet_id: settings.network.subnetId,
    security_group_ids: settings.network.securityGroupIds,
    kms_key_id: settings.kmsKeyId,
    instance_profile: settings.instanceProfile,
    root_volume_size_gib: settings.rootVolumeSizeGiB,
    timeout_minutes: settings.timeoutMinutes,
    ...(settings.sshInterface === undefined ? {} : { ssh_interface: settings.sshInterface }),
  };
  return { variables, secrets };
}
