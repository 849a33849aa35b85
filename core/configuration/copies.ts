/** Which targets get a copy of an AMI that was baked in an earlier stage, of which one, and what of that cannot work. */
import { COMPARED_SETTINGS } from '../contract/comparison.ts';
import { MOST_COPYING_STAGES } from '../contract/limits.ts';
import { type Target, targetName } from '../contract/targets.ts';
import { type Configuration, type Overrides, chosenImage, layersOf } from './configuration.ts';
import { nearest, type Problem, problem, shown } from './documents/problems.ts';
import { type Origin, settingsIfValid } from './effective.ts';
import type { Layer } from './layers.ts';
import type { Settings } from './settings.ts';

/** The key of AWS's own, which no other account can be let use. */
export const EBS_KEY = 'alias/aws/ebs';

interface Placed {
  readonly stage: string;
  readonly target: Target;
  readonly settings: Settings;
  readonly origins: readonly Origin[];
}

/** By target that copies, `<account>/<region>`: the target whose AMI it copies. */
export type Copies = ReadonlyMap<string, Placed>;

/** What is copied of an image; what cannot be is left out here, and told by {@link copyProblems}. */
export function copiesOf(configuration: Configuration, image: string, overrides?: Overrides): Copies {
  const placed = everyPlace(configuration, image, overrides);
  return new Map(
    placed.flatMap((one) => {
      const source = one.settings.strategy === 'copy' ? sourceOf(configuration, one, placed) : undefined;
      return source && typeof source === 'object' ? [[targetName(one.target), source] as const] : [];
    }),
  );
}

/** Where a layer asks for a copy that cannot be made, each place once. */
export function copyProblems(
  configuration: Configuration,
  images: readonly string[],
  overrides?: Overrides,
): Problem[] {
  const found = new Map<string, Problem>();
  for (const image of images) {
    const placed = everyPlace(configuration, image, overrides);
    for (const one of placed) {
      if (one.settings.strategy !== 'copy') continue;
      const source = sourceOf(configuration, one, placed);
      const why =
        typeof source === 'string'
          ? ([one, one.settings.from === undefined ? 'strategy' : 'from', source] as const)
          : whyNot(configuration, image, one, source);
      if (!why) continue;
      const [of, setting, message] = why;
      const from = stated(of.origins, setting) ?? stated(one.origins, 'strategy') ?? one.origins[0]?.from;
      if (!from) continue;
      const { file, line, path } = from;
      found.set(`${file}:${line} ${path}`, { ...problem(file, line, [], message), path });
    }
  }
  return [...found.values()];
}

/** Every target that an image is made in; none where no layer asks for a copy. */
function everyPlace(configuration: Configuration, image: string, overrides?: Overrides): Placed[] {
  const { stages } = configuration.factory;
  const asks = stages.some(({ name }) => layersOf(configuration, image, name, overrides).some(asksForCopy));
  if (!asks) return [];
  return stages.flatMap(({ name: stage, targets }) =>
    targets.flatMap((target) => {
      const request = { image, stage, target, ...(overrides && { overrides }) };
      const effective = settingsIfValid(configuration, request);
      return effective ? [{ stage, target, ...effective }] : [];
    }),
  );
}

function asksForCopy({ own, regions, accounts }: Layer): boolean {
  const sections = [
    own,
    ...regions.values(),
    ...[...accounts.values()].flatMap((account) => [account.own, ...account.regions.values()]),
  ];
  return sections.some(({ node }) => {
    const value = node.entries.get('strategy');
    return value?.kind === 'scalar' && value.value === 'copy';
  });
}

/** The target whose AMI is copied, or why there is none. In its stage: of the same region if there is one, the first. */
function sourceOf({ factory }: Configuration, one: Placed, placed: readonly Placed[]): Placed | string {
  const names = factory.stages.map(({ name }) => name);
  const own = names.indexOf(one.stage);
  const earlier = names.slice(0, own);
  const { from } = one.settings;
  const bakesIn = (stage: string) =>
    placed.filter(({ stage: of, settings }) => of === stage && settings.strategy !== 'copy');
  if (earlier.length === 0)
    return `found copy in ${one.stage}, the first stage, must be bake: there is no stage before it to copy from`;
  if (from !== undefined && !names.includes(from))
    return `found ${shown(from)}, must be a stage before ${one.stage}, ${nearest(from, earlier)}`;
  if (from !== undefined && !earlier.includes(from))
    return `found ${shown(from)}, must be a stage before ${one.stage}: ${earlier.join(', ')}`;
  const stage = from ?? earlier.toReversed().find((name) => bakesIn(name).length > 0);
  const candidates = stage === undefined ? [] : bakesIn(stage);
  const source = candidates.find(({ target }) => target.region === one.target.region) ?? candidates[0];
  if (source) return source;
  return from === undefined
    ? `found copy in ${one.stage}, must be bake: no stage before it bakes`
    : `found ${shown(from)}, must be a stage that bakes: every target of ${from} copies`;
}

type Refusal = readonly [where: Placed, setting: string, message: string];

/** Why EC2 would refuse the copy, or it would not be what was asked for. */
function whyNot(
  { factory }: Configuration,
  imageName: string,
  one: Placed,
  source: Placed,
): Refusal | undefined {
  const { stage, settings } = one;
  const stages = factory.stages.length;
  if (stages > MOST_COPYING_STAGES)
    return [
      one,
      'strategy',
      `found copy in a factory of ${stages} stages, must be bake: with more than ${MOST_COPYING_STAGES} a release may take longer than an AMI lasts that is soon deprecated`,
    ];
  for (const setting of COMPARED_SETTINGS) {
    if (settings[setting] === source.settings[setting]) continue;
    const values = `${shown(settings[setting])} in ${stage} and ${shown(source.settings[setting])} in ${source.stage}`;
    return [
      one,
      setting,
      `found ${values}, must be the same: what ${stage} copies is as ${source.stage} bakes it`,
    ];
  }
  if (one.target.accountId === source.target.accountId) return undefined;
  const accounts = `${source.target.accountId} to ${one.target.accountId}`;
  const { source: ami } = source.settings;
  if ('filter' in ami && ami.owners.includes('aws-marketplace'))
    return [
      one,
      'strategy',
      `found copy of ${imageName}, which starts from a product of AWS Marketplace, must be bake: EC2 copies none from one account to another (${accounts})`,
    ];
  const { platform } = chosenImage(factory, imageName);
  if (platform === 'windows' && settings.allowWindowsCopy !== true)
    return [
      one,
      'strategy',
      `found copy of ${imageName}, a Windows image, must be bake: EC2 may refuse to copy one from one account to another (${accounts}); allowWindowsCopy: true lets you try`,
    ];
  if (source.settings.kmsKeyId.endsWith(EBS_KEY))
    return [
      source,
      'kmsKeyId',
      `found ${EBS_KEY} in ${source.stage}, which ${stage} copies from (${accounts}), must be a key of your own there, whose policy admits ${one.target.accountId}: nobody else can be let read what that key encrypts`,
    ];
  return undefined;
}

/** Where a layer says it; undefined for a default. */
const stated = (origins: readonly Origin[], setting: string) =>
  origins.find((one) => one.setting === setting && one.from.file !== 'default')?.from;
