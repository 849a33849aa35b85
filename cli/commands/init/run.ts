/** `packleader init`: a factory in the current directory, and what stands around it. */
import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { DEPLOYMENT_FILE, loadDeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { FACTORY_FILE, imageDirectories, loadFactory } from '../../../core/configuration/factory.ts';
import { InvalidConfiguration, problem } from '../../../core/configuration/documents/problems.ts';
import { type Files, configurationFiles } from '../../../core/configuration/files.ts';
import { filesInDirectory } from '../../../core/source/directory.ts';
import { checkedConfiguration } from '../../../core/templates/check.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { gitRoot } from '../../../core/source/git.ts';
import { fromStart } from '../../input/start-directory.ts';
import { type AnswerFlags, answersFrom } from '../../scaffold/answers.ts';
import { type Changes, type NewFile, bytesOf, onlyNew, writeChanges } from '../../scaffold/changes.ts';
import { type CiKind, ciFiles, ciOf } from '../../scaffold/continuous-integration.ts';
import { type FactoryAnswers, factoryFile, layerFiles } from '../../scaffold/factory.ts';
import { type FirstLine, draftFrom, imageFiles } from '../../scaffold/images.ts';
import { schemaComment, templateFiles } from '../../scaffold/package-files.ts';
import { deploymentFile, gitignore, manifest } from '../../scaffold/project.ts';
import { PUBLIC_SOURCES } from '../../scaffold/sources.ts';
import type { Output } from '../../terminal/output.ts';
import { withQuestions } from '../../terminal/questions.ts';
import { tell } from './tell.ts';

export interface InitOptions extends AnswerFlags {
  readonly yes: boolean;
  readonly ci?: CiKind;
}

const FIRST_IMAGE = 'linux-base';

/** @throws InvalidConfiguration before anything is written */
export async function initCommand(
  options: InitOptions,
  output: Output,
  questions: typeof withQuestions = withQuestions,
): Promise<void> {
  const root = fromStart('.');
  const begun = factoryIn(root);
  const started =
    begun === undefined
      ? await newFactory(root, await answered(options, output, root, questions))
      : await knownFactory(root, begun, options);
  const { factory } = started;
  const repository = gitRoot(root);
  const ci = ciFiles(options.ci ?? ciOf(factory.repository), {
    repository: factory.repository,
    defaultBranch: factory.defaultBranch,
    region: factory.hub.region,
  });
  // A workflow below the root of a repository is never run.
  const isRoot = repository === undefined || sameDirectory(repository, root);
  // What is there is read before it is kept: a repository that cannot be deployed from is half a repository.
  if (existsSync(join(root, DEPLOYMENT_FILE))) loadDeploymentSettings(root);
  const around = onlyNew(root, [deploymentFile(root), ...(isRoot ? ci : [])]);
  const completed = [started.changes, around, manifest(root), gitignore(root)];
  const changes: Changes = {
    written: completed.flatMap(({ written = [] }) => written),
    added: completed.flatMap((one) => ('added' in one ? (one.added ?? []) : [])),
    kept: completed.flatMap(({ kept = [] }) => kept),
  };
  writeChanges(root, changes);
  tell(output, changes, {
    ...(!isRoot && ci.length > 0 && { ciPlace: repository }),
  });
}

const answered = (options: InitOptions, output: Output, root: string, questions: typeof withQuestions) =>
  options.yes ? answersFrom(options, root) : questions(output, (ask) => answersFrom(options, root, ask));

/** Where the repository of this directory keeps its factory; undefined when it has none. */
function factoryIn(root: string): string | undefined {
  const place = ['packer', '.'].find((one) => existsSync(join(root, one, FACTORY_FILE)));
  if (place !== undefined) return place;
  const part = [...filesBelow(join(root, 'packer')).keys()].find((name) => PART_OF_FACTORY.test(name));
  if (part === undefined) return undefined;
  throw new InvalidConfiguration([
    problem(
      `packer/${part}`,
      0,
      [],
      `is part of a factory, but there is no packer/${FACTORY_FILE}: write that, or move packer/ away, and run it again`,
    ),
  ]);
}

/** A file in place of the directory is said when something is to be written into it. */
const filesBelow = (directory: string): Files =>
  statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true
    ? filesInDirectory(directory)
    : new Map();

const PART_OF_FACTORY = /^(factory\.yml$|(config|images|templates|schemas)\/)/;

const firstLineIn =
  (root: string, place: string): FirstLine =>
  (path, schema) =>
    schemaComment(root, posix.join(place, path), schema);

async function newFactory(root: string, answers: FactoryAnswers) {
  const files = [factoryFile(answers, firstLineIn(root, 'packer')), ...firstImage(root, 'packer', answers)];
  const factory = await wholeFactory(filesBelow(join(root, 'packer')), files);
  return { factory, changes: onlyNew(root, inPlace('packer', files)) };
}

/** A factory that somebody has begun is kept as it is; one without any image gets the first. */
async function knownFactory(root: string, place: string, { repository, hub, stages }: InitOptions) {
  const told = { '--repository': repository, '--hub': hub, '--stage': stages[0] };
  for (const [flag, value] of Object.entries(told))
    if (value !== undefined)
      throw refuse(
        flag,
        `is said in ${posix.join(place, FACTORY_FILE)}, which is there and is kept: change it there, and leave the flag out`,
      );
  const there = checkOutFactory(join(root, place)).files;
  const settings = configurationFiles(there);
  const begun = loadFactory(settings);
  const hasImages = imageDirectories(settings).length > 0;
  const files = hasImages ? [] : firstImage(root, place, begun);
  const factory = files.length > 0 ? await wholeFactory(there, files) : begun;
  const changes = onlyNew(root, inPlace(place, files));
  return {
    factory,
    changes: { ...changes, kept: [posix.join(place, FACTORY_FILE), ...changes.kept] },
  };
}

function firstImage(root: string, place: string, { stages }: Pick<FactoryAnswers, 'stages'>): NewFile[] {
  const firstLine = firstLineIn(root, place);
  const source = PUBLIC_SOURCES['al2023'];
  if (source === undefined) throw new Error('there is no public source al2023');
  const draft = draftFrom(FIRST_IMAGE, source, 'x86_64', `${source.title} with what all our images have`);
  return [
    ...layerFiles(stages, firstLine),
    ...imageFiles(draft, firstLine),
    ...templateFiles(source.platform),
  ];
}

const inPlace = (place: string, files: readonly NewFile[]): NewFile[] =>
  files.map((file) => ({ ...file, path: posix.join(place, file.path) }));

/**
 * The factory as it will be, with what is there already.
 *  @throws InvalidConfiguration when it could not be released from
 */
async function wholeFactory(there: Files, files: readonly NewFile[]) {
  return (await checkedConfiguration(new Map([...bytesOf(files), ...there]), {})).factory;
}

function sameDirectory(one: string, other: string): boolean {
  const [a, b] = [statSync(one), statSync(other)];
  return a.ino === b.ino && a.dev === b.dev;
}
