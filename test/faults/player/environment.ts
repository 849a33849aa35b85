/** What a scenario is played in: the embedded AWS, or moto behind a proxy. A player needs to know no more of either. */
import type { Target } from '../../../core/contract/targets.ts';
import type { World } from '../../../sandbox/aws/world.ts';
import type { Engine } from '../../../sandbox/engine/engine.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import type { Fault, FaultPlan } from './faults.ts';
import type { InjectionPoint } from './injection-points.ts';

export interface Environment {
  /** Everything that is there, as of the last look. */
  readonly world: World;
  readonly engine: Engine;
  readonly plan: Pick<FaultPlan<Fault>, 'lift' | 'unmet'>;
  /** Brings all of `world` up to date. */
  readonly observe: () => Promise<void>;
  /** Lets somebody use an AMI. Returns what ends the use; undefined when it lasts. */
  readonly use: (by: string, target: Target, imageId: string) => Promise<(() => Promise<void>) | undefined>;
  /** Publishers publish newer source AMIs; not every environment can. */
  readonly publishNewer?: () => void;
  /** What went wrong in the environment itself so far. */
  readonly flaws: readonly string[];
}

/** What an environment calls around every AWS call of the workflow. */
export interface CallHooks {
  /** Before the call; it may make the call wait. */
  readonly before: (point: InjectionPoint) => Promise<void> | undefined;
  /** Once `world` shows what the call has done, before any other call has an effect that consumers see. */
  readonly observed: (point: InjectionPoint, call: Call) => void;
  /** Once the call has come to its end, also by an error of AWS; it may make the answer wait. */
  readonly after: (point: InjectionPoint) => Promise<void> | undefined;
}
