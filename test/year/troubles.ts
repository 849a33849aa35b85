/** What goes wrong in a year: single calls, whole accounts for a while, and executions that end before their time. */
import { NAMES } from '../../core/contract/names.ts';
import { targetName } from '../../core/contract/targets.ts';
import { currentState } from '../../sandbox/engine/call-site.ts';
import type { Execution } from '../../sandbox/engine/engine.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { connectionLost, denial, throttling } from '../faults/player/aws-errors.ts';
import { TARGETS } from './hub.ts';
import type { Random } from './random.ts';

const HOUR_MS = 3_600_000;
/** Of the calls that a state makes. */
const DENIED = 1 / 2_000;
const LOST = 1 / 1_000;
const THROTTLED = 1 / 300;
const DIES = 1 / 2_000;
/** What single calls fail of: releases have a suite of their own, and are to fail only as often as they do. */
const MACHINES: readonly string[] = [NAMES.inventoryMachine, NAMES.retireMachine];
/** Of the executions that are watched. */
const STOPPED = 1 / 12;
const CALLS_UNTIL_STOPPED = 120;

export class Troubles {
  readonly #sandbox: Sandbox;
  readonly #random: Random;
  #outage: { readonly accountId: string; readonly until: number } | undefined;
  #doomed: { readonly execution: Execution; calls: number } | undefined;
  #isOver = false;
  count = 0;

  constructor(sandbox: Sandbox, random: Random) {
    this.#sandbox = sandbox;
    this.#random = random;
    sandbox.intercept(async (call, next) => {
      const here = currentState();
      if (here === undefined || this.#isOver) return next();
      if (here.over === true) return new Promise<never>(() => {});
      const { accountId } = call;
      if (this.#outage?.accountId === accountId && this.#outage.until > sandbox.clock.milliseconds()) {
        this.count += 1;
        throw denial(call);
      }
      if (!MACHINES.includes(here.machine)) return next();
      this.#stopTheDoomed();
      const luck = this.#random.next();
      if (luck > DENIED + LOST + THROTTLED + DIES) return next();
      this.count += 1;
      if (luck < DENIED) throw denial(call);
      if (luck < DENIED + THROTTLED) throw throttling(call);
      await next();
      if (luck < DENIED + THROTTLED + LOST) throw connectionLost();
      here.lose('dies');
      here.over = true;
      return new Promise<never>(() => {});
    });
  }

  /** Somebody takes the permissions of an account away, and gives them back within two days. */
  beginOutage(): string {
    const target = this.#random.pick(TARGETS) ?? TARGETS[0];
    const hours = this.#random.between(0.2, 48);
    const until = this.#sandbox.clock.milliseconds() + hours * HOUR_MS;
    this.#outage = { accountId: target?.accountId ?? '', until };
    return target ? targetName(target) : '';
  }

  /** Somebody may stop this execution somewhere in the middle. */
  mayStop(execution: Execution): void {
    if (this.#isOver || !this.#random.chance(STOPPED)) return;
    this.#doomed = { execution, calls: Math.ceil(this.#random.between(1, CALLS_UNTIL_STOPPED)) };
  }

  /** From now on nothing fails. */
  end(): void {
    this.#isOver = true;
  }

  #stopTheDoomed(): void {
    const doomed = this.#doomed;
    if (!doomed) return;
    doomed.calls -= 1;
    if (doomed.calls > 0) return;
    this.#doomed = undefined;
    if (doomed.execution.history.ended) return;
    this.count += 1;
    doomed.execution.stop();
  }
}
