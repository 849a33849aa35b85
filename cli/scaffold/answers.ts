/** What `packleader init` has to be told: by its flags, by git, or by whoever sits at the terminal. */
import * as z from 'zod';
import { type Stage, factorySchema } from '../../core/configuration/factory.ts';
import { type InvalidConfiguration, shown } from '../../core/configuration/documents/problems.ts';
import { refusalOfRepository } from '../../core/configuration/repository-url.ts';
import type { Target } from '../../core/contract/targets.ts';
import { refuse } from '../input/arguments.ts';
import { tryGit } from '../../core/source/git.ts';
import type { Ask } from '../terminal/questions.ts';
import type { FactoryAnswers } from './factory.ts';

export interface AnswerFlags {
  readonly repository?: string;
  readonly hub?: string;
  /** `dev=111111111111/eu-west-1,222222222222/eu-west-1` */
  readonly stages: readonly string[];
}

export const HUB_LIKE = '999999999999/eu-west-1';
export const STAGE_LIKE = 'dev=111111111111/eu-west-1';

/**
 * What the flags say, and git knows; the rest is asked.
 *  @param ask absent where nobody can be asked
 *  @throws InvalidConfiguration that names the flags that are missing, or the one that is wrong
 */
export async function answersFrom(flags: AnswerFlags, root: string, ask?: Ask): Promise<FactoryAnswers> {
  const origin = originOf(root);
  const given = {
    repository: flags.repository === undefined ? undefined : readRepository(flags.repository),
    hub: flags.hub === undefined ? undefined : readHub(flags.hub),
    stages: flags.stages.map(readStage),
  };
  if (ask === undefined) {
    const repository = given.repository ?? origin;
    const missing = [
      ...(repository === undefined ? ['--repository https://github.com/example/images'] : []),
      ...(given.hub === undefined ? [`--hub ${HUB_LIKE}`] : []),
      ...(given.stages.length === 0 ? [`--stage ${STAGE_LIKE} --stage prod=222222222222/eu-west-1`] : []),
    ];
    if (repository === undefined || given.hub === undefined || missing.length > 0)
      throw refuse(
        'packleader init',
        `found nobody to ask, must be told what it cannot know: ${missing.join(' ')}`,
      );
    return { ...given, repository, hub: given.hub, defaultBranch: defaultBranchOf(root) };
  }
  const repository =
    given.repository ??
    (await asked(
      ask,
      origin === undefined
        ? 'Where does this repository live, as in https://github.com/example/images?'
        : `Where does this repository live? [${origin}]`,
      (text) => readRepository(text === '' && origin !== undefined ? origin : text),
    ));
  const hub =
    given.hub ??
    (await asked(ask, `Which account and region hold the state machines, as in ${HUB_LIKE}?`, readHub));
  const stages = given.stages.length > 0 ? given.stages : await askedStages(ask);
  return { repository, hub, stages, defaultBranch: defaultBranchOf(root) };
}

async function askedStages(ask: Ask): Promise<Stage[]> {
  const first = `The first stage, as in ${STAGE_LIKE}? Several targets of one are separated by commas.`;
  const stages = [await asked(ask, first, readStage)];
  for (;;) {
    const next = await asked(ask, 'The next stage, as in prod=222222222222/eu-west-1? [no more]', (text) =>
      text === '' ? undefined : readStage(text),
    );
    if (next === undefined) return stages;
    stages.push(next);
  }
}

/** Asks until the answer can be read. */
async function asked<Answer>(ask: Ask, question: string, read: (text: string) => Answer): Promise<Answer> {
  let said = question;
  for (;;) {
    const text = await ask(`${said} `);
    if (text === undefined) throw refuse('packleader init', 'was not told all it asked');
    try {
      return read(text.trim());
    } catch (error) {
      said = `${sentenceOf(error)}\n${question}`;
    }
  }
}

function sentenceOf(error: unknown): string {
  const { problems } = z.object({ problems: z.array(z.object({ message: z.string() })) }).parse(error);
  return problems.map(({ message }) => `  ${message}`).join('\n');
}

// ---------------------------------------------------------------------------------------------- reading

export function readRepository(text: string): string {
  const url = text.trim();
  const { error } = factorySchema.shape.repository.safeParse(url);
  if (error) throw wrong('--repository', url, error);
  return url;
}

export const readHub = (text: string): Target => readTarget('--hub', text, HUB_LIKE);

function readTarget(flag: string, text: string, like: string): Target {
  const [accountId = '', region = '', ...more] = text.split('/');
  if (more.length > 0 || region === '') throw refuse(flag, `found ${shown(text)}, must look like ${like}`);
  const parsed = factorySchema.shape.hub.safeParse({ accountId, region });
  if (!parsed.success) throw wrong(flag, text, parsed.error);
  return parsed.data;
}

export function readStage(text: string): Stage {
  const [, name, targets] = /^([^=]*)=(.+)$/.exec(text) ?? [];
  if (name === undefined || targets === undefined)
    throw refuse('--stage', `found ${shown(text)}, must look like ${STAGE_LIKE}`);
  const parsed = factorySchema.shape.stages.element.shape.name.safeParse(name);
  if (!parsed.success) throw wrong('--stage', name, parsed.error);
  return { name, targets: targets.split(',').map((one) => readTarget('--stage', one.trim(), STAGE_LIKE)) };
}

function wrong(flag: string, found: string, { issues }: z.ZodError): InvalidConfiguration {
  const message = issues[0]?.message ?? 'is wrong';
  return refuse(flag, message.startsWith('found ') ? message : `found ${shown(found)}, ${message}`);
}

// ---------------------------------------------------------------------------------------------- git

/** Where git pushes to, as the hub would clone it; undefined where it knows nothing that the hub could. */
function originOf(root: string): string | undefined {
  const url = tryGit(root, ['remote', 'get-url', 'origin'])?.trim();
  if (url === undefined) return undefined;
  const [, scpHost, scpPath] = /^[\w.-]+@([\w.-]+):(?!\/\/)\/?(.+)$/.exec(url) ?? [];
  const parsed = URL.parse(url);
  const https =
    scpHost === undefined
      ? parsed?.protocol === 'ssh:' || parsed?.username
        ? `https://${parsed.hostname}${parsed.pathname}`
        : url
      : `https://${scpHost}/${scpPath}`;
  const bare = https.replace(/\.git$/, '');
  return refusalOfRepository(bare) === undefined ? bare : undefined;
}

const defaultBranchOf = (root: string): string =>
  tryGit(root, ['symbolic-ref', '--short', 'refs/remotes/origin/HEAD'])
    ?.trim()
    .replace(/^origin\//, '') || 'main';
