import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where tools keep what they install, apart from each other. */
export const CACHE = process.env['PACKLEADER_CACHE'] ?? join(import.meta.dirname, '..', '.cache');

/**
 * A Python virtual environment with exactly what a requirements file pins; made anew when the file changes.
 *  @returns the directory of its programs
 */
export function pythonEnvironment(
  directory: string,
  requirements: string,
  beforeInstalling: () => void,
): string {
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const marker = join(directory, 'requirements.sha256');
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== wanted) {
    beforeInstalling();
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(dirname(directory), { recursive: true });
    execFileSync('python3', ['-m', 'venv', directory], { stdio: 'pipe' });
    const pip = [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--requirement',
      requirements,
    ];
    execFileSync(join(directory, 'bin', 'pip'), pip, { stdio: 'pipe' });
    writeFileSync(marker, wanted);
  }
  return join(directory, 'bin');
}
