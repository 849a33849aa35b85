import { Duration } from 'aws-cdk-lib';
import type { Scanner } from '../../core/contract/vulnerabilities.ts';
import type { Approvals } from '../../core/contract/approvals.ts';
import {
  LAMBDA_MINUTES,
  LONGEST_BAKE_MINUTES,
  LONGEST_TEST_MINUTES,
  LONGEST_WAIT_MINUTES,
} from '../../core/contract/limits.ts';

/** How long a build may wait in CodeBuild's queue; every project sets it. */
export const QUEUED = Duration.minutes(LONGEST_WAIT_MINUTES);

/** How long the start of a build may be refused because the account has none free, and half an hour for its other retries. */
const STARTING = Duration.minutes(LONGEST_WAIT_MINUTES + 30);

/** The longest a bake may take, with its time in the queue. */
export const BAKE = Duration.minutes(LONGEST_BAKE_MINUTES).plus(QUEUED);

/** One batch: its bakes run at the same time. */
export const BAKE_BATCH = BAKE.plus(STARTING);

/** A Lambda task; a minute less in the Lambda itself, so that its own message wins. */
export const LAMBDA = Duration.minutes(LAMBDA_MINUTES);
export const TASK = LAMBDA.plus(Duration.minutes(1));

/** Checking out one commit and packing it; the state allows for the queue as well. */
export const FETCH_SOURCE = Duration.minutes(15);

/** Letting a command of one's own scan every SBOM of a release; the state allows for the queue as well. */
export const SCAN = Duration.minutes(30);

/** Letting Packer judge the template of every image; the state allows for the queue as well. */
export const VALIDATE_TEMPLATES = Duration.minutes(30);

/**
 * Above the worst path of one image through n stages: each stage bakes once, and is checked and undone; a task that
 * exhausts every retry takes an hour. A test computes the worst path from the definition and holds this above it.
 */
export const releaseImage = (
  stages: number,
  { testAmis, copyAmis, scanAmis, approvals, retryWaitHours }: Gates,
): Duration =>
  Duration.minutes(
    stages * (BAKE_BATCH.toMinutes() + 120 + (testAmis ? TESTS.toMinutes() : 0)) +
      (copyAmis ? (stages - 1) * COPIES.toMinutes() : 0) +
      8 * 60 +
      (scanAmis === undefined ? 0 : SCANNING.toMinutes()) +
      (retryWaitHours === undefined ? 0 : retryWaitHours * 60 + WAITING_MINUTES) +
      Object.values(approvals).reduce((sum, { timeoutHours }) => sum + timeoutHours * 60 + ASKING_MINUTES, 0),
  );

/** What a release may wait for besides its bakes. */
interface Gates {
  readonly testAmis: boolean;
  readonly copyAmis: boolean;
  readonly scanAmis?: Scanner;
  readonly approvals: Approvals;
  /** For how long one that fails waits for a retry; undefined where it does not. */
  readonly retryWaitHours?: number;
}

/** A scanner of one's own, which waits like a bake, and an hour and a quarter for the task that judges. */
const SCANNING = SCAN.plus(QUEUED).plus(STARTING).plus(Duration.minutes(75));

/** The longest test, terminating its instance, and an hour for a task that exhausts every other retry. */
const TESTS = Duration.minutes(LONGEST_TEST_MINUTES + 20 + 60);

/** The longest copy, and two hours for its task and its undo, which exhaust every other retry. */
const COPIES = Duration.minutes(LONGEST_BAKE_MINUTES + 20 + 120);

/** Before a wait and in front of the bakes a task each that exhausts every retry, and as much again for the looks of the wait itself. */
const WAITING_MINUTES = 4 * 60;

/** The retries of whoever asks, before it has asked. */
const ASKING_MINUTES = 10;

/**
 * Tiers follow each other; ten of them are more than any factory has. Starting one may take ten minutes of retries; the
 * plan and the summary get two hours, and each of the hub's own builds may wait like a bake.
 */
export const release = (stages: number, gates: Gates): Duration =>
  Duration.minutes(
    10 * (releaseImage(stages, gates).toMinutes() + 10) + 120 + 2 * QUEUED.plus(STARTING).toMinutes(),
  );

/** Seven tasks that exhaust every retry take an hour each, and a quarter more where a function does not answer. */
export const REPOINT = Duration.hours(10);
/** Three tasks that exhaust every retry take an hour each, and the batches of one inventory are looked at at the same time. */
export const INVENTORY = Duration.hours(6);

/** One task that exhausts every retry. */
export const ANSWER = Duration.hours(2);

/** One task that exhausts every retry. */
export const RETIRE = Duration.hours(3);

/** Three tasks that exhaust every retry take an hour each, and the releases of one sweep are swept at the same time. */
export const SWEEP = Duration.hours(6);
