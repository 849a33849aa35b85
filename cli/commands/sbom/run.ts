/** `packleader sbom`: what the AMIs of a release hold. */
import { getSbom } from '../../../client/client.ts';
import type { HubFlags } from '../../input/hub-option.ts';
import { seenFrom } from '../../input/seeing.ts';
import type { CommandContext } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import type { Output } from '../../terminal/output.ts';

export interface SbomFlags extends HubFlags {
  /** `<account>/<region>` */
  readonly target?: string;
}

export async function sbomCommand(
  release: string,
  { target, ...flags }: SbomFlags,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const from = seenFrom({ ...flags, json: true }, context);
  output.print(`${await getSbom(release, { ...from, ...(target !== undefined && { target }) })}\n`);
  return EXIT.released;
}
