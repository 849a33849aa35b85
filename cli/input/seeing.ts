/** Where the commands that only read records read them. */
import type { HubOptions } from '../../client/client.ts';
import type { CommandContext } from '../terminal/command-context.ts';
import { type HubFlags, hubFrom } from './hub-option.ts';

export interface SeeingFlags extends HubFlags {
  readonly json: boolean;
}

export function seenFrom(flags: SeeingFlags, { client, signal }: CommandContext): HubOptions {
  const hub = hubFrom(flags);
  return { ...(hub && { hub }), ...(client && { client }), ...(signal && { signal }) };
}
