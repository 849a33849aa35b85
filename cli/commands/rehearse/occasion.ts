/** On what occasion images are released: by hand, by a push, or by their schedules. */
import type { Configuration } from '../../../core/configuration/configuration.ts';
import type { Changes } from '../../../core/contract/releases.ts';
import type { Start } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Decision } from '../../../sandbox/rehearsal/triggers.ts';
import type { FactoryCheckout } from '../../input/checkout.ts';

/** What a push would release, and what that follows from. */
export interface Pushed {
  /** 40 hex digits. */
  readonly since: string;
  /** A commit, or `the working tree`. */
  readonly until: string;
  readonly branch: string;
  /** What differs between them, by its path in the factory. */
  readonly files: readonly string[];
  readonly images: readonly string[];
}

/** What became of every image's schedule at one time. */
export interface Scheduled {
  /** ISO 8601. */
  readonly at: string;
  readonly images: readonly (Decision | NotDue)[];
}

export interface NotDue {
  readonly image: string;
  readonly outcome: 'not due';
  readonly why: string;
}

export interface Occasion {
  /** Those that may be released: none, and nothing is rehearsed. */
  readonly images: readonly string[];
  readonly branch: string;
  /** What nobody asked for, in one line. */
  readonly says?: string;
  readonly changes?: Changes;
  /** What nobody can know before. */
  readonly assumed?: readonly string[];
  /** Other than by hand. */
  readonly start?: Start;
  /** The time at which it starts, when images must have been released before. */
  readonly afterRelease?: Date;
  readonly changed?: Pushed;
  /** What is known of it by now. */
  readonly schedule?: () => Scheduled;
}

/** What an occasion is found in. */
export interface Found {
  readonly checkout: FactoryCheckout;
  readonly configuration: Configuration;
}
