/** The calls that a scenario waits for, and whether it came to them. */
import { type Fault, nameOfFault } from './faults.ts';
import { type InjectionPoint, nameOfPoint } from './injection-points.ts';

type Wanted = InjectionPoint | undefined;

export class ReachedPoints {
  readonly #reached = new Set<InjectionPoint>();

  /** Whether a call is the one that is waited for, at its first time. */
  comesTo(wanted: Wanted, point: InjectionPoint): boolean {
    if (!wanted || this.#reached.has(wanted) || nameOfPoint(wanted) !== nameOfPoint(point)) return false;
    this.#reached.add(wanted);
    return true;
  }

  /** A scenario whose faults no call met, or that came to none of its calls, says nothing: each, in words. */
  missed(wanted: readonly Wanted[], unmet: readonly Fault[]): string[] {
    return [
      ...unmet.map((fault) => `suite: no call met ${nameOfFault(fault)}`),
      ...wanted
        .filter((point) => point !== undefined)
        .filter((point) => !this.#reached.has(point))
        .map((point) => `suite: ${nameOfPoint(point)} was never reached`),
    ];
  }
}
