/**
 * Makes `dist/`, what `npm pack` ships besides the schemas: this repository's own layout as JavaScript with types and source maps,
 * with what synthesis would need esbuild for, and with what is read at run time from beside the code.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_SPECS, scriptsOf } from '../workflow/constructs/buildspec.ts';
import { packBundles } from '../workflow/hub/packed-bundles.ts';
import { bundlePrograms, directoryOf } from '../workflow/constructs/programs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** Grammars: their packages would build native code when they are installed, and only these files of them are used. */
const GRAMMARS = [
  '@tree-sitter-grammars/tree-sitter-hcl/tree-sitter-hcl.wasm',
  'tree-sitter-powershell/tree-sitter-powershell.wasm',
];

/** What is read at run time: the example with its templates, the buildspecs, and how Packer is built where there is none. */
const SHIPPED = [
  'packer',
  'buildspecs/*.yml',
  'cli/page/page.*',
  'tools/packer',
  'tools/packer-plugin-amazon',
];

rmSync(DIST, { recursive: true, force: true });
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
const bundles = mkdtempSync(join(tmpdir(), 'packleader-bundles-'));
run('workflow/hub/bundle-functions.ts', bundles);
const made = globSync('**/*.*', { cwd: bundles }).toSorted();
writeFileSync(
  join(DIST, 'bundles.br'),
  packBundles(new Map(made.map((name) => [name, readFileSync(join(bundles, name))]))),
);
rmSync(bundles, { recursive: true });
for (const files of BUILD_SPECS.flatMap(scriptsOf)) {
  const directory = join(DIST, 'programs', directoryOf(files));
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of bundlePrograms(files)) writeFileSync(join(directory, name), text);
}
for (const file of execFileSync('git', ['ls-files', '-z', ...SHIPPED], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((name) => name !== '')) {
  mkdirSync(dirname(join(DIST, file)), { recursive: true });
  cpSync(join(ROOT, file), join(DIST, file));
}
for (const grammar of GRAMMARS) {
  const wasm = fileURLToPath(import.meta.resolve(grammar));
  copyFileSync(wasm, join(DIST, 'core/templates', basename(wasm)));
  copyFileSync(join(dirname(wasm), 'LICENSE'), join(DIST, 'core/templates', `${basename(wasm)}.LICENSE`));
}
const { name, version, type } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify({ name, version, type })}\n`);
if (!existsSync(join(DIST, 'cli/packleader.js'))) throw new Error('The command was not compiled.');

function run(program: string, ...args: readonly string[]): void {
  execFileSync(process.execPath, [program, ...args], { cwd: ROOT, stdio: 'inherit' });
}
