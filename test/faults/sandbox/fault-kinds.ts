/** The kinds of fault that the embedded AWS can show. */
import type { Fault } from '../player/faults.ts';

/**
 * - `refused`: once, before any effect, with an error that nothing retries
 * - `unreachable`: once, before any effect; the connection broke
 * - `lost`: the effect happens, its reply is lost; once, or every time from this call on
 * - `throttled`: so many times from this call on
 * - `full`: CodeBuild has no build free, so many times or for ever
 * - `denied`: from this call on, for ever
 * - `slow`: never answers, once or from this call on; `slow after` has its effect all the same
 * - `dies`: the function that made the call ends right after it, without a word
 * - `no room`: EC2 has no capacity for an instance, once
 * - `interrupted`: EC2 takes the Spot Instance of a bake back right after the call
 * - `killed`: the build that made the call is killed right after it; nothing of Packer cleans up
 * - `partial`: answers or does only a part of what was asked for, once
 * - `stale`: answers as the world was before its last, or last but one, change that matters to the answer; once, or for
 *   30 seconds
 * - `late`: answers at once, and has its effect half a minute later
 * - `not ready`: the task asks to be called again
 * - `too much`: the task does its work, but what it answers is too large for the state
 */
export type SandboxFaultKind =
  | 'refused'
  | 'unreachable'
  | 'lost'
  | 'lost always'
  | 'throttled 3 times'
  | 'throttled 30 times'
  | 'full 3 times'
  | 'full always'
  | 'denied'
  | 'slow'
  | 'slow always'
  | 'slow after'
  | 'dies'
  | 'no room'
  | 'interrupted'
  | 'killed'
  | 'partial'
  | 'stale'
  | 'stale by two'
  | 'stale for 30 s'
  | 'late'
  | 'not ready 3 times'
  | 'too much';

export type SandboxFault = Fault<SandboxFaultKind>;
