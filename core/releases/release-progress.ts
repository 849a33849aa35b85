/** Something a person watching a release, real or rehearsed, would want to see. */
export interface ReleaseProgress {
  readonly phase: 'entered' | 'exited' | 'retried';
  readonly machine: string;
  /** The release whose transaction it is; absent in `packleader-release` itself. */
  readonly releaseId?: string;
  readonly state: string;
  readonly error?: string;
  readonly output?: unknown;
  /** Since the start, in ms; virtual ones in a rehearsal. */
  readonly elapsedMs: number;
}
