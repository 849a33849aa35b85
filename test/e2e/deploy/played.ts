/** A release of what was deployed: what is wrong with how it went, or with what it left, by what a rehearsal of it says. */
import { NAMES } from '../../../core/contract/names.ts';
import { plannedReleaseSchema } from '../../../core/contract/releases.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import * as z from 'zod';
import type { WorldSnapshot } from '../../../sandbox/aws/world.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { differences, normalised } from '../compare.ts';
import type { Part } from '../machines.ts';
import { rehearseAlone } from '../rehearsal.ts';
import type { Allowed } from './gate.ts';
import type { Operator } from './operator.ts';
import type { Answering } from './approver.ts';
import { GATES, type TeamRepository } from './repository.ts';
import type { Running } from './running.ts';

export interface Stand {
  readonly running: Running;
  readonly repository: TeamRepository;
  readonly operator: Operator;
  readonly targets: readonly Target[];
  /** By image, what the machine behind a builder does; by default it bakes. */
  readonly parts: Map<string, (target: Target) => Part>;
  /** By image, how its approval is answered; by default it is approved. */
  readonly answers: Map<string, Answering>;
}

export interface Release {
  readonly image: string;
  /** Starts it, and returns the ARN of its execution of `packleader-release`. */
  readonly start: (stand: Stand, image: string) => Promise<string>;
  /** How `packleader-release-image` ends: its last state. */
  readonly ends: string;
  readonly part?: (target: Target) => Part;
  readonly answer?: Answering;
  /** The stages that are rejected, for the rehearsal. */
  readonly rejects?: readonly string[];
  /** Which calls about this image are refused besides, of those that the policies allow. */
  readonly strikes?: (call: Allowed) => boolean;
  /** The same, for the rehearsal. */
  readonly faults?: readonly Fault[];
  /** What is released, where it is not the newest commit of the default branch. */
  readonly ref?: (repository: TeamRepository) => string;
  readonly branch?: string;
  /** While what strikes still does. */
  readonly before?: (stand: Stand, ended: Transaction) => Promise<string[]>;
  /** When it does no more. */
  readonly after?: (stand: Stand, ended: Transaction) => Promise<string[]>;
}

export interface Transaction {
  readonly arn: string;
  readonly releaseId: string;
}

export async function played(stand: Stand, release: Release): Promise<string[]> {
  const { running, parts, answers } = stand;
  const { image, part, answer, strikes, before, after, start } = release;
  if (part) parts.set(image, part);
  if (answer) answers.set(image, answer);
  const fault = (call: Allowed) => imageOf(call) === image && strikes?.(call) === true;
  running.gate.faults.add(fault);
  const arn = await start(stand, image);
  const { startDate = new Date(), error, cause } = await running.ended(arn);
  const transaction = await transactionOf(running, arn, image);
  if (transaction === undefined) return [`${image} did not get to its transaction: ${error}: ${cause}`];
  const problems = [
    ...(await compared(stand, release, { ...transaction, startAt: startDate, execution: nameOf(arn) })).map(
      (problem) => `${problem}${error === undefined ? '' : ` (${error}: ${cause})`}`,
    ),
    ...((await before?.(stand, transaction)) ?? []),
  ];
  running.gate.faults.delete(fault);
  return [...problems, ...((await after?.(stand, transaction)) ?? [])];
}

interface Began extends Transaction {
  readonly startAt: Date;
  readonly execution: string;
}

async function compared(
  { running, repository, targets }: Stand,
  { image, ends, faults = [], rejects = [], ref, branch }: Release,
  { arn, releaseId, startAt, execution }: Began,
): Promise<string[]> {
  const [path, rehearsed, world] = await Promise.all([
    running.pathOf(arn),
    rehearseAlone({
      repository: ref ? repository.at(ref(repository)) : repository.repository,
      request: { images: [image], ...(branch !== undefined && { branch }) },
      faults,
      rejects,
      ...GATES,
      startAt: startAt.toISOString(),
      ...(branch !== undefined && { branch }),
    }),
    worldOf(running, targets, releaseId),
  ]);
  const renamed = z
    .custom<typeof world>()
    .parse(JSON.parse(JSON.stringify(world).replaceAll(execution, `rehearsal-${startAt.getTime()}`)));
  const expected = rehearsed.releases[0];
  return [
    ...(path.at(-1) === ends ? [] : [`It ended as ${path.at(-1)}, expected ${ends}`]),
    ...differences(expected?.releaseId, releaseId, 'release'),
    ...differences(expected?.path.join(' > '), path.join(' > '), 'path'),
    ...differences(
      normalised({ releases: [], world: approvedBySomebody(rehearsed.world) }),
      normalised({ releases: [], world: approvedBySomebody(renamed) }),
    ),
  ];
}

/** Who approved it, and when, is told elsewhere: here it counts that somebody did. */
const approvedBySomebody = (world: Readonly<Record<string, WorldSnapshot>>): typeof world =>
  z
    .custom<typeof world>()
    .parse(
      JSON.parse(JSON.stringify(world), (key, value: unknown) =>
        key === TAGS.approved ? 'somebody' : value,
      ),
    );

const nameOf = (arn: string): string => arn.split(':').at(-1) ?? '';

/** The release of an image that an execution of `packleader-release` ran. */
export async function transactionOf(
  running: Running,
  arn: string,
  image: string,
): Promise<Transaction | undefined> {
  for (const one of await running.executionsOf(NAMES.releaseImageMachine)) {
    const { input } = one;
    if (!JSON.stringify(input).includes(`${NAMES.releaseMachine}:${nameOf(arn)}"`)) continue;
    const { release } = plannedReleaseSchema.parse(input);
    if (release.image === image) return { arn: one.arn, releaseId: release.releaseId };
  }
  return undefined;
}

/** Which image a call is about, as far as it says so. */
function imageOf({ input, requests }: Allowed): string | undefined {
  const tagged = requests
    .map(({ context }) => context[`aws:ResourceTag/${TAGS.image}`] ?? context[`aws:RequestTag/${TAGS.image}`])
    .find((one) => one);
  return tagged === undefined ? /^\/packleader\/([^/]+)\//.exec(String(input['Name']))?.[1] : String(tagged);
}

/** What is in each target of one release. */
export async function worldOf(
  running: Running,
  targets: readonly Target[],
  releaseId: string,
): Promise<Readonly<Record<string, WorldSnapshot>>> {
  const worlds = targets.map(
    async (target) =>
      [targetName(target), ofRelease(await running.moto.snapshotOf(target), releaseId)] as const,
  );
  return Object.fromEntries(await Promise.all(worlds));
}

function ofRelease(world: WorldSnapshot, releaseId: string): WorldSnapshot {
  const own = <T extends { readonly tags: Readonly<Record<string, string>> }>(things: readonly T[]) =>
    things.filter(({ tags }) => tags[TAGS.release] === releaseId);
  const images = own(world.images);
  const ids = new Set(images.map(({ imageId }) => imageId));
  return {
    images,
    snapshots: own(world.snapshots),
    instances: own(world.instances),
    keyPairs: own(world.keyPairs),
    securityGroups: own(world.securityGroups),
    parameters: Object.fromEntries(Object.entries(world.parameters).filter(([, value]) => ids.has(value))),
  };
}
