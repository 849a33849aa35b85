/** What a release of every image bakes in each target, as far as it must be there before. */
import type { Configuration } from '../../../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../../../core/configuration/effective.ts';
import type { Image } from '../../../../core/configuration/factory.ts';
import { DEFAULT_SSH_INTERFACE, type Settings } from '../../../../core/configuration/settings.ts';
import { NAMES } from '../../../../core/contract/names.ts';
import type { Target } from '../../../../core/contract/targets.ts';

export interface PlannedBake {
  readonly image: string;
  readonly settings: Settings;
  /** Undefined: builders run in the account's default VPC. */
  readonly network: Settings['network'] | undefined;
  readonly instanceProfile: string;
  /** Undefined: the account's default key for EBS, which AWS makes when it is first used. */
  readonly kmsKeyId: string | undefined;
  /** How Packer reaches the builder. */
  readonly reachedBy: NonNullable<Settings['sshInterface']>;
}

export interface ExaminedTarget extends Target {
  readonly bakes: readonly PlannedBake[];
}

/** @throws InvalidConfiguration */
export function examinedTargets(configuration: Configuration): ExaminedTarget[] {
  const { stages, images } = configuration.factory;
  return stages.flatMap(({ name: stage, targets }) =>
    targets.map((target) => ({
      ...target,
      bakes: images.map((image) =>
        plannedBake(image, effectiveSettings(configuration, { image: image.name, stage, target }).settings),
      ),
    })),
  );
}

function plannedBake({ name, platform }: Image, settings: Settings): PlannedBake {
  const { network, kmsKeyId, sshInterface = DEFAULT_SSH_INTERFACE } = settings;
  // The templates for Windows have a variable of their own for it, and no Session Manager.
  const winrm = settings.variables['winrm_interface'] === 'public_ip' ? 'public_ip' : 'private_ip';
  return {
    image: name,
    settings,
    network,
    kmsKeyId,
    instanceProfile: settings.instanceProfile ?? NAMES.builder,
    reachedBy: platform === 'linux' ? sshInterface : winrm,
  };
}

export const imagesOf = (bakes: readonly PlannedBake[]): string =>
  [...new Set(bakes.map(({ image }) => image))].join(', ');
