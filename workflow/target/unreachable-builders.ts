/** Warns of bakes that will not reach their builder, which else is found out after minutes of waiting in the account. */
import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { builderAddress } from '../../core/configuration/builder-address.ts';
import type { Configuration } from '../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../core/configuration/effective.ts';
import type { Image } from '../../core/configuration/factory.ts';
import type { Settings } from '../../core/configuration/settings.ts';

export interface BakesOfAccount {
  readonly accountId: string;
  /** Whether the Session Manager plugin is pinned, which CodeBuild's image does not have. */
  readonly hasPlugin: boolean;
  /** Whether the builds of the account run in a VPC. */
  readonly hasVpc: boolean;
}

/** @param configuration without problems of its own */
export function warnOfUnreachableBuilders(
  scope: Construct,
  configuration: Configuration,
  { accountId, hasPlugin, hasVpc }: BakesOfAccount,
): void {
  const bakes = bakesIn(configuration, accountId);
  const namesOf = (fits: (image: Image, settings: Settings) => boolean): string =>
    [
      ...new Set(bakes.filter(({ image, settings }) => fits(image, settings)).map(({ image }) => image.name)),
    ].join(', ');
  const overSessionManager = namesOf(
    (image, settings) => builderAddress(image, settings) === 'session_manager',
  );
  if (overSessionManager !== '' && !hasPlugin)
    Annotations.of(scope).addWarningV2(
      'packleader:sessionManagerPlugin',
      `The builders of ${overSessionManager} are reached by Session Manager (sshInterface: session_manager), but no plugin is pinned (sessionManagerPlugin in packleader.config, which packleader pin writes).`,
    );
  const overWinRm = namesOf(
    (image, settings) => image.platform === 'windows' && builderAddress(image, settings) !== 'public_ip',
  );
  if (overWinRm !== '' && !hasVpc)
    Annotations.of(scope).addWarningV2(
      'packleader:bakeVpcs',
      `The Windows builders of ${overWinRm} are reached at a private address, but no VPC is named for the builds of ${accountId} (bakeVpcs in packleader.config), nor is variables.winrm_interface public_ip.`,
    );
}

function bakesIn(configuration: Configuration, accountId: string) {
  const { images, stages } = configuration.factory;
  return images.flatMap((image) =>
    stages.flatMap(({ name: stage, targets }) =>
      targets
        .filter((target) => target.accountId === accountId)
        .map((target) => ({
          image,
          settings: effectiveSettings(configuration, { image: image.name, stage, target }).settings,
        })),
    ),
  );
}
