import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest directory that holds package.json: this one, or one above; undefined when none does. */
export function projectOf(directory: string): string | undefined {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const above = dirname(directory);
  return above === directory ? undefined : projectOf(above);
}
