/** The faults that a proxy can show, and scenarios that are made of them. */
import type { Fault } from '../../../faults/player/faults.ts';
import type { Scenario } from '../../../faults/player/scenario.ts';

/**
 * - `refused`, `denied`, `throttled`: an error of AWS, before any effect
 * - `reset`: the connection breaks before any effect; `lost`: after it
 * - `slow`: no answer within the time limit of the function; `slow after`: its effect happens all the same
 * - `killed`: the build that made the call is killed right after it
 * - `partial`: only a part of what was asked for is done; `ignored`: Systems Manager says that it stored a parameter, whose
 *   validation then fails
 * - `empty`: a list does not show yet what was made; `stale`: the answer is one that was given before
 *
 * Calls are counted on the wire, where the SDK makes three of one.
 */
export type WireFaultKind =
  | 'refused'
  | 'denied'
  | 'throttled'
  | 'reset'
  | 'lost'
  | 'slow'
  | 'slow after'
  | 'killed'
  | 'partial'
  | 'ignored'
  | 'empty'
  | 'stale';

export type WireFault = Fault<WireFaultKind>;
export type WireScenario = Scenario<WireFaultKind>;
