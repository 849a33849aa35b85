/** `packleader page`: all that can be seen, in one HTML file. */
import { type Overview, releaseOverview } from '../../../client/client.ts';
import { targetsFrom } from '../../input/factory-targets.ts';
import { type SeeingFlags, seenFrom } from '../../input/seeing.ts';
import { pageHtml } from '../../page/html.ts';
import { pageData } from '../../page/page-data.ts';
import { writePage } from '../../page/write-page.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { count } from '../../terminal/words.ts';
import { serve } from './serve.ts';

export interface PageOptions extends SeeingFlags {
  readonly out?: string;
  /** A port, or true for the usual one. */
  readonly serve?: number | true;
  /** The name of a role to look with. */
  readonly as?: string;
  readonly instances: boolean;
  readonly limit: number;
  readonly timelines: number;
}

const FILE = 'packleader.html';
const PORT = 8_080;

export async function pageCommand(
  options: PageOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { out, json, serve: served } = options;
  if (served !== undefined) {
    await untilInterrupted(context, async (signal) =>
      serve({
        port: served === true ? PORT : served,
        signal,
        make: async () => pageHtml(pageData(await look(signal))),
        onListening: (url) => output.print(`${url} shows it until Ctrl-C\n`),
      }),
    );
    return EXIT.released;
  }
  const overview = await look(context.signal);
  output.status('');
  if (json) output.print(jsonText(overview));
  if (!json || out !== undefined)
    writePage(out ?? FILE, pageHtml(pageData(overview)), json ? { ...output, print: () => {} } : output);
  return whatWasNotSeen(overview, output);

  async function look(signal: AbortSignal | undefined): Promise<Overview> {
    const { as: role, instances, limit, timelines, hub, factory } = options;
    const targets = targetsFrom(hub, factory);
    return releaseOverview({
      ...seenFrom(options, { ...context, ...(signal && { signal }) }),
      instances,
      limit,
      timelines,
      ...(role !== undefined && { role }),
      ...(targets && { targets }),
      ...(context.clock && { now: context.clock.now }),
      onProgress: (what) => output.status(`  … ${what}`),
    });
  }
}

function whatWasNotSeen({ where }: Overview, output: Output): number {
  const unseen = where.targets.filter(({ notSeen }) => notSeen.length > 0).length;
  if (unseen === 0) return EXIT.released;
  output.complain(`${count(unseen, 'target')} could not be seen; the page says why\n`);
  return EXIT.unwell;
}
