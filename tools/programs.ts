/** Finds programs on the PATH without running them. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Program {
  readonly command: string;
  /** Another one for another file: an upgrade changes it. */
  readonly identity: string;
}

/** The program that a shell would run, or undefined when the PATH has none of that name. */
export function findProgram(name: string): Program | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  for (const directory of directories) {
    const found = programAt(join(directory, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

export function programAt(command: string): Program | undefined {
  try {
    accessSync(command, constants.X_OK);
    const path = realpathSync(command);
    const { size, mtimeMs } = statSync(path);
    return { command, identity: `${path} ${size} ${mtimeMs}` };
  } catch {
    return undefined;
  }
}
