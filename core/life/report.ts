import type { RetireReport, RetiredVersion } from '../contract/retirements.ts';
import { cut, tellLeftovers, thatFit } from '../releases/cause-text.ts';
import { type Decision, type Verdict, dueOf } from './decide.ts';
import type { Done } from './move-on.ts';
import type { Orphan } from './orphans.ts';

/** Room for each list in the state's document of 256 KiB. */
const BYTES = { done: 60_000, kept: 80_000, orphans: 30_000, leftovers: 50_000, cause: 8_000 };
const CHARACTERS_OF_ONE_REASON = 400;

/** What a run did and did not, and why, as its state returns it. */
export function reportOf(
  decision: Decision,
  { refused, leftovers, orphans }: Done & { readonly orphans: readonly Orphan[] },
  { dryRun, only }: { readonly dryRun: boolean; readonly only?: string },
): RetireReport {
  const { stopped } = decision;
  const asked = decision.verdicts.filter((one) => only === undefined || isAbout(one, only));
  const due = new Set(dueOf(decision));
  const done = asked.filter((one) => due.has(one) && !refused.has(one.releaseId));
  const kept = asked.filter((one) => !done.includes(one));
  const complete = stopped === undefined && leftovers.length === 0 && refused.size === 0;
  return {
    complete,
    dryRun,
    cause: cut(tell(), BYTES.cause),
    ...(stopped !== undefined && { stopped }),
    done: thatFit(done.map(told), BYTES.done),
    doneCount: done.length,
    kept: thatFit(kept.map(told), BYTES.kept),
    keptCount: kept.length,
    orphans: thatFit(orphans, BYTES.orphans),
    orphanCount: orphans.length,
    leftovers: thatFit(
      leftovers.map((one) => ({ ...one, why: cut(one.why, CHARACTERS_OF_ONE_REASON) })),
      BYTES.leftovers,
    ),
    leftoverCount: leftovers.length,
  };

  function tell(): string {
    if (stopped !== undefined) return `Nothing was done: ${stopped}`;
    const verb = dryRun ? 'Would move' : 'Moved';
    const removed =
      orphans.length === 0
        ? ''
        : ` ${dryRun ? 'Would remove' : 'Removed'} ${orphans.length} ${orphans.length === 1 ? 'orphan' : 'orphans'}.`;
    const what = `${verb} ${done.length} ${done.length === 1 ? 'version' : 'versions'} on, kept ${kept.length}.${removed}`;
    return leftovers.length === 0 ? what : `${what}\n${tellLeftovers(leftovers)}`;
  }

  function told(one: Verdict): RetiredVersion {
    const { releaseId, phase, step, why, dueAt, amis } = one;
    const refusal = refused.get(releaseId);
    return {
      releaseId,
      ...(phase && { phase }),
      ...(step && { step }),
      why: cut(refusal === undefined ? why : `${why}, but ${refusal}`, CHARACTERS_OF_ONE_REASON),
      ...(dueAt !== undefined && { dueAt }),
      amis: amis.length,
    };
  }
}

/** Somebody asks for a release, an image or an AMI. */
const isAbout = ({ releaseId, image, amis }: Verdict, only: string): boolean =>
  only === releaseId || only === image || amis.some(({ imageId }) => imageId === only);
