/** What a release of every image bakes in each target, as far as it must be there before. */
import { builderAddress } from '../../../../core/configuration/builder-address.ts';
import type { Configuration } from '../../../../core/configuration/configuration.ts';
import { type Copies, copiesOf } from '../../../../core/configuration/copies.ts';
import { effectiveSettings } from '../../../../core/configuration/effective.ts';
import type { Image } from '../../../../core/configuration/factory.ts';
import { adoptedVariables, packerVariables } from '../../../../core/configuration/packer-variables.ts';
import type { Files } from '../../../../core/configuration/files.ts';
import type { AskedAmi } from '../../../../core/contract/asked-amis.ts';
import { askedOfBake } from '../../../../core/templates/asked-of-bake.ts';
import { bakedTemplate } from '../../../../core/templates/check.ts';
import type { Settings } from '../../../../core/configuration/settings.ts';
import { type Target, targetName } from '../../../../core/contract/targets.ts';

export interface PlannedBake {
  readonly image: string;
  readonly settings: Settings;
  /** Undefined: builders run in the account's default VPC. */
  readonly network: Settings['network'];
  readonly instanceProfile: string;
  readonly kmsKeyId: string;
  readonly reachedBy: ReturnType<typeof builderAddress>;
  /** What its template makes of the source AMI; undefined when that cannot be read, which `validate` says. */
  readonly asked?: AskedAmi;
}

export interface ExaminedTarget extends Target {
  readonly bakes: readonly PlannedBake[];
  /** The key of each AMI that it gets a copy of, instead of baking it. */
  readonly copies: readonly { readonly kmsKeyId: string }[];
  /** Of which account an AMI under which of its keys is copied into which others. */
  readonly copiedBy: ReadonlyMap<string, readonly string[]>;
}

/** @throws InvalidConfiguration */
export function examinedTargets(configuration: Configuration): ExaminedTarget[] {
  const { stages, images } = configuration.factory;
  const copied = new Map(images.map(({ name }) => [name, copiesOf(configuration, name)]));
  const isCopied = (image: string, target: Target): boolean =>
    copied.get(image)?.has(targetName(target)) === true;
  const readers = readersOfKeys([...copied.values()]);
  return stages.flatMap(({ name: stage, targets }) =>
    targets.map((target) => {
      const all = images.map((image) =>
        plannedBake(image, effectiveSettings(configuration, { image: image.name, stage, target }).settings),
      );
      return {
        ...target,
        bakes: all.filter(({ image }) => !isCopied(image, target)),
        copies: all.filter(({ image }) => isCopied(image, target)).map(({ kmsKeyId }) => ({ kmsKeyId })),
        copiedBy: readers.get(targetName(target)) ?? new Map(),
      };
    }),
  );
}

/** By target, and by key that it bakes under: the other accounts that copy that. */
function readersOfKeys(all: readonly Copies[]): Map<string, Map<string, string[]>> {
  const readers = new Map<string, Map<string, string[]>>();
  for (const copies of all)
    for (const [name, { target, settings }] of copies) {
      const [accountId = ''] = name.split('/');
      if (accountId === target.accountId) continue;
      const keys = readers.get(targetName(target)) ?? new Map<string, string[]>();
      const known = keys.get(settings.kmsKeyId) ?? [];
      if (!known.includes(accountId)) keys.set(settings.kmsKeyId, [...known, accountId]);
      readers.set(targetName(target), keys);
    }
  return readers;
}

/** The same with what the templates ask for, as `Plan releases` finds it. */
export async function withTemplates(
  targets: readonly ExaminedTarget[],
  configuration: Configuration,
  files: Files,
): Promise<ExaminedTarget[]> {
  const { images, repository } = configuration.factory;
  const templates = new Map(
    await Promise.all(
      images.map(async (image) => [image.name, { image, baked: await bakedTemplate(files, image) }] as const),
    ),
  );
  return targets.map((target) => ({
    ...target,
    bakes: target.bakes.map((bake) => {
      const found = templates.get(bake.image);
      if (found === undefined || found.baked.problems.length > 0) return bake;
      const { image, baked } = found;
      const release = {
        image: image.name,
        repository,
        prerelease: false,
        version: '',
        commit: '',
        releaseId: '',
      };
      const { variables } = packerVariables({
        release,
        stage: '',
        target,
        settings: bake.settings,
        execution: '',
      });
      const told = image.packer ? adoptedVariables(variables, image.packer) : variables;
      return { ...bake, asked: askedOfBake(image, baked, bake.settings, told) };
    }),
  }));
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
