import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { countRelease } from '../../bench/counts.ts';
import { withFactory } from '../../bench/factories.ts';
import { main } from '../../cli/main.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import type { Output } from '../../cli/terminal/output.ts';
import { outputOf, packleaderArguments, withQuotations } from '../../docs/quoted.ts';
import { temporaryDirectory } from '../fixtures/directories.ts';
import { type Block, blocksOf, pages, spansOf } from './markdown.ts';

const root = new URL('../../', import.meta.url);
const OWN = new URL('packer', root).pathname;
const all = pages();
const blocks = [...all].flatMap(([page, text]) => blocksOf(page, text));
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')));

async function run(...args: string[]) {
  const written = { out: '', err: '' };
  const output: Output = {
    print: (text) => (written.out += text),
    complain: (text) => (written.err += text),
    status: () => undefined,
    paint: (_, text) => text,
  };
  const exit = await main(args, output);
  return { exit, ...written };
}

// ---------------------------------------------------------------------------------------------- commands

/** What a command takes, as its help tells it. */
interface Taken {
  /** With whether a value follows. */
  readonly options: ReadonlyMap<string, boolean>;
  readonly least: number;
  readonly most: number;
}

const commands = new Map<string, Taken>();
beforeAll(async () => {
  const learn = async (name: readonly string[]): Promise<void> => {
    const { out } = await run(...name, '--help');
    const usage = /^Usage: packleader(.*)$/m.exec(out)?.[1]?.replaceAll(/\[(options|command)\]/g, '') ?? '';
    const inner = /^Commands:\n([^]*)/m.exec(out)?.[1] ?? '';
    const options = [...out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)( <)?/gm)];
    commands.set(name.join(' '), {
      options: new Map(options.map(([, option = '', value]) => [option, value !== undefined])),
      least: usage.match(/<[a-z]+>/g)?.length ?? 0,
      most: usage.includes('...') ? Infinity : (usage.match(/[<[][a-z]+[>\]]/g)?.length ?? 0),
    });
    for (const [, one = ''] of inner.matchAll(/^ {2}([a-z]+)/gm))
      if (one !== 'help') await learn([...name, one]);
  };
  await learn([]);
});

/** What is wrong with the arguments of a packleader command; undefined when nothing is. A sentence may leave arguments out. */
function wrongWith(args: readonly string[], { whole = true } = {}): string | undefined {
  const named = [args.slice(0, 2), args.slice(0, 1), []].find((words) => commands.has(words.join(' '))) ?? [];
  const name = named.join(' ');
  const taken = commands.get(name);
  const rest = args.slice(named.length);
  if (taken === undefined || (name === '' && rest[0]?.startsWith('-') !== true))
    return `there is no command ${rest[0]}`;
  let given = 0;
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? '';
    if (!word.startsWith('-')) given += 1;
    else if (!taken.options.has(word)) return `packleader ${name} has no option ${word}`;
    else if (taken.options.get(word) === true) index += 1;
  }
  if (whole && (given < taken.least || given > taken.most))
    return `packleader ${name} has ${given} arguments, must be ${taken.least} to ${taken.most}`;
  return undefined;
}

/** Command lines of a block: without prompts, and without the words that say what each is for. */
function commandLines(text: string): string[] {
  const lines = text.replaceAll(/\s*\\\n\s*/g, ' ').split('\n');
  return lines
    .map((line) => line.trim().replace(/ {2,}\S.*$| +# .*$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Programs that a person starts; a line that begins otherwise is something that is printed. */
const PROGRAM = /^(aws|cp|git|node|npm|npx|packleader)( |$)/;

const named = ({ page, line }: Block) => `${page}:${line}`;

describe('a command of packleader in the documentation', () => {
  const inBlocks = blocks
    .filter(({ generated }) => !generated)
    .flatMap((block) =>
      commandLines(block.text).flatMap((line) => ({ where: named(block), line, whole: true })),
    );
  const inProse = [...all].flatMap(([page, text]) =>
    spansOf(text).map((line) => ({ where: page, line, whole: false })),
  );

  test('exists, with every option that it is given', () => {
    const found = [...inBlocks, ...inProse]
      .flatMap(({ line, ...rest }) => line.split(/ && | \| /).map((one) => ({ ...rest, line: one })))
      .map((one) => ({ ...one, args: packleaderArguments(one.line) }))
      .filter(({ args }) => args !== undefined && args.length > 0);
    expect(found.length).toBeGreaterThan(50);
    const wrong = found.map(({ where, line, args = [], whole }) => ({
      where,
      line,
      why: wrongWith(args, { whole }),
    }));
    expect(wrong.filter(({ why }) => why !== undefined)).toEqual([]);
  });

  test('never stands in a block with what it prints, unless npm run docs writes that', () => {
    const typed = blocks.filter(({ generated, text }) => {
      if (generated) return false;
      const lines = commandLines(text);
      const quotes = lines.some((line) => packleaderArguments(line) !== undefined);
      return quotes && lines.some((line) => !PROGRAM.test(line));
    });
    expect(typed.map(named)).toEqual([]);
  });

  test('is not found by its output in a block that nobody marked', () => {
    const printed =
      /^ *(ok|FAIL|undo) {2,}\w|AWS calls?, [\d,]+ state transition|^the factory in |nothing was done$/m;
    expect(blocks.filter(({ generated, text }) => !generated && printed.test(text)).map(named)).toEqual([]);
    expect(blocks.filter(({ generated, text }) => generated && printed.test(text))).not.toHaveLength(0);
  });

  test('would be noticed when it is wrong', () => {
    expect(wrongWith(['rehearse', 'linux-base', '--fial', 'x'])).toBe(
      'packleader rehearse has no option --fial',
    );
    expect(wrongWith(['config', 'show', 'x', '--fail', 'y'])).toBe(
      'packleader config show has no option --fail',
    );
    expect(wrongWith(['watch'])).toBe('packleader watch has 0 arguments, must be 1 to 1');
    expect(wrongWith(['status', '--limit', '50', 'x'])).toBeUndefined();
    expect(wrongWith(['rehaerse'])).toBe('there is no command rehaerse');
  });
});

test('every script of npm that is mentioned exists, and knows the options it is given', () => {
  const lines = [...all].flatMap(([page, text]) =>
    [...text.matchAll(/npm run ([\w:-]+)( -- [^`\n]*)?/g)].map(([, script = '', rest = '']) => ({
      page,
      script,
      rest,
    })),
  );
  expect(new Set(lines.map(({ script }) => script)).size).toBeGreaterThan(15);
  for (const { page, script, rest } of lines) {
    expect(Object.keys(scripts), `${page} says npm run ${script}`).toContain(script);
    if (script === 'packleader') continue;
    const file = /node (\S+\.ts)/.exec(scripts[script] ?? '')?.[1];
    const source = file === undefined ? '' : readFileSync(new URL(file, root), 'utf8');
    for (const [, option = ''] of rest.split('  ')[0]?.matchAll(/--([a-z-]+)/g) ?? [])
      expect(source, `${page} says npm run ${script} -- --${option}`).toMatch(new RegExp(`\\b${option}\\b`));
  }
});

test('every option that a sentence speaks of exists', () => {
  const known = new Set([...commands.values()].flatMap(({ options }) => [...options.keys()]));
  /** Of other programs, and the one that is said not to exist. */
  const others = ['--profile', '--context', '--syntax-check'];
  const spans = [...all].flatMap(([page, text]) => spansOf(text).map((span) => ({ page, span })));
  const options = spans.flatMap(({ page, span }) => {
    const option = /^(--[a-z][a-z-]*)/.exec(span)?.[1];
    return option === undefined ? [] : [{ page, option }];
  });
  expect(options.length).toBeGreaterThan(10);
  const unknown = options.filter(({ option }) => !known.has(option) && !others.includes(option));
  expect(
    unknown.filter(({ page, option }) => !(page === 'docs/runbook.md' && option === '--filters')),
  ).toEqual([]);
});

// ---------------------------------------------------------------------------------------------- quotations

describe('a quotation', () => {
  const marked = (lines: string, block = '') =>
    `<!-- output of: packleader --version${lines} -->${block}\n<!-- end -->\n`;

  test('is what the command prints, whatever stood there', async () => {
    const version = (await run('--version')).out.trim();
    expect(await withQuotations(marked('', '\n\nold\n'))).toBe(
      marked('', `\n\n\`\`\`text\n${version}\n\`\`\`\n`),
    );
  });

  test('shows the chosen lines, and dots for what is between them', async () => {
    const whole = (await outputOf('packleader --help')).split('\n');
    const page = '<!-- output of: packleader --help; lines 1, 3-4 -->\n<!-- end -->';
    expect(await withQuotations(page)).toContain(
      `\`\`\`text\n${whole[0]}\n  …\n${whole[2]}\n${whole[3]}\n\`\`\``,
    );
  });

  test('fails for lines that are not printed, and for another program', async () => {
    await expect(withQuotations(marked('; lines 7-9'))).rejects.toThrow('The lines 7-9 are not among the 1');
    await expect(outputOf('aws s3 ls')).rejects.toThrow('is not a command of packleader');
  });

  test('is the same each time: only the commit and the seconds vary, and are replaced', async () => {
    const twice = [
      await outputOf('packleader rehearse linux-base'),
      await outputOf('packleader rehearse linux-base'),
    ];
    expect(twice[0]).toBe(twice[1]);
    expect(twice[0]).toMatch(/^the factory in packer at 4f2c1d9\nlinux-base into /);
  });
});

// ---------------------------------------------------------------------------------------------- tables

const page = (path: string) => all.get(path) ?? '';

test('the exit codes of a rehearsal, a release and the doctor are those that the program has', () => {
  const rows = (path: string) =>
    [...page(path).matchAll(/^\| (\d+) +\| (\S+(?: incomplete)?)/gm)].map(
      ([, code, word]) => `${code} ${word}`,
    );
  const { released, rolledBack, refused, rollbackIncomplete, unknown } = EXIT;
  const ofRehearsals = [
    `${released} released`,
    `${rolledBack} rolled`,
    `${refused} refused:`,
    `${rollbackIncomplete} rollback incomplete`,
  ];
  expect(rows('docs/rehearsing.md')).toEqual(ofRehearsals);
  expect(rows('docs/releasing.md')).toEqual([...ofRehearsals, `${unknown} unknown:`]);
  expect(page('docs/rehearsing.md')).toContain(`${EXIT.fault} and ${EXIT.notWritten} are faults`);
  expect(page('docs/releasing.md')).toContain(`every check was made and is ok; ${EXIT.unwell} when`);
});

test('the kinds of --fail are those that it takes', async () => {
  const { err } = await run('rehearse', 'linux-base', '--factory', OWN, '--fail', 'Bake prod AMIs=nonsense');
  const kinds = /must be one of (.*)$/m.exec(err)?.[1]?.split(', ');
  const rows = [...page('docs/rehearsing.md').matchAll(/^\| `([a-z]+)` /gm)].map(([, kind]) => kind);
  // Of a test alone, and the factory here tests nothing.
  expect(rows.filter((kind) => kind !== 'silent')).toEqual(kinds);
});

test('the document of --json has the keys that the page shows, and no others', async () => {
  const incomplete = await run(
    'rehearse',
    'linux-base',
    '--factory',
    OWN,
    '--json',
    '--fail',
    'Bake prod AMIs',
    '--fail',
    'Deregister dev AMIs',
    '--fail',
    'Publish release@222222222222/eu-west-1',
  );
  const refused = await run('rehearse', 'nonsense', '--factory', OWN, '--json');
  const scheduled = join(temporaryDirectory(), 'factory');
  cpSync(OWN, scheduled, { recursive: true });
  writeFileSync(join(scheduled, 'images/linux-base/image.yaml'), '\nschedule: { rate: 7 days }\n', {
    flag: 'a',
  });
  const pushed = await run('rehearse', '--factory', OWN, '--json', '--changed', 'HEAD');
  const rebuilt = await run('rehearse', '--factory', scheduled, '--json', '--schedule');
  const fails = ['--fail', 'Bake prod AMIs', '--retry'];
  const retried = await run('rehearse', 'linux-base', '--factory', OWN, '--json', ...fails);
  const printed = new Set<string>();
  const collect = (value: unknown, under: string): void => {
    if (Array.isArray(value)) for (const item of value) collect(item, under);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) {
        const isName = ['tags', 'parameters', 'world'].includes(under);
        if (!isName) printed.add(key);
        collect(inner, isName ? '' : key);
      }
  };
  for (const { out } of [incomplete, refused, pushed, rebuilt, retried]) collect(JSON.parse(out), '');
  const text = page('docs/rehearsing.md');
  const shape = blocksOf('', text).find((block) => block.text.includes('{ outcome: "released"'))?.text ?? '';
  const shown =
    shape
      .replaceAll(/"[^"]*"|<[^>]*>| {2,}(?:only when|only with|the last three) .*|\[the states [^\]]*\]/g, '')
      .match(/[a-zA-Z]+/g) ?? [];
  const ofRefusals = ['errors', 'file', 'line', 'path', 'message'];
  expect(text).toContain(`{ outcome: "refused", ${ofRefusals[0]}: [{ ${ofRefusals.slice(1).join(', ')} }] }`);
  expect(printed).toEqual(new Set([...shown, ...ofRefusals].filter((word) => word !== 'null')));
});

describe('a line of the table of calls and transitions', () => {
  test.each([
    { targets: 2, stages: 2 },
    { targets: 10, stages: 2 },
    { targets: 100, stages: 4 },
  ])('is what a release into $targets targets costs', async ({ targets, stages }) => {
    const { transitions, ownCalls, packerCalls } = await withFactory({ targets, stages }, countRelease);
    const line = new RegExp(`^\\| ${targets} targets in ${stages} stages .*$`, 'm').exec(
      page('docs/measured.md'),
    )?.[0];
    const counted = line
      ?.split('|')
      .slice(2, 5)
      .map((cell) => cell.trim().replace(/ \(.*$/, ''));
    expect(counted).toEqual([transitions, ownCalls, packerCalls].map((one) => one.toLocaleString('en')));
    const cost = new RegExp(`^\\| ${targets} in ${stages} stages +\\| (\\d+):`, 'm').exec(
      page('docs/deploying.md'),
    );
    expect(cost?.[1]).toBe(String(transitions));
  });
});

// ---------------------------------------------------------------------------------------------- the first steps

describe('the first steps', () => {
  let directory: string | undefined;
  afterEach(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
    directory = undefined;
  });

  const yamlOf = (path: string) =>
    [...page(path).matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);

  test('to an image and a stage of one’s own work as they are written', async () => {
    directory = mkdtempSync(join(tmpdir(), 'packleader-'));
    cpSync(new URL('packer', root).pathname, directory, { recursive: true });
    cpSync(join(directory, 'images/linux-base'), join(directory, 'images/linux-api'), { recursive: true });
    const [stages = '', staging = ''] = yamlOf('docs/configuration.md');
    const factory = z.looseObject({}).parse(parse(readFileSync(join(directory, 'factory.yaml'), 'utf8')));
    const added = z.looseObject({}).parse(parse(stages));
    writeFileSync(join(directory, 'factory.yaml'), stringify({ ...factory, ...added }));
    writeFileSync(join(directory, 'config/staging.yaml'), staging);
    const { exit, out } = await run('rehearse', 'linux-api', '--factory', directory, '--no-validate');
    expect([exit, out]).toEqual([EXIT.released, expect.stringContaining('Check staging AMIs')]);
    const shown = await run('config', 'show', 'linux-api', '--stage', 'staging', '--factory', directory);
    expect(shown.out).toContain('vpc-0c0d0e00000000003');
  });

  test('in one account are all that its ten minutes take', async () => {
    directory = mkdtempSync(join(tmpdir(), 'packleader-'));
    const factory = join(directory, 'packer');
    cpSync(OWN, factory, { recursive: true });
    const [account = ''] = yamlOf('docs/deploying.md');
    const steps = page('docs/deploying.md').split('## In ten minutes')[1]?.split('\n## ')[0] ?? '';
    const written = z.looseObject({}).parse(parse(readFileSync(join(factory, 'factory.yaml'), 'utf8')));
    writeFileSync(
      join(factory, 'factory.yaml'),
      stringify({ ...written, ...z.looseObject({}).parse(parse(account)) }),
    );
    for (const [, deleted = ''] of steps.matchAll(/`packer\/(config\/[a-z]+\.yaml)`/g))
      rmSync(join(factory, deleted));
    const [, image = ''] = /rehearse ([a-z-]+)`/.exec(steps) ?? [];
    // A process of its own: the hub is another account here, and clients keep the credentials of the first one.
    const rehearse = ['cli/packleader.ts', 'rehearse', image, '--factory', factory, '--no-validate'];
    const out = execFileSync(process.execPath, rehearse, { cwd: root.pathname, encoding: 'utf8' });
    expect(out).toContain('released in both targets');
    const synthesised = join(directory, 'cdk.out');
    execFileSync(process.execPath, ['workflow/app.ts'], {
      cwd: root.pathname,
      env: {
        ...process.env,
        CDK_OUTDIR: synthesised,
        CDK_CONTEXT_JSON: JSON.stringify({
          factory,
          'packleader:packer': { version: '1.14.2', sha256: 'a'.repeat(64) },
          'aws:cdk:bundling-stacks': [],
        }),
      },
    });
    const stacks = [...steps.matchAll(/`(packleader-(?:hub|target-\d+))`/g)].map(([, name]) => name);
    const templates = readdirSync(synthesised).filter((name) => name.endsWith('.template.json'));
    expect(templates.sort()).toEqual(stacks.map((name) => `${name}.template.json`).sort());
  });
});
