/** What a scenario says, and what playing it returns. Plain data: a scenario is handed to threads and to other processes. */
import type { RepointRequest } from '../../../core/contract/requests.ts';
import type { End } from '../oracle/ends.ts';
import type { RepointEnd } from '../oracle/repoint-ends.ts';
import type { RetireEnd } from '../oracle/retire-ends.ts';
import type { Actor, Past, Size } from './baseline.ts';
import type { Fault } from './faults.ts';
import type { InjectionPoint } from './injection-points.ts';
import type { Schedule } from './step-scheduler.ts';

export interface Scenario<Kind extends string = string> {
  /** Stable, and readable; the command line takes it. */
  readonly id: string;
  readonly size: Size;
  readonly past: Past;
  readonly actors: readonly Actor[];
  readonly faults: readonly Fault<Kind>[];
  /** The first release's execution is stopped right after this call. */
  readonly stopAfter?: InjectionPoint;
  /** Its own time limit ends it there, and not a person. */
  readonly timesOut?: true;
  /** So many sweeps the event of its end starts, one after the other. Without it, only the schedule starts one. */
  readonly sweepsAtOnce?: number;
  /** The sweep's execution is stopped right after this call of it. */
  readonly stopSweepAfter?: InjectionPoint;
  /** A scheduled sweep runs from its beginning to its end while this call waits for its answer. */
  readonly sweepDuring?: InjectionPoint;
  /** After this call of a sweep, somebody has the release go on that was stopped. */
  readonly redriveAfter?: InjectionPoint;
  /** The first release is retried as soon as it may be; from then on it is what the retry makes of it. */
  readonly retried?: Retried;
  /** Somebody goes back from what was released before, or revokes it, or lets it stand again. */
  readonly repoint?: Repoint;
  /** Somebody looks what is used, retires what is not, or takes that back. */
  readonly retire?: Retire;
  /** How two releases take turns. */
  readonly schedule?: Schedule;
  /** What is said of an approval that is asked for; by default it is given. */
  readonly answer?: 'reject' | 'never' | 'by its starter';
  /** No two bakes find the same packages. */
  readonly drifts?: true;
  /** No AMI of prod passes its tests. */
  readonly failsTests?: true;
  /** Its AMIs hold something that is too grave. */
  readonly vulnerable?: true;
  /** The ends that are allowed; any good one by default. */
  readonly ends?: readonly End[];
  /** Nothing lasts, so the first sweep must end well. */
  readonly sweeps?: 'well';
  /** From this call on, something uses the AMI of one target. */
  readonly use?: Use;
  /** The cause of a rollback names the account that failed and no other, or at least some account. */
  readonly blames?: 'the account' | 'an account';
  /** Starts with the commit, and not with the planned release of the image. */
  readonly whole?: true;
  /** The stage whose builders' provisioner fails, everywhere. */
  readonly failingProvisioner?: string;
  /** Whether a builder of that stage is kept then; either is right by default. */
  readonly keeps?: boolean;
  /** The Map that fails as a whole when something in it does. */
  readonly fragileMap?: string;
  /** A fault is aimed at what was seen while nothing else happened: it may find nothing to break. */
  readonly mayMiss?: true;
}

export interface Retried {
  /** A sweep has ended before the retry begins: that which the end of the first attempt starts, or a scheduled one. */
  readonly swept?: 'at once' | 'by schedule';
  /** The scheduled sweep has only begun: the retry begins after this call of it. */
  readonly amid?: InjectionPoint;
  /** After this call of the retry somebody has the first attempt go on, which was stopped in a Task; it must touch nothing. */
  readonly redriven?: InjectionPoint;
  /** While the first attempt waits for it: it goes on with what that has kept. */
  readonly waitedFor?: true;
  /** By hand, at once: what the first attempt left at work may still be. */
  readonly tooEarly?: true;
  /** A day later, and there are newer source AMIs. */
  readonly newerSource?: true;
}

/** A request, and what is true once every account has followed it. */
export interface Asked {
  readonly request: RepointRequest;
  readonly becomes: {
    /** The version that `latest` shows. */
    readonly latest: string;
    /** What becomes of versions. */
    readonly versions: Readonly<Record<string, Standing>>;
  };
}

export type Standing = 'released' | 'revoked' | 'revoked and disabled';

export interface Repoint extends Asked {
  /** What was asked for, and done, a day before. */
  readonly earlier?: RepointRequest;
  /** In the last account, of the version that `latest` is to show: it can never be done. */
  readonly gone?: 'AMI' | 'parameter';
  /** Begins after this call of the release, and ends while that waits for its answer; at once by default. */
  readonly amid?: InjectionPoint;
  /** After this call of it, it waits until the release has ended, which has waited for it. */
  readonly until?: InjectionPoint;
  /** Another one begins after this call of it. */
  readonly other?: Asked & { readonly after: InjectionPoint };
  /** The ends that are allowed; any known one by default. */
  readonly ends?: readonly RepointEnd[];
}

export interface Retire {
  readonly run: 'inventory' | 'retirement' | 'undo';
  /** What is taken back was deregistered before. */
  readonly gone?: true;
  /** In the last target no rule of the Recycle Bin keeps snapshots, until somebody makes one. */
  readonly noRule?: true;
  /** Another run, of the kind, begins after this call of it. */
  readonly other?: { readonly run: 'retirement' | 'undo'; readonly after: InjectionPoint };
  /** Who begins to use an AMI that is about to go, in the last target: after the inventory, or after this call of the run. */
  readonly user?: { readonly by: string; readonly of: Leaving; readonly after?: InjectionPoint };
  /** The ends that are allowed; any known one by default. */
  readonly ends?: readonly RetireEnd[];
}

/** What is due for a version, which is how it is called. */
export type Leaving = 'to deprecate' | 'to disable' | 'to deregister';

export interface Use {
  /** `an instance`: what an environment knows how to begin. */
  readonly by: string;
  /** The target, as `targetName` has it. */
  readonly in: string;
  readonly after: InjectionPoint;
}

export interface Played {
  readonly violations: readonly string[];
  /** Whether some fault found nothing to break. */
  readonly missed: boolean;
}
