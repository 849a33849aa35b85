/** What the page shows, as small as it can be: it is in the page, and a page of a thousand releases is to stay small. */

/** Indices are those of `targets` and `images`; times are seconds since 1970. */
export interface PageData {
  readonly seenAt: number;
  readonly hub: string;
  /** A rehearsal's page says so. */
  readonly rehearsed: boolean;
  readonly targets: readonly { readonly stage: string; readonly name: string }[];
  readonly images: readonly string[];
  /** By image: the newest version that was released. */
  readonly newest: readonly (string | null)[];
  readonly repositories: readonly string[];
  readonly releases: readonly PageRelease[];
  readonly where: readonly PagePlace[];
  readonly notSeen: readonly { readonly target: number; readonly what: string; readonly why: string }[];
}

export interface PageRelease {
  readonly image: number;
  readonly version: string;
  readonly commit: string;
  readonly at: number;
  /** Missing when it was released. */
  readonly outcome?: string;
  readonly prerelease?: true;
  readonly repository?: number;
  readonly branch?: string;
  readonly reason?: string;
  readonly startedBy?: string;
  readonly seconds?: number;
  readonly builtOn?: string;
  readonly error?: string;
  /** Target and AMI. */
  readonly amis: readonly (readonly [number, string | null])[];
  readonly cost?: number;
  readonly minutes?: number;
  /** State, seconds after the start, and how long; null while it goes on. */
  readonly states?: readonly (readonly [string, number, number | null])[];
  /** Target, seconds after the start, how long, and the error. */
  readonly bakes?: readonly (readonly [number, number, number | null, string?])[];
}

export interface PagePlace {
  readonly target: number;
  readonly image: number;
  /** AMI, version, days, and whether it is stale; null when there is no `latest`. */
  readonly latest: readonly [string, string | null, number | null, boolean | null] | null;
  /** Version or AMI, how many instances, and whether it is stale; null when nobody looked. */
  readonly running: readonly (readonly [string, number, boolean | null])[] | null;
}
