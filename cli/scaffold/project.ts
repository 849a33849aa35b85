/** What stands around a factory in a team's repository: package.json, .gitignore, packleader.config. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { DEPLOYMENT_FILE } from '../../core/configuration/deployment-settings.ts';
import { InvalidConfiguration, problem } from '../../core/configuration/documents/problems.ts';
import type { AddedTo, Changes, NewFile } from './changes.ts';
import { PACKAGE_VERSION } from '../../core/contract/package-version.ts';
import { schemaComment } from './package-files.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  validate: 'packleader validate',
  rehearse: 'packleader rehearse',
  deploy: 'packleader deploy',
};

const IGNORED = ['node_modules/', 'cdk.out/', '.cache/'];

/** A file that is made, or to which is added what it lacks, or that is kept. */
type Completed = Partial<Changes>;

const MANIFEST = 'package.json';
const dependencies = z.record(z.string(), z.unknown()).optional();
const manifestSchema = z.looseObject({
  scripts: z.record(z.string(), z.unknown()).optional(),
  dependencies,
  devDependencies: dependencies,
});

/** Only keys that are missing are added; what a script of that name does stays what it does. */
export function manifest(root: string): Completed {
  const own = { packleader: `^${PACKAGE_VERSION}` };
  const text = textOf(root, MANIFEST);
  if (text === undefined)
    return created(MANIFEST, json({ private: true, scripts: SCRIPTS, devDependencies: own }, 2));
  const parsed = manifestSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    const message =
      'is no package.json that npm could read, must be one map with maps of scripts and dependencies';
    throw new InvalidConfiguration([problem(MANIFEST, 0, [], message)]);
  }
  const { scripts, devDependencies } = parsed.data;
  const missing = Object.keys(SCRIPTS).filter((name) => !Object.hasOwn(scripts ?? {}, name));
  const isDependency = [parsed.data.dependencies, devDependencies].some(
    (known) => known !== undefined && Object.hasOwn(known, 'packleader'),
  );
  if (missing.length === 0 && isDependency) return { kept: [MANIFEST] };
  const completed = {
    ...parsed.data,
    scripts: { ...Object.fromEntries(missing.map((name) => [name, SCRIPTS[name]])), ...scripts },
    ...(!isDependency && { devDependencies: { ...own, ...devDependencies } }),
  };
  const added = [
    ...(missing.length > 0 ? [`the scripts ${missing.join(', ')}`] : []),
    ...(isDependency ? [] : ['packleader as a development dependency']),
  ];
  return addedTo(MANIFEST, json(completed, indentOf(text)), added.join(', and '));
}

const json = (value: unknown, indent: string | number): string => `${JSON.stringify(value, null, indent)}\n`;

const indentOf = (text: string): string => /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const GITIGNORE = '.gitignore';

/** Only lines that are missing are added. */
export function gitignore(root: string): Completed {
  const text = textOf(root, GITIGNORE);
  if (text === undefined) return created(GITIGNORE, IGNORED.map((line) => `${line}\n`).join(''));
  const bare = (line: string) => line.trim().replace(/^\/|\/$/g, '');
  const known = new Set(text.split('\n').map(bare));
  const missing = IGNORED.filter((line) => !known.has(bare(line)));
  if (missing.length === 0) return { kept: [GITIGNORE] };
  const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return addedTo(GITIGNORE, before + missing.map((line) => `${line}\n`).join(''), missing.join(', '));
}

export const deploymentFile = (root: string): NewFile => ({
  path: DEPLOYMENT_FILE,
  content: `${schemaComment(root, DEPLOYMENT_FILE, 'config')}# What hub and target accounts are deployed with. \`npx packleader pin\` writes the Packer that every bake runs, and the plugin by which
# it reaches Linux builders; both are needed before the first deployment. An editor offers what else there is.

# Whether keys of your own encrypt what packleader keeps.
customerKey: false
`,
});

const created = (path: string, content: string): Completed => ({ written: [{ path, content }] });

const addedTo = (path: string, content: string, added: string): Completed => ({
  added: [{ path, content, added } satisfies AddedTo],
});

function textOf(root: string, path: string): string | undefined {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
