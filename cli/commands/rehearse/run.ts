import { setFlagsFromString } from 'node:v8';
import { EXIT } from '../../terminal/exit-codes.ts';
import type { Output } from '../../terminal/output.ts';
import { Narrator } from '../../terminal/narrator.ts';
import { type RehearseOptions, runRehearsal } from './rehearsal.ts';
import { tellAssumptions, tellBeginning, tellEnd } from './tell.ts';
import type { Report } from '../../../sandbox/rehearsal/rehearsal.ts';

/** `packleader rehearse`: tells what happens while it happens, or prints one document at the end. */
export async function rehearseCommand(
  { json, ...options }: RehearseOptions & { readonly json: boolean },
  output: Output,
): Promise<number> {
  // The heap may grow by a fifth between collections: a thousand targets then fit into 512 MiB.
  setFlagsFromString('--heap-growing-percent=20');
  if (json) {
    const report = await runRehearsal(options);
    output.print(`${JSON.stringify(documentOf(report), null, 2)}\n`);
    return exitCode(report);
  }
  let startedAt = performance.now();
  const narrator = new Narrator(output);
  output.status(output.paint('dim', '  … checking the configuration and the templates'));
  const report = await runRehearsal({
    ...options,
    onStart: (preparation) => {
      startedAt = performance.now();
      tellBeginning(output, preparation);
    },
    onAssumed: (assumptions) => tellAssumptions(output, assumptions),
    onProgress: (progress) => narrator.follow(progress),
  });
  tellEnd(narrator, report, performance.now() - startedAt);
  return exitCode(report);
}

/** The document that `--json` promises. */
function documentOf({ outcome, error, releases, world }: Report) {
  return { outcome, ...(error && { error }), releases, world };
}

function exitCode({ outcome }: Report): number {
  if (outcome === 'released') return EXIT.released;
  return outcome === 'rolled back' ? EXIT.rolledBack : EXIT.rollbackIncomplete;
}
