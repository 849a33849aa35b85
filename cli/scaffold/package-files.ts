/** What the package itself brings: the templates it ships, the schemas that editors check by. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import * as z from 'zod';
import type { NewFile } from './changes.ts';
import { TEMPLATE_NOTE, noteFor } from './template-note.ts';

const manifestSchema = z.object({ name: z.string().optional() });

/** The directory of the package, wherever below it this file lies once it is compiled. */
export const PACKAGE_ROOT = packageAbove(import.meta.dirname);

/** Where it is installed: what is compiled is in a directory of it, the schemas are not. */
export const INSTALLED = existsSync(join(PACKAGE_ROOT, 'schemas')) ? PACKAGE_ROOT : dirname(PACKAGE_ROOT);

function packageAbove(directory: string): string {
  if (manifestOf(directory).name === 'packleader') return directory;
  const above = dirname(directory);
  if (above === directory) throw new Error('the package.json of packleader is nowhere above this file');
  return packageAbove(above);
}

function manifestOf(directory: string): z.infer<typeof manifestSchema> {
  const file = join(directory, 'package.json');
  return existsSync(file) ? manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
}

/** Every file below a directory of the package, for the same place below another one. */
function copied(from: string, to: string): NewFile[] {
  const root = join(PACKAGE_ROOT, from);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => ({
      path: posix.join(to, relative(root, file).split(sep).join('/')),
      content: readFileSync(file),
      executable: (statSync(file).mode & 0o100) !== 0,
    }));
}

export type Platform = 'linux' | 'windows';

/** The package's template of a platform, with what it reads beside it, for a factory that has none; and where it is from. */
export function templateFiles(platform: Platform): NewFile[] {
  const place = `templates/${platform}`;
  const files = packageTemplate(platform, place);
  return [...files, { path: `${place}/${TEMPLATE_NOTE}`, content: noteFor(platform, place, files) }];
}

/** A template of the package, for a place in a factory. The Linux one uploads what lies beside the templates. */
export const packageTemplate = (platform: Platform, place: string): NewFile[] => [
  ...copied(`packer/templates/${platform}`, place),
  ...(platform === 'linux' ? copied('packer/schemas', 'schemas') : []),
];

export const isPlatform = (name: string): name is Platform => name === 'linux' || name === 'windows';

export type SchemaName = 'factory' | 'image' | 'layer' | 'config';

/** The first line of a YAML file, by which editors find its schema; `file` is a path from the root of the project. */
export function schemaComment(
  projectRoot: string,
  file: string,
  schema: SchemaName,
  packageRoot = INSTALLED,
): string {
  const target = posix.join(packageFrom(projectRoot, packageRoot), 'schemas', `${schema}.json`);
  return `# yaml-language-server: $schema=${posix.relative(posix.dirname(file), target)}\n`;
}

/** npm may have installed the package above the project, where several share their packages. */
function packageFrom(projectRoot: string, packageRoot: string): string {
  if (projectRoot === packageRoot) return '.';
  const modules = dirname(packageRoot);
  const above = relative(dirname(modules), projectRoot);
  const isAbove = modules.endsWith(`${sep}node_modules`) && above !== '' && !above.startsWith('..');
  return isAbove ? relative(projectRoot, packageRoot).split(sep).join('/') : 'node_modules/packleader';
}
