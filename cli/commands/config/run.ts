/** `packleader config show` and `packleader config explain`: what a bake would use, and where each value comes from. */
import { stringify } from 'yaml';
import { targetName, type Target } from '../../../core/contract/targets.ts';
import {
  chosenStage,
  loadConfiguration,
  type Configuration,
  type Overrides,
} from '../../../core/configuration/configuration.ts';
import { effectiveSettings, type Origin, type StatedValue } from '../../../core/configuration/effective.ts';
import type { FactoryFiles } from '../../../core/configuration/factory.ts';
import {
  InvalidConfiguration,
  nearest,
  placeText,
  problem,
  shown,
} from '../../../core/configuration/documents/problems.ts';
import { jsonText } from '../../terminal/output.ts';

export interface ConfigRequest {
  readonly files: FactoryFiles;
  readonly image: string;
  readonly stage: string;
  /** The first matching target of the stage is taken. */
  readonly region?: string;
  readonly account?: string;
  readonly overrides?: Overrides;
  /** One JSON document instead of text. */
  readonly json?: boolean;
}

/**
 * The effective settings, as YAML under a comment that names the target.
 *  @throws InvalidConfiguration, also for an unknown image, stage, region or account
 */
export function configShow(request: ConfigRequest): string {
  const { settings, target, others } = resolve(request);
  const { image, stage } = request;
  if (request.json === true) return jsonText({ image, stage, target, otherTargets: others, settings });
  return `# ${heading(request, target, others)}\n${stringify(settings, { aliasDuplicateObjects: false })}`;
}

/**
 * Every effective value with its file and line and, indented below it, what it overrode, newest first.
 *  @throws InvalidConfiguration, also for an unknown image, stage, region or account
 */
export function configExplain(request: ConfigRequest): string {
  const { origins, target, others } = resolve(request);
  const { image, stage } = request;
  if (request.json === true)
    return jsonText({ image, stage, target, otherTargets: others, settings: origins });
  const rows = origins.flatMap(rowsOf);
  const width = Math.min(LONGEST_ALIGNED, Math.max(...rows.map(({ left }) => left.length)));
  const lines = rows.map(({ left, place }) => `${left.padEnd(width)}   ${place}`);
  return [heading(request, target, others), ...lines, ''].join('\n');
}

/** One long value must not push every place off the screen. */
const LONGEST_ALIGNED = 72;

const rowsOf = ({ setting, from, overrode }: Origin): { left: string; place: string }[] => [
  { left: `${setting} = ${valueText(from)}`, place: placeText(from) },
  ...overrode.map((one) => ({ left: `  overrode ${valueText(one)}`, place: placeText(one) })),
];

const valueText = ({ value }: StatedValue): string => JSON.stringify(value);

function heading({ image, stage }: ConfigRequest, target: Target, others: number): string {
  const more = others === 1 ? '1 other target' : `${others} other targets`;
  const hint = others === 0 ? 'the only target' : `${more}: choose with --region and --account`;
  return `${image} in ${stage}, ${targetName(target)} (${hint})`;
}

function resolve(request: ConfigRequest) {
  const configuration = loadConfiguration(request.files);
  const { target, others } = chosenTarget(configuration, request);
  const { image, stage, overrides } = request;
  const asked = overrides === undefined ? { image, stage, target } : { image, stage, target, overrides };
  return { ...effectiveSettings(configuration, asked), target, others };
}

/** The first target that matches, and how many others the stage has. */
function chosenTarget({ factory }: Configuration, { stage, region, account }: ConfigRequest) {
  const { targets } = chosenStage(factory, stage);
  const inAccount = targets.filter(({ accountId }) => account === undefined || accountId === account);
  const [target] = inAccount.filter((one) => region === undefined || one.region === region);
  if (target !== undefined) return { target, others: targets.length - 1 };
  const [what, asked, known] =
    inAccount.length === 0
      ? ['account', account ?? '', targets.map(({ accountId }) => accountId)]
      : ['region', region ?? '', inAccount.map((one) => one.region)];
  const message = `found no ${what} ${shown(asked)} in the stage ${stage}, ${nearest(asked, [...new Set(known)])}`;
  throw new InvalidConfiguration([problem('factory.yaml', 0, ['stages'], message)]);
}
