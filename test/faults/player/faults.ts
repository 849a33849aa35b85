/** Faults, and which of them a call meets. */
import { type InjectionPoint, nameOfPoint, seriesOf } from './injection-points.ts';

export interface Fault<Kind extends string = string> {
  /** The first call that meets it. */
  readonly point: InjectionPoint;
  readonly kind: Kind;
  /** How many calls of its series meet it; by default what its kind says. */
  readonly times?: number;
}

export const nameOfFault = ({ point, kind, times }: Fault): string =>
  `${nameOfPoint(point)} ${kind}${times === undefined ? '' : ` ${times} times`}`;

/** AWS itself shows something that is not so: whoever believes it is not to blame. */
export const deceives = ({ kind }: Fault): boolean => /^(stale|partial|empty)/.test(kind);

function lastsFor(kind: string): number {
  if (kind.endsWith(' 3 times')) return 3;
  if (kind === 'throttled 30 times') return 30;
  return kind === 'denied' || kind.endsWith('always') || kind === 'stale for 30 s' ? Infinity : 1;
}

/** The faults of one scenario. */
export class FaultPlan<F extends Fault> {
  readonly #faults: readonly F[];
  readonly #met = new Set<F>();
  #lifted = false;

  constructor(faults: readonly F[]) {
    this.#faults = faults;
  }

  /** From now on nothing fails any more. */
  lift(): void {
    this.#lifted = true;
  }

  get isLifted(): boolean {
    return this.#lifted;
  }

  /** Faults that no call ever met. */
  get unmet(): F[] {
    return this.#faults.filter((fault) => !this.#met.has(fault));
  }

  /** The fault that a call is to meet. */
  at(point: InjectionPoint): F | undefined {
    if (this.#lifted) return undefined;
    const series = seriesOf(point);
    return this.#faults.find((fault) => {
      const away = point.nth - fault.point.nth;
      const times = fault.times ?? lastsFor(fault.kind);
      return away >= 0 && away < times && seriesOf(fault.point) === series;
    });
  }

  /** A call meets it now. Returns whether it is the first one. */
  meet(fault: F): boolean {
    const isFirst = !this.#met.has(fault);
    this.#met.add(fault);
    return isFirst;
  }

  /** There was nothing to break after all. */
  miss(fault: F): void {
    this.#met.delete(fault);
  }
}
