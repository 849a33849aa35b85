import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { main } from '../../cli/main.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import type { Output } from '../../cli/terminal/output.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

/** What a person types into a shell, with `packleader` standing for the program; the last line printed is its exit code. */
function shell(script: string, cwd = ROOT): SpawnSyncReturns<string> {
  const program = `packleader() { "${process.execPath}" "${join(ROOT, 'cli', 'packleader.ts')}" "$@"; }`;
  return spawnSync('bash', ['-c', `${program}; ${script}`], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
}

describe('the program', () => {
  test('ends quietly with its own exit code when its reader goes away, as `| head` and `| grep -q` do', () => {
    const { stdout, stderr } = shell(
      'packleader config explain linux-base --stage dev | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"; packleader rehearse linux-base --no-validate --fail "Bake dev AMIs" | grep -q linux; echo "${PIPESTATUS[0]}"',
    );
    expect(stderr).toBe('');
    expect(stdout).toBe('0\n1\n');
  });

  test('fails with one sentence when what it prints cannot be written, as on a full disk', () => {
    const { stdout, stderr } = shell(
      'packleader config show linux-base --stage dev >/dev/full; echo "$?"; packleader config show linux-base --stage dev --json >/dev/full; echo "$?"',
    );
    const sentence = 'packleader: its output could not be written: ENOSPC: no space left on device, write\n';
    expect(stderr).toBe(sentence + sentence);
    expect(stdout).toBe(`${EXIT.notWritten}\n${EXIT.notWritten}\n`);
  });

  test('fails with one sentence when a file of the factory is a directory', () => {
    const factory = mkdtempSync(join(tmpdir(), 'packleader-program-'));
    made.push(factory);
    mkdirSync(join(factory, 'factory.yaml'));
    const { status, stderr } = shell('packleader rehearse --factory .', factory);
    expect(stderr).toMatch(/^refused; nothing was done\n {2}.*factory\.yaml.*\n$/);
    expect(status).toBe(EXIT.refused);
  });

  test('fails with one sentence when a directory of the factory is a file', () => {
    const factory = mkdtempSync(join(tmpdir(), 'packleader-program-'));
    made.push(factory);
    writeFileSync(join(factory, 'images'), '');
    const { status, stderr } = shell('packleader rehearse --factory images', factory);
    expect(stderr).toMatch(/^refused; nothing was done\n {2}[^\n]*images[^\n]*\n$/);
    expect(status).toBe(EXIT.refused);
  });
});

describe('a fault of the program itself', () => {
  /** An output that breaks, as only a mistake in this program could. */
  const broken = (texts: { out: string; err: string }): Output => ({
    print: (text) => {
      if (!text.startsWith('{')) throw new TypeError('a mistake');
      texts.out += text;
    },
    complain: (text) => {
      texts.err += text;
    },
    status: () => undefined,
    paint: (_, text) => text,
  });

  test('ends with an exit code that means nothing else, and with the trace that mends it', async () => {
    const texts = { out: '', err: '' };
    const exit = await main(
      ['config', 'show', 'linux-base', '--stage', 'dev', '--factory', ROOT],
      broken(texts),
    );
    expect(exit).toBe(EXIT.fault);
    expect(texts.err).toMatch(
      /^packleader \d+\.\d+\.\d+ met a fault of its own; .*\nTypeError: a mistake\n {4}at /,
    );
    expect([0, 1, 2, 3, 4]).not.toContain(exit);
  });
});

test('no exit code means two things', () => {
  const codes = Object.values<number>(EXIT);
  expect(new Set(codes).size).toBe(codes.length);
});
