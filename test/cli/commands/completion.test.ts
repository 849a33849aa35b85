import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addCompletion } from '../../../cli/commands/completion/command.ts';
import { completionScript } from '../../../cli/commands/completion/run.ts';
import { SHELLS } from '../../../cli/commands/completion/shells.ts';
import { writeFiles, temporaryDirectory } from '../../fixtures/directories.ts';
import { run, written } from '../output.ts';

async function scriptFor(shell: string) {
  const { exit, out, err } = await run('completion', shell);
  expect({ exit, err }).toEqual({ exit: 0, err: '' });
  return out;
}

/** What `packleader --help` and the help of each command list. */
async function commandsInHelp(path: readonly string[] = []): Promise<string[]> {
  const { out } = await run(...path, '--help');
  const [, listed = ''] = /\nCommands:\n([^]*?)(\n\n|$)/.exec(out) ?? [];
  const names = [...listed.matchAll(/^ {2}([a-z]+)\b/gm)].flatMap(([, name = '']) =>
    name === 'help' ? [] : name,
  );
  const below = await Promise.all(names.map((name) => commandsInHelp([...path, name])));
  return [...names.map((name) => [...path, name].join(' ')), ...below.flat()];
}

/** A directory with a factory of two images. */
function factory(): string {
  const directory = temporaryDirectory();
  writeFiles(directory, {
    'packer/images/linux-base/image.yaml': '',
    'packer/images/linux-web/image.yaml': '',
  });
  return directory;
}

const LINES: readonly [string, readonly string[]][] = [
  ['packleader rehe', ['rehearse']],
  ['packleader config ', ['show', 'explain']],
  ['packleader new ', ['image']],
  ['packleader new image web --from ', ['al2023', 'ubuntu-24.04', 'windows-2025']],
  ['packleader new image web --on linux-', ['linux-base', 'linux-web']],
  ['packleader rehearse linux-', ['linux-base', 'linux-web']],
  ['packleader rehearse linux-base --fa', ['--factory', '--fail']],
  ['packleader init --ci git', ['github', 'gitlab']],
  ['packleader init --ci github --repo', ['--repository']],
  ['packleader completion ', ['bash', 'zsh', 'fish']],
  ['packleader validate --factory pac', ['packer']],
];

describe('packleader completion', () => {
  it.each(LINES)('completes in bash: %s', async (line, expected) => {
    const script = `${await scriptFor('bash')}
COMP_WORDS=(${line}${line.endsWith(' ') ? "''" : ''}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _packleader; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-euc', script], {
      cwd: factory(),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const offered = stdout.trim().split('\n');
    expect(offered.filter((word) => !line.endsWith(' ') || !word.startsWith('--')).toSorted()).toEqual(
      expected.toSorted(),
    );
  });

  it.skipIf(spawnSync('fish', ['--version']).error !== undefined).each(LINES)(
    'completes in fish: %s',
    async (line, expected) => {
      const script = `${await scriptFor('fish')}\ncomplete -C '${line}'`;
      const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], {
        cwd: factory(),
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      const offered = stdout
        .trim()
        .split('\n')
        .map((one) => one.replace(/\/?(\t.*)?$/, ''));
      expect(offered.toSorted()).toEqual(expected.toSorted());
    },
  );

  it.skipIf(spawnSync('zsh', ['--version']).error !== undefined)(
    'is a script that zsh can read',
    async () => {
      const { status, stderr } = spawnSync('zsh', ['-n'], {
        input: await scriptFor('zsh'),
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('knows every command that the help lists, in every shell', async () => {
    const commands = await commandsInHelp();
    expect(commands).toEqual(expect.arrayContaining(['init', 'new image', 'config show', 'completion']));
    const [bash, zsh, fish] = await Promise.all(SHELLS.map(scriptFor));
    for (const command of commands) {
      const words = command.split(' ');
      expect(bash).toContain(`'${command}') command='${command}' ;;`);
      expect(zsh).toContain(`_packleader_${words.join('_')}() {`);
      expect(fish).toContain(`-a '${words.at(-1)}' -d `);
    }
  });

  it('offers every option in every shell, whatever is said of it', () => {
    const root = new Command('packleader');
    const description = String.raw`don't [do] it: \ever`;
    root
      .command('it')
      .description(description)
      .option('--flag', description)
      .option('--value <x>', 'a value');
    addCompletion(root, written().output);
    const [bash, zsh, fish] = SHELLS.map((shell) => completionScript(root, shell));
    expect(bash).toContain("'it') words='--flag --value --help' ;;");
    expect(zsh).toContain(String.raw`'--flag[don'\''t \[do\] it\: \\ever]'`);
    expect(zsh).toContain("'--value[a value]:value: '");
    expect(fish).toContain(String.raw`-l flag -d 'don\'t [do] it: \\ever'`);
    expect(fish).toContain("-l value -x -d 'a value'");
  });

  it('fails for a shell that it does not know', async () => {
    const { exit, err } = await run('completion', 'tcsh');
    expect(err).toContain('Allowed choices are bash, zsh, fish.');
    expect(exit).toBe(2);
  });
});
