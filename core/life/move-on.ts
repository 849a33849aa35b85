import { type TargetClients, clientsFor } from '../aws/clients.ts';
import { asFact } from '../aws/errors.ts';
import { announce } from '../aws/events.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { ERRORS } from '../contract/errors.ts';
import type { Leftover } from '../contract/leftovers.ts';
import { NAMES } from '../contract/names.ts';
import { targetName } from '../contract/targets.ts';
import { STEPS, type Step, type Verdict } from './decide.ts';
import { type SeenAmi, factoryAmis } from './seen.ts';
import { forget, takeStep } from './steps.ts';

/** What became of the steps that were due. */
export interface Done {
  /** Why a step was not taken, by release. */
  readonly refused: ReadonlyMap<string, string>;
  readonly leftovers: readonly Leftover[];
}

/** What a repetition may mend. */
const PASSING: readonly string[] = [ERRORS.throttled, ERRORS.connectionLost, ERRORS.notReadyYet];

/** What is wanted again first, what cannot be taken back last. */
const ORDER: readonly Step[] = ['restore', ...STEPS.filter((step) => step !== 'restore')];

/**
 * Takes the steps that are due, version by version, each everywhere and with an event before and after. One that an account refuses is
 * taken back everywhere, as far as it can be; what was deregistered cannot, and the rest is named.
 *  @throws PackleaderError Throttled, ConnectionLost, NotReadyYet or AnnouncementFailed: a repetition finds what is left to do
 */
export async function moveOn(due: readonly Verdict[], now: string): Promise<Done> {
  const refused = new Map<string, string>();
  const leftovers: Leftover[] = [];
  for (const verdict of due.toSorted((a, b) => rank(a) - rank(b))) {
    const { releaseId, step } = verdict;
    if (step === undefined) continue;
    const told = about(verdict, step);
    await announce(NAMES.retiring, told);
    const left = await takeEverywhere(verdict, step, now);
    leftovers.push(...left);
    if (left.length > 0) {
      const reversible = step === 'deprecate' || step === 'disable';
      if (reversible) leftovers.push(...(await takeBack(verdict, now)));
      refused.set(
        releaseId,
        reversible ? 'it was refused in an account, and taken back in all' : 'it was refused in an account',
      );
    }
    await announce(NAMES.retired, { ...told, complete: left.length === 0, leftovers: left.slice(0, 100) });
  }
  return { refused, leftovers };
}

const rank = ({ step }: Verdict): number => (step === undefined ? -1 : ORDER.indexOf(step));

/** One is restored as a whole: what was done to it is forgotten only when all of it is taken back. */
async function takeEverywhere({ amis }: Verdict, step: Step, now: string): Promise<Leftover[]> {
  const left = await eachOf(amis, step, (clients, ami) => takeStep(clients, step, ami, now));
  if (step !== 'restore' || left.length > 0) return left;
  return eachOf(amis, step, async (clients, ami) => {
    await forget(clients, ami);
    return [];
  });
}

/** What AWS refuses in one target is told, and keeps nobody from acting in the others; what a repetition may mend is thrown. */
async function eachOf(
  amis: readonly SeenAmi[],
  step: Step,
  act: (clients: TargetClients, ami: SeenAmi) => Promise<Leftover[]>,
): Promise<Leftover[]> {
  const left = await inEveryTarget(amis, async (ami) => {
    const { accountId, region, imageId } = ami;
    try {
      return await act(clientsFor({ accountId, region }), ami);
    } catch (error) {
      const { name, message } = asFact(error);
      if (PASSING.includes(name)) throw error;
      return [{ accountId, region, resourceId: imageId, why: `to ${step}: ${name}: ${message}` }];
    }
  });
  return left.flat();
}

/** Looks afresh: what was seen before the step does not say how far it came. */
async function takeBack({ releaseId, amis, ...verdict }: Verdict, now: string): Promise<Leftover[]> {
  const targets = [...new Map(amis.map((ami) => [targetName(ami), ami])).values()];
  const found = await inEveryTarget(targets, async ({ accountId, region }) => {
    const target = { accountId, region };
    const here = await factoryAmis(clientsFor(target).ec2, target);
    return here.map(({ ami }) => ami).filter((ami) => ami.releaseId === releaseId);
  });
  return takeEverywhere({ ...verdict, releaseId, amis: found.flat() }, 'restore', now);
}

function about({ releaseId, image, version, why, amis }: Verdict, step: Step) {
  const each = amis.map(({ accountId, region, imageId }) => ({ accountId, region, imageId }));
  return { releaseId, image, version, step, why, amis: each };
}
