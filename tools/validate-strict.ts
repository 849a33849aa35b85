/**
 * `packleader validate --strict` with every tool it knows: Packer as tools/packer.ts finds or builds it, ansible-core,
 * ansible-lint and ShellCheck from PyPI at the versions of static-checks/requirements.txt, in a virtual environment.
 *
 *     npm run validate:strict -- --json
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory, ensurePacker } from './packer.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** The `bin` of an environment with what the requirements say; another content is another environment. */
function ensureTools(): string {
  const requirements = join(import.meta.dirname, 'static-checks', 'requirements.txt');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const environment = join(cacheDirectory(), 'static-checks', digest);
  const complete = join(environment, 'complete');
  if (existsSync(complete)) return join(environment, 'bin');
  say('Installing ansible-core, ansible-lint and ShellCheck from PyPI, once.');
  rmSync(environment, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', environment], { stdio: 'inherit' });
  const pip = ['install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--no-deps'];
  execFileSync(join(environment, 'bin', 'pip'), [...pip, '-r', requirements], { stdio: 'inherit' });
  writeFileSync(complete, '');
  return join(environment, 'bin');
}

const startedAt = Date.now();
const bin = ensureTools();
await ensurePacker();
say(`The tools are ready after ${Math.round((Date.now() - startedAt) / 1000)} s.`);
const { status } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, '..', 'cli', 'packleader.ts'), 'validate', '--strict', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` } },
);
process.exitCode = status ?? 1;
