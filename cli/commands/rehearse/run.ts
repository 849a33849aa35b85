import { setFlagsFromString } from 'node:v8';
import type { Overview } from '../../../client/client.ts';
import { pageHtml } from '../../page/html.ts';
import { pageData } from '../../page/page-data.ts';
import { writePage } from '../../page/write-page.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { Narrator } from '../../terminal/narrator.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { NOTHING, type Rehearsed, type RehearseOptions, runRehearsal } from './rehearsal.ts';
import { tellAssumptions, tellBeginning, tellEnd, tellRetry, tellSchedule } from './tell.ts';

/** `packleader rehearse`: tells what happens while it happens, or prints one document at the end. */
export async function rehearseCommand(
  { json, page, ...asked }: RehearseOptions & { readonly json: boolean; readonly page?: string },
  output: Output,
): Promise<number> {
  // The heap may grow by a fifth between collections: a thousand targets then fit into 512 MiB.
  setFlagsFromString('--heap-growing-percent=20');
  let overview: Overview | undefined;
  const onOverview = (seen: Overview) => {
    overview = seen;
  };
  const options = { ...asked, ...(page !== undefined && { onOverview }) };
  const report = await (json ? printed(options, output) : told(options, output));
  if (page !== undefined && overview)
    writePage(page, pageHtml(pageData(overview, true)), json ? { ...output, print: () => {} } : output);
  return exitCode(report);
}

async function told(options: RehearseOptions, output: Output): Promise<Rehearsed> {
  let startedAt = performance.now();
  let narrator = new Narrator(output);
  output.status(output.paint('dim', '  … checking the configuration and the templates'));
  const report = await runRehearsal({
    ...options,
    onStart: (preparation) => {
      startedAt = performance.now();
      tellBeginning(output, preparation);
    },
    onAssumed: (assumptions) => tellAssumptions(output, assumptions),
    onDecided: (schedule) => tellSchedule(output, schedule),
    onProgress: (progress) => narrator.follow(progress),
    onRetry: (first) => {
      for (const release of first) narrator.tell(release);
      tellRetry(output, first);
      narrator = new Narrator(output);
    },
  });
  tellEnd(output, narrator, report, performance.now() - startedAt);
  return report;
}

/** The document that `--json` promises. */
async function printed(options: RehearseOptions, output: Output): Promise<Rehearsed> {
  let factory = '';
  let notChecked: readonly string[] = [];
  let assumed: readonly string[] = [];
  const report = await runRehearsal({
    ...options,
    onStart: (preparation) => {
      factory = preparation.checkout.directory;
      notChecked = preparation.notChecked;
    },
    onAssumed: (assumptions) => {
      assumed = assumptions;
    },
  });
  const {
    outcome,
    error,
    changed,
    schedule,
    unmetFaults,
    releases,
    retried,
    repoints,
    told: tellings = [],
    statuses = [],
    world,
  } = report;
  const document = {
    outcome,
    factory,
    notChecked,
    ...(error && { error }),
    ...(changed && { changed }),
    ...(schedule && { schedule }),
    assumed,
    unmetFaults,
    releases,
    ...(retried && { retried }),
    ...(repoints.length > 0 && { repoints }),
    ...(tellings.length > 0 && { told: tellings }),
    ...(statuses.length > 0 && { statuses }),
    world,
  };
  output.print(jsonText(document));
  return report;
}

/** A fault that was never met, or a retry of nothing, has shown nothing: nobody must take the end for what follows it. */
function exitCode({ outcome, unmetFaults, retried, repoints }: Rehearsed): number {
  if (unmetFaults.length > 0 || retried?.length === 0) return EXIT.refused;
  const ends = new Set(repoints.map((repoint) => repoint.outcome));
  if (ends.has('incomplete')) return EXIT.rollbackIncomplete;
  if (ends.has('put back') && outcome === 'released') return EXIT.rolledBack;
  if (outcome === 'released' || outcome === NOTHING) return EXIT.released;
  return outcome === 'rolled back' ? EXIT.rolledBack : EXIT.rollbackIncomplete;
}
