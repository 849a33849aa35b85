/** What a release of every image bakes in each target, as far as it must be there before. */
import { builderAddress } from '../../../../core/configuration/builder-address.ts';
import type { Configuration } from '../../../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../../../core/configuration/effective.ts';
import type { Image } from '../../../../core/configuration/factory.ts';
import type { Settings } from '../../../../core/configuration/settings.ts';
import type { Target } from '../../../../core/contract/targets.ts';

export interface PlannedBake {
  readonly image: string;
  readonly settings: Settings;
  /** Undefined: builders run in the account's default VPC. */
  readonly network: Settings['network'];
  readonly instanceProfile: string;
  readonly kmsKeyId: string;
  readonly reachedBy: ReturnType<typeof builderAddress>;
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

function plannedBake(image: Image, settings: Settings): PlannedBake {
  const { network, kmsKeyId, instanceProfile } = settings;
  return {
    image: image.name,
    settings,
    network,
    kmsKeyId,
    instanceProfile,
    reachedBy: builderAddress(image, settings),
  };
}

export const imagesOf = (bakes: readonly PlannedBake[]): string =>
  [...new Set(bakes.map(({ image }) => image))].join(', ');
