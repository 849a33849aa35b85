/** What the embedded AWS held before, so that it can answer as it would have answered then. */
import type { Region } from '../../../sandbox/aws/world.ts';
import { copyOfRegion } from '../../../sandbox/rehearsal/region-copy.ts';
import type { Call, Sandbox } from '../../../sandbox/sandbox.ts';

type Run = () => Promise<unknown>;

const placeOf = ({ accountId, region }: Call): string => `${accountId}/${region}`;

export class History {
  readonly #sandbox: Sandbox;
  /** By place: what it held before each change, oldest first. */
  readonly #held = new Map<string, Region[]>();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Before a call that changes something. */
  remember(call: Call): void {
    const held = this.#held.get(placeOf(call)) ?? [];
    held.push(copyOfRegion(this.#sandbox.world.region(call.accountId, call.region)));
    this.#held.set(placeOf(call), held);
  }

  /** When this read would have got other answers than now, the latest first; two are enough. */
  async olderAnswers(call: Call, run: Run): Promise<Region[]> {
    const held = this.#held.get(placeOf(call)) ?? [];
    const seen = [await textOf(run())];
    const found: Region[] = [];
    for (const at of held.toReversed()) {
      const text = await textOf(this.answerAsOf(call, at, run));
      if (!seen.includes(text)) found.push(at);
      seen.push(text);
      if (found.length === 2) break;
    }
    return found;
  }

  /** Makes a call in a place as it was. The service looks at the place before it first waits for anything. */
  async answerAsOf(call: Call, at: Region, run: Run): Promise<unknown> {
    const { world } = this.#sandbox;
    const now = world.region(call.accountId, call.region);
    world.regions.set(placeOf(call), at);
    const answer = run();
    world.regions.set(placeOf(call), now);
    return answer;
  }
}

async function textOf(answer: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify({ ...Object(await answer), $metadata: undefined });
  } catch (error) {
    return String(error);
  }
}
