import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { statusCommand } from '../../../cli/commands/status/run.ts';
import { watchCommand } from '../../../cli/commands/watch/run.ts';
import { main } from '../../../cli/main.ts';
import { jsonText, programOutput } from '../../../cli/terminal/output.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { executionName } from '../../../core/releases/execution-name.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { factoryWith } from '../../core/configuration/example.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';
import { HUB_FLAG, openOperator } from '../operator.ts';

const EVIL = '\u001B]8;;http://x\u0007click here\u001B]8;;\u0007\u001B[2J\u009B31m \u202Eterces\u202C';
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const COLOUR = /\u001B\[(?:[12]|22|3[0-9])m/g;
const OBEYED = /(?![\n\t])[\p{Cc}\u200B-\u200F\u202A-\u202E\u2066-\u2069]/u;

let printed = '';
let complained = '';
beforeEach(() => {
  [printed, complained] = ['', ''];
  vi.stubEnv('FORCE_COLOR', '1');
  vi.stubEnv('NO_COLOR', undefined);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complained += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** All that was written, without packleader's own colours. */
const uncoloured = () => `${printed}${complained}`.replaceAll(COLOUR, '');

describe('what the program writes', () => {
  test('keeps its own colours, and no one else’s', () => {
    const { print, paint } = programOutput();
    print(`${paint('green', 'released')} because of ${paint('dim', `\u001B[31m${EVIL}`)}\u001B[32m`);
    expect(printed).toBe(
      '\u001B[32mreleased\u001B[39m because of \u001B[2mclick here \\u202eterces\\u202c\u001B[22m',
    );
  });

  test('has no colours where there are none', () => {
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('NO_COLOR', '1');
    const { print, paint } = programOutput();
    print(`${paint('green', 'released')}\u001B[32m\n`);
    expect(printed).toBe('released\n');
  });

  test('holds nothing else that a terminal obeys, whatever it is given', () => {
    const { print, complain, paint } = programOutput();
    const pieces = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(EVIL, '\u001B', '[31m', ']8;;')),
    );
    fc.assert(
      fc.property(pieces, (texts) => {
        [printed, complained] = ['', ''];
        const text = texts.join('');
        print(text);
        complain(paint('red', text));
        expect(printed).not.toMatch(OBEYED);
        expect(uncoloured()).not.toMatch(OBEYED);
      }),
    );
  });

  test('is with --json the same document, in which nothing is obeyed', () => {
    const document = { cause: EVIL, [EVIL]: ['\u0085', '\u200B'] };
    programOutput().print(jsonText(document));
    expect(printed).not.toMatch(OBEYED);
    expect(JSON.parse(printed)).toEqual(document);
  });
});

describe('a cause that would move the cursor, and shows a link and hides letters', () => {
  async function openStopped() {
    const { release, sandbox, operator } = await openOperator();
    await release({ key: 'run-1' });
    await sandbox.clock.sleep(5 * 60_000);
    const name = executionName({ image: 'base', version: VERSION });
    const executionArn = `arn:aws:states:${HUB.region}:${HUB.accountId}:execution:${NAMES.releaseImageMachine}:${name}`;
    await operator.client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: EVIL }));
    await sandbox.clock.sleep(5 * 60_000);
    return operator;
  }

  test.each(['watch', 'status'])('is told by %s as the text that it is', async (command) => {
    const operator = await openStopped();
    const flags = { json: false, hub: HUB_FLAG, limit: 1 };
    const run = command === 'watch' ? watchCommand : statusCommand;
    expect(await run('run-1', flags, programOutput(), operator)).toBe(3);
    expect(uncoloured()).toContain('click here \\u202eterces\\u202c');
    expect(uncoloured()).not.toContain('http://x');
    expect(uncoloured()).not.toMatch(OBEYED);
  });

  test('is a value like any other in the document of --json', async () => {
    const operator = await openStopped();
    const flags = { json: true, hub: HUB_FLAG, limit: 1 };
    expect(await statusCommand('run-1', flags, programOutput(), operator)).toBe(3);
    expect(printed).not.toMatch(OBEYED);
    expect(JSON.parse(printed)).toMatchObject({ releases: [{ error: { name: 'Cancelled', cause: EVIL } }] });
  });
});

test.each([
  ['a directory', { 'images/\u001B[2J\u202Ea/image.yaml': '{}\n' }, '\n  images/\\u202ea: found the name'],
  [
    'a key',
    { 'factory.yaml': '"\u009B2Jx\u202E": 1\n' },
    '\n  factory.yaml:1 ["x\\u202e"]: found an unknown key',
  ],
])('a factory that has such a name for %s is refused in plain text', async (_what, files, refusal) => {
  const factory = temporaryDirectory();
  writeFiles(factory, factoryWith(files));
  expect(await main(['rehearse', '--no-validate', '--factory', factory], programOutput())).toBe(2);
  expect(complained).toContain(refusal);
  expect(uncoloured()).not.toMatch(OBEYED);
});
