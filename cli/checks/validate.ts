/** Makes every static check of a factory that the tools at hand allow. */
import { availableParallelism } from 'node:os';
import { checkFactory } from '../../core/configuration/check.ts';
import {
  chosenImage,
  chosenStage,
  loadConfiguration,
  type Configuration,
  type Overrides,
} from '../../core/configuration/configuration.ts';
import { type FactoryFiles, templateOf } from '../../core/configuration/factory.ts';
import {
  InvalidConfiguration,
  sortedProblems,
  throwIfAny,
  type Problem,
} from '../../core/configuration/documents/problems.ts';
import { type BuilderSwitches, builderSwitchProblems } from '../../core/configuration/builder-switches.ts';
import { findPacker } from '../../tools/packer.ts';
import { ansibleChecks } from './ansible.ts';
import { isBelow, placesOf } from '../../core/configuration/packer-directory.ts';
import type { Adopted } from '../../core/templates/adopted/adopted.ts';
import { bakesOf } from '../../core/templates/bakes.ts';
import { sourceProblems } from '../../core/source/check.ts';
import { scannerOf } from '../../core/contract/vulnerabilities.ts';
import { vulnerabilityProblems } from '../../core/scan/check.ts';
import { imageTestProblems } from '../../core/tests/check.ts';
import { checkTemplates } from '../../core/templates/check.ts';
import { type Check, OK, type Result, resultOf, together, unmade, type Work } from './check.ts';
import type { Files } from '../../core/configuration/files.ts';
import { FactoryTree } from './factory-tree.ts';
import { formatCheck, validateChecks } from './packer.ts';
import { powershellChecks } from './powershell.ts';
import { ResultCache } from './result-cache.ts';
import { imageOf } from './scopes.ts';
import { shellChecks } from './shellcheck.ts';
import { templateChecks, variableChecks, WRONG_CONFIGURATION } from './templates.ts';

export interface Checked {
  readonly check: Check;
  readonly result: Result;
}

/** An image with files of its own in place of its template's. */
export interface Replaced {
  readonly image: string;
  readonly template: string;
  readonly files: readonly string[];
}

export interface Validation extends Made {
  /** What is no problem, and may be an accident. */
  readonly replaced: readonly Replaced[];
  /** What is otherwise in the copies that are baked, of images that take a directory as it is. */
  readonly adopted: readonly { readonly image: string; readonly adopted: Adopted }[];
}

interface Made {
  readonly checked: readonly Checked[];
  readonly problems: readonly Problem[];
  /** How many runs of tools there were, and how many the cache spared. */
  readonly ran: number;
  readonly remembered: number;
}

/** @throws InvalidConfiguration for an image or a stage that there is not */
export async function validate(
  files: Files,
  {
    configurationFiles,
    images,
    stage,
    switches,
    onChecked,
  }: {
    readonly configurationFiles: FactoryFiles;
    /** All by default. */
    readonly images?: readonly string[];
    readonly stage?: string;
    readonly switches: BuilderSwitches;
    readonly onChecked?: (done: number, all: number, latest: Checked) => void;
  },
): Promise<Validation> {
  const settings = checkFactory(configurationFiles, images === undefined ? {} : { images });
  const configuration = readable(configurationFiles);
  if (configuration !== undefined) {
    for (const image of images ?? []) chosenImage(configuration.factory, image);
    if (stage !== undefined) chosenStage(configuration.factory, stage);
  }
  const known = configuration?.factory.images ?? [];
  const tree = new FactoryTree(files, known);
  const chosen = known.filter(({ name }) => images?.includes(name) ?? true);
  const names = chosen.map(({ name }) => name);
  const wrong = [
    ...settings,
    ...sourceProblems(files, configuration && chosen),
    ...(configuration ? builderSwitchProblems(configuration, names, switches) : []),
    ...(configuration
      ? vulnerabilityProblems(configuration, names, {
          scanner: switches.scanAmis && scannerOf(switches.scanAmis),
          now: new Date(),
        })
      : []),
    ...(configuration ? imageTestProblems(files, configuration, names) : []),
  ];
  const isChosen = (name: string): boolean => {
    if (images === undefined) return true;
    const image = imageOf(name);
    if (image !== null) return images.includes(image);
    const template = templateOf(name);
    // Who takes a template cannot be told while the configuration is wrong.
    return (
      template === null || configuration === undefined || chosen.some((one) => one.template === template)
    );
  };
  // What is baked as it is, is left as it is: whoever wrote it has a formatter and linters of their own.
  const taken = known.flatMap(({ name, packer: of }) => (of ? placesOf(name, of) : []));
  const isOurs = (name: string): boolean => !taken.some((place) => isBelow(name, place));
  const chosenFiles = [...files.keys()].filter((name) => isChosen(name) && isOurs(name));
  const packer = await findPacker();
  const checks: Check[] = [
    { check: 'configuration', image: null, stage: null, work: [{ run: () => resultOf(wrong) }] },
    ...(await bakeChecks()),
    formatCheck(tree, packer, chosenFiles),
    ...powershellChecks(tree, chosenFiles),
    ...shellChecks(tree, chosenFiles),
    ...ansibleChecks(tree, chosenFiles),
  ];
  const replacements = await Promise.all(
    chosen.map(async ({ name, template = '' }) => ({
      image: name,
      template,
      files: (await tree.template(name)).laidOver.replaced,
    })),
  );
  const rewritten = await Promise.all(
    chosen.map(async ({ name }) => ({ image: name, adopted: (await tree.template(name)).adopted })),
  );
  return {
    ...(await runChecks(tree, checks, onChecked)),
    replaced: replacements.filter((one) => one.files.length > 0),
    adopted: rewritten.flatMap(({ image, adopted }) => (adopted ? [{ image, adopted }] : [])),
  };

  async function bakeChecks(): Promise<Check[]> {
    if (configuration === undefined)
      return (['template', 'variables', 'packer validate'] as const).map((check) =>
        unmade(check, WRONG_CONFIGURATION),
      );
    const { factory } = configuration;
    const bakes = bakesOf(configuration, {
      images: names,
      stages: factory.stages.map(({ name }) => name).filter((name) => stage === undefined || name === stage),
    });
    return [
      ...templateChecks(tree, names),
      ...variableChecks(tree, bakes),
      ...(await validateChecks(tree, packer, bakes)),
    ];
  }
}

/**
 * Looks at what some images are baked from: what needs no tool always, and with Packer, where there is one, everything that it would
 * be told. Returns what was not checked, and why.
 *  @throws InvalidConfiguration with what is wrong
 */
export async function refuseInvalidTemplates(
  files: Files,
  configuration: Configuration,
  {
    images,
    overrides,
    usePacker,
  }: { readonly images: readonly string[]; readonly overrides?: Overrides; readonly usePacker: boolean },
): Promise<string[]> {
  const told = { images, ...(overrides && { overrides }) };
  throwIfAny(await checkTemplates(files, configuration, told));
  if (!usePacker) return ['packer validate: switched off by --no-validate'];
  const packer = await findPacker();
  const tree = new FactoryTree(files, configuration.factory.images);
  const stages = configuration.factory.stages.map(({ name }) => name);
  const bakes = bakesOf(configuration, { ...told, stages });
  const { checked, problems } = await runChecks(tree, await validateChecks(tree, packer, bakes));
  throwIfAny(problems);
  const missed = checked.flatMap(({ check, result }) =>
    result.outcome === 'not checked' ? [`${check.check}: ${result.why}`] : [],
  );
  return [...new Set(missed)];
}

function readable(files: FactoryFiles): Configuration | undefined {
  try {
    return loadConfiguration(files);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return undefined;
    throw error;
  }
}

async function runChecks(
  tree: FactoryTree,
  checks: readonly Check[],
  onChecked?: (done: number, all: number, latest: Checked) => void,
): Promise<Made> {
  const runner = new Runner();
  let done = 0;
  const make = async (check: Check): Promise<Checked> => {
    const results = await Promise.all(check.work.map((work) => runner.result(work)));
    const checked = { check, result: together(results) };
    done += 1;
    onChecked?.(done, checks.length, checked);
    return checked;
  };
  try {
    // What is slow comes last in the report, so it is started first.
    const checked = (await Promise.all(checks.toReversed().map(make))).toReversed();
    await runner.cache.prune();
    const problems = checked.flatMap(({ result }) => (result.outcome === 'failed' ? result.problems : []));
    return { checked, problems: sortedProblems(problems), ran: runner.ran, remembered: runner.remembered };
  } finally {
    await tree.remove();
  }
}

/** Runs each work once and a few at a time, unless the cache knows that it is in order. */
class Runner {
  readonly cache = new ResultCache();
  readonly #results = new Map<string, Promise<Result>>();
  readonly #waiting: (() => void)[] = [];
  #free = Math.max(2, availableParallelism());
  ran = 0;
  remembered = 0;

  async result({ dependsOn, run }: Work): Promise<Result> {
    if (dependsOn === undefined) return run();
    const key = this.cache.key(dependsOn);
    const result = this.#results.get(key) ?? this.#run(key, run);
    this.#results.set(key, result);
    return result;
  }

  async #run(key: string, run: Work['run']): Promise<Result> {
    if (await this.cache.has(key)) {
      this.remembered += 1;
      return OK;
    }
    this.ran += 1;
    const result = await this.#inTurn(run);
    if (result.outcome === 'ok') await this.cache.add(key);
    return result;
  }

  async #inTurn(run: Work['run']): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
