/**
 * Runs the commands whose output the documentation quotes. A page marks a quotation like this, and `npm run docs` writes
 * what stands between, whole or only some lines of it:
 *
 *     <!-- output of: npm run packleader -- rehearse linux-base; lines 1-4, 9 -->
 *     <!-- end -->
 */
import { mock } from 'node:test';
import { main } from '../cli/main.ts';
import type { Output } from '../cli/terminal/output.ts';

const ROOT = new URL('..', import.meta.url).pathname;

/** Every quoted command starts at this moment, so that versions and the AMIs of that day are the same each time. */
const STARTED_AT = Date.parse('2026-11-21T09:30:00Z');

/**
 * What still varies, and what is shown in its place: the commit at hand, and how long it took on this machine. What was not checked
 * depends on the tools of the machine, and is left out.
 */
const SHOWN = { commit: '4f2c1d9', seconds: '0.5 s' } as const;

/** A longer line is cut: it would have to be scrolled. */
const LONGEST_LINE = 118;

/** At the beginning of a line only, so that a page can show how it is written. */
const QUOTATION = /^(<!-- output of: (.+?)(?:; lines ([\d, -]+))? -->)$[^]*?^(<!-- end -->)$/gm;

/** How people write the command in a checkout, with a package that is installed, and when it rehearses everything. */
const PROGRAM = /^(?:npm run packleader --|npx packleader|packleader)(?= |$)|^npm start(?: --)?(?= |$)/;

/** The arguments of a packleader command line as a shell would pass them; undefined for another program’s. */
export function packleaderArguments(commandLine: string): string[] | undefined {
  const program = PROGRAM.exec(commandLine)?.[0];
  if (program === undefined) return undefined;
  const words = commandLine.slice(program.length).match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  const args = words.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  return program.startsWith('npm start') ? ['rehearse', ...args] : args;
}

/** Replaces every quotation of a page by what its command prints now. */
export async function withQuotations(page: string): Promise<string> {
  const outputs = new Map<string, string>();
  for (const [, , command = ''] of page.matchAll(QUOTATION)) outputs.set(command, await outputOf(command));
  return page.replaceAll(
    QUOTATION,
    (_all, start: string, command: string, lines: string | undefined, end: string) => {
      const output = chosenLines(outputs.get(command) ?? '', lines);
      return `${start}\n\n\`\`\`text\n${output}\n\`\`\`\n\n${end}`;
    },
  );
}

/**
 * What a command prints, as a pipe would see it.
 *  @throws Error for a command that is not packleader’s, or that prints nothing
 */
export async function outputOf(command: string): Promise<string> {
  const args = packleaderArguments(command);
  if (args === undefined) throw new Error(`${command} is not a command of packleader.`);
  let written = '';
  const write = (text: string) => {
    written += text;
  };
  const output: Output = { print: write, complain: write, status: () => {}, paint: (_, text) => text };
  // Where there is a Packer it would look at the templates first.
  const quick = args[0] === 'rehearse' ? [...args, '--no-validate'] : args;
  await inRepository(async () => main(quick, output));
  if (written === '') throw new Error(`${command} prints nothing.`);
  return normalised(written).trimEnd();
}

/** Whoever reads the page starts the command in a checkout, wherever npm was started from now. */
async function inRepository(run: () => Promise<unknown>): Promise<void> {
  const { INIT_CWD: startedIn } = process.env;
  const directory = process.cwd();
  delete process.env['INIT_CWD'];
  process.chdir(ROOT);
  mock.timers.enable({ apis: ['Date'], now: STARTED_AT });
  try {
    await run();
  } finally {
    mock.timers.reset();
    process.chdir(directory);
    if (startedIn !== undefined) process.env['INIT_CWD'] = startedIn;
  }
}

function normalised(output: string): string {
  const [line, commit] = FACTORY.exec(output) ?? [];
  const named = line === undefined ? output : output.replace(line, line.replace(/ \(.*\)$/, ''));
  const known = commit === undefined ? named : named.replaceAll(commit, SHOWN.commit);
  return known
    .replaceAll(/^not checked: .*\n/gm, '')
    .replace(/(?<= rehearsed in )[\d.]+ s(?=:)/, SHOWN.seconds);
}

/** What a command says of the factory it takes, with a note when something is not committed. */
const FACTORY = /^the factory in .* at ([0-9a-f]{7}).*$/m;

/** `1-4, 9` of them, with a line of dots for what is left out between. */
function chosenLines(output: string, chosen = ''): string {
  const lines = output.split('\n').map((line) => cut(line));
  if (chosen === '') return lines.join('\n');
  let next = 1;
  const shown: string[] = [];
  for (const range of chosen.split(',')) {
    const [from = 0, to = from] = range.split('-').map(Number);
    if (!(from >= next && to >= from && to <= lines.length))
      throw new Error(`The lines ${range.trim()} are not among the ${lines.length} that are printed.`);
    if (from > next && shown.length > 0) shown.push('  …');
    shown.push(...lines.slice(from - 1, to));
    next = to + 1;
  }
  return shown.join('\n');
}

const cut = (line: string): string =>
  line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE - 1)}…`;
