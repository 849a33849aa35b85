import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InvalidConfiguration, type Problem } from '../../../core/configuration/documents/problems.ts';
import { LONGEST_TEST_MINUTES, MOST_TEST_BYTES } from '../../../core/contract/limits.ts';
import { imageTestProblems } from '../../../core/tests/check.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { checkFactory } from '../../../core/configuration/check.ts';
import { failingLines, summaryOf, testScript } from '../../../core/tests/script.ts';
import { testFiles } from '../../../core/tests/test-files.ts';
import { filesOf, STAGES } from '../../fixtures/factories.ts';

const encoder = new TextEncoder();
const asFiles = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([name, text]) => [name, encoder.encode(text)]));

const LINUX = { name: 'base', platform: 'linux' as const };

const PASSES = `test_shell_works() {
  true
}
`;

const inWords = (one: Problem): string => new InvalidConfiguration([one]).message;

/** What `validate` says of a factory with this setting and these tests. */
function problemsOf(settings: string, tests: Readonly<Record<string, string>>): string[] {
  const files = filesOf({ stages: STAGES, settings });
  const wrong = checkFactory(files);
  if (wrong.length > 0) return wrong.map(inWords);
  return imageTestProblems(asFiles(tests), loadConfiguration(files), ['base']).map(inWords);
}

describe('the tests of an image', () => {
  test('are its own and its template’s, and its own file wins', () => {
    const files = asFiles({
      'templates/linux/tests/boot.sh': 'test_template() {\n}\n',
      'templates/linux/tests/disk.sh': 'test_disk() {\n}\n',
      'images/base/tests/boot.sh': 'helper() {\n}\ntest_one() {\n}\ntest_two() {\n}\n',
      'images/base/tests/data/fixture.sh': 'test_not_this() {\n}\n',
    });
    const found = testFiles(files, { ...LINUX, template: 'linux' });
    expect(found.map(({ path, tests }) => [path, tests])).toEqual([
      ['images/base/tests/boot.sh', ['test_one', 'test_two']],
      ['templates/linux/tests/disk.sh', ['test_disk']],
    ]);
  });

  test('of Windows are functions of PowerShell', () => {
    const files = asFiles({
      'images/web/tests/site.ps1':
        'function Test-Site {\n}\nfunction Get-It {\n}\nfunction Test-Pool() {\n}\n',
      'images/web/tests/site.sh': PASSES,
    });
    const found = testFiles(files, { name: 'web', platform: 'windows' });
    expect(found.map(({ tests }) => tests)).toEqual([['Test-Site', 'Test-Pool']]);
  });

  test.each([
    ['is sound', 'test: {}', { 'images/base/tests/boot.sh': PASSES }, []],
    ['is not asked for, and there is none', '', {}, []],
    [
      'fails with a directory without a test',
      'test: {}',
      { 'images/base/tests/README': 'nothing' },
      [
        'images/base/tests: found no test in it, must hold a file *.sh with at least one function like `test_nginx_answers() {`',
      ],
    ],
    [
      'fails with a file without a test',
      'test: {}',
      { 'images/base/tests/boot.sh': 'helper() {\n}\n' },
      [
        'images/base/tests/boot.sh: found no test in it, must hold a file *.sh with at least one function like `test_nginx_answers() {`',
      ],
    ],
    [
      'fails when it is asked for, and there is none',
      'test: {}',
      {},
      [
        'images/base/tests: found no test in it, must hold a file *.sh with at least one function like `test_nginx_answers() {`: a layer has test for base',
      ],
    ],
    [
      'fails when there are tests that nothing runs',
      '',
      { 'images/base/tests/boot.sh': PASSES },
      [
        'images/base/tests: found tests that nothing runs, must be asked for: write test: {} into images/base/config/default.yaml',
      ],
    ],
    [
      'fails with more than goes into a command',
      'test: {}',
      { 'images/base/tests/boot.sh': PASSES + '#'.repeat(MOST_TEST_BYTES) },
      [
        `images/base/tests: found ${MOST_TEST_BYTES + PASSES.length} bytes of tests, must be at most ${MOST_TEST_BYTES}: they go to the instance within one command`,
      ],
    ],
    [
      'fails with a name that a shell takes for more',
      'test: {}',
      { "images/base/tests/it's.sh": PASSES },
      [
        "images/base/tests/it's.sh: found a name of other characters, must be of letters, digits, dots and hyphens",
      ],
    ],
    [
      'fails when a port is asked for',
      'test: { ports: [80] }',
      {},
      [
        'config/default.yaml:6 test.ports: found a way in, must be left out: no port of an instance under test is open, so a test asks from inside, as by curl http://localhost',
      ],
    ],
    [
      'fails with another unknown key',
      'test: { timeoutMinute: 5 }',
      {},
      [expect.stringContaining('found an unknown key, the nearest is "timeoutMinutes"')],
    ],
    [
      'fails with a time of more than a year',
      'test: { timeoutMinutes: 600000 }',
      {},
      [
        `config/default.yaml:6 test.timeoutMinutes: found 600000, must be a whole number from 5 to ${LONGEST_TEST_MINUTES}`,
      ],
    ],
    [
      'fails with a time that no test needs',
      `test: { timeoutMinutes: ${LONGEST_TEST_MINUTES + 1} }`,
      {},
      [
        `config/default.yaml:6 test.timeoutMinutes: found ${LONGEST_TEST_MINUTES + 1}, must be a whole number from 5 to ${LONGEST_TEST_MINUTES}`,
      ],
    ],
  ])('%s', (_, settings, tests, expected) => {
    expect(problemsOf(settings, tests)).toEqual(expected);
  });
});

/** Runs the script as the agent does, on this machine. */
function run(tests: Readonly<Record<string, string>>) {
  const files = testFiles(
    asFiles(
      Object.fromEntries(Object.entries(tests).map(([name, text]) => [`images/base/tests/${name}`, text])),
    ),
    LINUX,
  );
  const script = testScript('linux', files, { image: 'base', version: '1.4.20261121093000' });
  const { status, stdout, stderr } = spawnSync('bash', ['-s'], {
    input: script.join('\n'),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the script of the tests', () => {
  test('passes when every test passes, and says how many there were', () => {
    const ended = run({
      'a.sh': PASSES,
      'b.sh': `helper() {
  test "$IMAGE@$VERSION" = base@1.4.20261121093000
}

test_image_is_told() {
  helper
}
`,
    });
    expect(ended).toEqual({
      status: 0,
      stdout: '2 tests, 0 failed\nok      test_shell_works\nok      test_image_is_told\n',
      stderr: 'waiting until it has booted\nrunning test_shell_works\nrunning test_image_is_told\n',
    });
    expect(summaryOf(ended.stdout)).toEqual({ ran: 2, failed: 0 });
  });

  test('fails with the lines of the tests that failed, which come first, and runs the others', () => {
    const ended = run({
      'a.sh': `${PASSES}
test_port_answers() {
  echo 'asking {{ssm:secret}}'
  false
  echo 'never said'
}
`,
      'b.sh': `test_variable_is_set() {
  echo "$NO_SUCH_VARIABLE"
}
`,
    });
    expect(ended.status).toBe(1);
    expect(failingLines(ended.stdout)).toEqual([
      'FAILED  test_port_answers',
      '        asking {{ssm:secret}}',
      'FAILED  test_variable_is_set',
      expect.stringContaining('NO_SUCH_VARIABLE: unbound variable'),
    ]);
    expect(ended.stdout).toMatch(/^3 tests, 2 failed\n/);
    expect(ended.stdout).toMatch(/ok {6}test_shell_works\n$/);
  });

  test('shows the end of what a test prints, so that what failed has room within 24,000 characters', () => {
    const ended = run({
      'a.sh': `test_prints_a_lot() {
  seq 1 100000
  false
}
`,
    });
    expect(ended.stdout.length).toBeLessThan(8_000);
    expect(ended.stdout).toContain('        100000\n');
  });

  test('leaves nothing behind', () => {
    const ended = run({
      'a.sh': `test_tells_where_it_is() {
  echo "\${BASH_SOURCE[0]}"
  false
}
`,
    });
    const file = /^ {8}(\/.*)$/m.exec(ended.stdout)?.[1] ?? '';
    expect(file).toMatch(/\/a\.sh$/);
    expect(existsSync(file)).toBe(false);
  });

  test('holds no {{, which Run Command takes for a parameter of the document', () => {
    for (const platform of ['linux', 'windows'] as const) {
      const file = { path: 'images/base/tests/a.sh', text: 'echo "{{ here }}"', tests: [] };
      const script = testScript(platform, [file], { image: 'base', version: '1.4.20261121093000' });
      expect(script.join('\n')).not.toContain('{{');
    }
  });

  test.runIf(hasShellCheck())('is what ShellCheck finds nothing in', () => {
    const script = testScript('linux', [], { image: 'base', version: '1.4.20261121093000' });
    const { stdout } = spawnSync('shellcheck', ['--shell=bash', '-'], {
      input: script.join('\n'),
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});

function hasShellCheck(): boolean {
  try {
    execFileSync('shellcheck', ['--version']);
    return true;
  } catch {
    return false;
  }
}
