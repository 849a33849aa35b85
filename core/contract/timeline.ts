import * as z from 'zod';
import { targetSchema } from './targets.ts';

/** ISO 8601; `stoppedAt` is null while it goes on, and when the execution was stopped in it. */
const times = { startedAt: z.string(), stoppedAt: z.string().nullable() } as const;

/** A state of the transaction. */
export const stateTimeSchema = z.object({ state: z.string(), ...times });
export type StateTime = Readonly<z.infer<typeof stateTimeSchema>>;

/** The bake of one target: from the moment at which it was asked for, so with the wait for a free build. */
export const bakeTimeSchema = targetSchema.extend({
  stage: z.string(),
  ...times,
  /** The error's name; null when it did not fail. */
  error: z.string().nullable(),
});
export type BakeTime = Readonly<z.infer<typeof bakeTimeSchema>>;

/** What one release did that is billed. A task's function has 1 GiB. */
export const billedSchema = z.object({
  transitions: z.number(),
  lambdaRequests: z.number(),
  lambdaSeconds: z.number(),
  /** Each build is billed by the minute that it has begun. */
  buildMinutes: z.number(),
});
export type Billed = Readonly<z.infer<typeof billedSchema>>;

/** Where the time of a release went, and what it cost. */
export const timelineSchema = z.object({
  /** In the order in which they were entered; a state that was entered twice is there twice. */
  states: z.array(stateTimeSchema),
  bakes: z.array(bakeTimeSchema),
  /** What is billed, up to now while it goes on. */
  billed: billedSchema,
  /** US dollars, by list prices, without builder instances, logs and storage. */
  cost: z.number(),
});
export type Timeline = z.infer<typeof timelineSchema>;
