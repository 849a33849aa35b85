/** What people read of an event: one line, then what more there is to know. */
import * as z from 'zod';
import { executionLink } from '../core/aws/console-links.ts';
import { detailSchema } from '../core/contract/events.ts';
import { NAMES } from '../core/contract/names.ts';
import type { Release } from '../core/contract/releases.ts';
import type { Told } from '../core/contract/telling.ts';
import { targetName } from '../core/contract/targets.ts';
import { cut, tellLeftovers } from '../core/releases/cause-text.ts';
import { type ToldExecution, releaseIn } from './execution.ts';
import { oneLine } from './statuses.ts';

export interface Message {
  readonly about: Told;
  readonly image: string;
  /** The one line. */
  readonly title: string;
  readonly lines: readonly string[];
  /** What belongs together has the same: a release from its beginning to whatever becomes of it. */
  readonly thread: string;
}

/** A mail or a chat is no list of a thousand accounts. */
const MOST_AMIS = 20;
const CAUSE_CHARACTERS = 2_000;
/** A chat cuts a longer one, and so it is said again below. */
const LONGEST_TITLE = 250;

interface Placed {
  readonly stage: string;
  readonly accountId: string;
  readonly region: string;
  readonly imageId: string | null;
}

type Detail = {
  readonly [Name in Parameters<typeof detailSchema>[0]]: z.infer<ReturnType<typeof detailSchema<Name>>>;
};

const READERS: Readonly<Record<string, (detail: unknown, stages: Stages) => Message | undefined>> = {
  [NAMES.approvalRequested]: (detail, stages) =>
    approvalRequested(detailSchema(NAMES.approvalRequested).parse(detail), stages),
  [NAMES.approved]: (detail, stages) => approved(detailSchema(NAMES.approved).parse(detail), stages),
  [NAMES.retryAwaited]: (detail) => retryAwaited(detailSchema(NAMES.retryAwaited).parse(detail)),
  [NAMES.released]: (detail, stages) => released(detailSchema(NAMES.released).parse(detail), stages),
  [NAMES.rolledBack]: (detail) => rolledBack(detailSchema(NAMES.rolledBack).parse(detail)),
  [NAMES.repointed]: (detail, stages) => repointed(detailSchema(NAMES.repointed).parse(detail), stages),
  [NAMES.revoked]: (detail) => revoked(detailSchema(NAMES.revoked).parse(detail)),
  [NAMES.restored]: (detail) => restored(detailSchema(NAMES.restored).parse(detail)),
  [NAMES.retired]: (detail) => retired(detailSchema(NAMES.retired).parse(detail)),
  [NAMES.stale]: (detail) => stale(detailSchema(NAMES.stale).parse(detail)),
};

/** The stages whose AMIs are told of; undefined for all of them. */
export type Stages = readonly string[] | undefined;

/** Undefined for an event that nobody is told of, or that concerns none of the stages. */
export const messageOf = (detailType: string, detail: unknown, stages?: Stages): Message | undefined =>
  READERS[detailType]?.(detail, stages);

/** Of an execution of `packleader-release-image` that begins, or that ends without an event of ours. */
export function messageOfExecution(execution: ToldExecution): Message | undefined {
  const release = releaseIn(execution);
  if (!release) return undefined;
  const { releaseId, image } = release;
  const about = { image, thread: releaseId };
  if (execution.status === 'RUNNING')
    return {
      ...about,
      about: 'started',
      title: `${releaseId} is being released`,
      lines: [...origin(release), link(execution.executionArn)],
    };
  if (execution.status !== 'ABORTED' && execution.status !== 'TIMED_OUT') return undefined;
  const how = execution.status === 'ABORTED' ? 'was stopped' : 'ran out of time';
  const lines = ['A sweep finds what it leaves behind.', ...origin(release), link(execution.executionArn)];
  return { ...about, about: 'stopped', title: `The release of ${releaseId} ${how}`, lines };
}

function approvalRequested(
  detail: Detail[typeof NAMES.approvalRequested],
  stages: Stages,
): Message | undefined {
  const { releaseId, image, stage, until, fourEyes, since, compareUrl, changes, tests, executionArn } =
    detail;
  if (stages?.includes(stage) === false) return undefined;
  return {
    about: 'approval-requested',
    image,
    title: `${releaseId} waits for the approval of ${stage}, until ${until.slice(0, 16)}Z`,
    lines: [
      detail.approve,
      detail.reject,
      ...(fourEyes ? ['Whoever started it may not approve it.'] : []),
      since ? `In ${stage} stands ${since.releaseId}.` : `Nothing of ${image} stands in ${stage}.`,
      ...tests.map((one) => `Tests passed in ${one.stage}: ${one.tests}, on instances: ${one.instances}`),
      ...changes.flatMap(changeLines),
      ...origin(detail),
      compareUrl ?? '',
      link(executionArn),
    ],
    thread: releaseId,
  };
}

function changeLines({
  what,
  count,
  first,
}: Detail[typeof NAMES.approvalRequested]['changes'][number]): string[] {
  if (count === null) return [`What changes in ${what} cannot be said: ${first.join(' ')}`];
  const more = count - first.length;
  return [`Changes in ${what}: ${count}`, ...first, ...(more > 0 ? [`and ${more} more`] : [])];
}

function approved(detail: Detail[typeof NAMES.approved], stages: Stages): Message | undefined {
  const { releaseId, image, stage, by, reason, executionArn } = detail;
  if (stages?.includes(stage) === false) return undefined;
  const lines = [...because(reason), ...origin(detail), link(executionArn)];
  return {
    about: 'approved',
    image,
    title: `${releaseId} is approved for ${stage}, by ${by}`,
    lines,
    thread: releaseId,
  };
}

function retryAwaited(detail: Detail[typeof NAMES.retryAwaited]): Message {
  const { releaseId, image, stage, until, error, cause, retry, executionArn } = detail;
  return {
    about: 'retry-awaited',
    image,
    title: `${releaseId} failed in ${stage}, and waits for a retry until ${until.slice(0, 16)}Z`,
    lines: [retry, cut(`${error}: ${cause.trim()}`, CAUSE_CHARACTERS), ...origin(detail), link(executionArn)],
    thread: releaseId,
  };
}

function released(detail: Detail[typeof NAMES.released], stages: Stages): Message | undefined {
  const { releaseId, image, prerelease, images, executionArn } = detail;
  const own = inStages(images, stages);
  if (own.length === 0) return undefined;
  return {
    about: 'released',
    image,
    title: `${releaseId} is released${prerelease ? ', as a prerelease' : ''}`,
    lines: [...amis(own), ...origin(detail), link(executionArn)],
    thread: releaseId,
  };
}

function rolledBack(detail: Detail[typeof NAMES.rolledBack]): Message {
  const { releaseId, image, complete, error, cause, leftovers, leftoverCount, executionArn } = detail;
  const why = oneLine(cause) || error;
  const title = complete
    ? `${releaseId} was not released: ${why}`
    : `The rollback of ${releaseId} left something behind: ${why}`;
  return {
    about: 'rolled-back',
    image,
    title,
    lines: [
      ...(complete ? ['No account holds anything of it.'] : []),
      cut(title.length > LONGEST_TITLE ? cause.trim() : below(cause), CAUSE_CHARACTERS),
      ...(leftoverCount > 0 && !cause.includes('Left behind:') ? [tellLeftovers(leftovers)] : []),
      ...origin(detail),
      link(executionArn),
    ],
    thread: releaseId,
  };
}

function repointed(detail: Detail[typeof NAMES.repointed], stages: Stages): Message | undefined {
  const { image, version, by, reason, from, images, executionArn } = detail;
  const own = inStages(images, stages);
  if (own.length === 0) return undefined;
  const before = from.filter((one) => one !== null).join(', ') || 'nothing';
  return {
    about: 'repointed',
    image,
    title: version === null ? `latest of ${image} is gone` : `latest of ${image} is ${version}`,
    lines: [`It was ${before}; by ${by}.`, ...because(reason), ...amis(own), link(executionArn)],
    thread: executionArn,
  };
}

function revoked({
  releaseId,
  image,
  by,
  reason,
  because: base,
  disabled,
  executionArn,
}: Detail[typeof NAMES.revoked]): Message {
  return {
    about: 'revoked',
    image,
    title: `${releaseId} is revoked${disabled ? ', and cannot be launched any more' : ''}`,
    lines: [
      ...(base === undefined ? [] : [`It is built on ${base}.`]),
      ...(by === 'rollback' ? ['A rollback left it.'] : []),
      ...because(reason),
      link(executionArn),
    ],
    thread: executionArn,
  };
}

function restored({ releaseId, image, reason, executionArn }: Detail[typeof NAMES.restored]): Message {
  const lines = [...because(reason), link(executionArn)];
  return { about: 'restored', image, title: `${releaseId} stands again`, lines, thread: executionArn };
}

const DONE = {
  restore: 'is given back',
  deprecate: 'is deprecated',
  disable: 'is disabled',
  deregister: 'is gone',
};

function retired({
  releaseId,
  image,
  step,
  why,
  complete,
  leftovers,
}: Detail[typeof NAMES.retired]): Message {
  return {
    about: 'retired',
    image,
    title: complete ? `${releaseId} ${DONE[step]}: ${why}` : `${releaseId} could not be retired everywhere`,
    lines: complete ? [] : [tellLeftovers(leftovers)],
    thread: releaseId,
  };
}

function stale({ image, releaseId, releasedAt, days, ...of }: Detail[typeof NAMES.stale]): Message {
  return {
    about: 'stale',
    image,
    title: `${image} was not released for ${days} days`,
    lines: [`The newest version that stands is ${releaseId}, of ${releasedAt.slice(0, 10)}.`, ...origin(of)],
    thread: releaseId,
  };
}

const origin = ({ commit, repository }: Pick<Release, 'commit' | 'repository'>): string[] => [
  `Commit ${commit.slice(0, 8)} of ${repository}`,
];
const because = (reason: string | undefined): string[] => (reason === undefined ? [] : [`Reason: ${reason}`]);
/** What stands below the first line, which is the title already. */
const below = (cause: string): string => cause.trim().split('\n').slice(1).join('\n').trim();
const link = (executionArn: string | undefined): string =>
  executionArn === undefined ? '' : executionLink({ executionArn });

const inStages = <T extends Placed>(images: readonly T[], stages: Stages): readonly T[] =>
  images.filter(({ stage }) => stages?.includes(stage) ?? true);

function amis(images: readonly Placed[]): string[] {
  const lines = images
    .slice(0, MOST_AMIS)
    .map((ami) => `${ami.stage} ${targetName(ami)} ${ami.imageId ?? 'none any more'}`);
  const more = images.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])];
}
