/**
 * Bundles every task, every trigger and what tells of releases for Lambda in one run of esbuild: `node workflow/hub/bundle-functions.ts <directory>` makes
 * `<directory>/tasks/<task>/index.mjs`, `telling/…` or `triggers/…`, and its source map. A program of its own, because esbuild runs plugins
 * only when it may take its time, and constructs cannot wait.
 */
import { type Plugin, build } from 'esbuild';
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Tells esbuild that a file comes from nowhere: a stack trace into a package names its function, and that is enough. */
const NO_MAP = `\n//# sourceMappingURL=data:application/json;base64,${btoa('{"version":3,"sources":[""],"mappings":"AAAA"}')}`;

/**
 * What is left out of packages. Their source maps, which are most of what all functions would weigh. And of the SDK's schemas what
 * is not used: it writes their keys as `[_xN]:`, with `const _xN = "xmlName"` above, and to esbuild a computed key may run code, so
 * it keeps the schema of every operation of EC2 there is. With the same keys written out, it keeps those in use: half of a
 * bundle that uses EC2, and half of its import time.
 */
const lighterPackages: Plugin = {
  name: 'lighter-packages',
  setup(building) {
    building.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = /[\\/]schemas_\d+\.js$/.test(path) ? withLiteralKeys(text) : text;
      return { contents: contents + NO_MAP, loader: 'js' };
    });
  },
};

function withLiteralKeys(text: string): string {
  const constants = new Map(
    [...text.matchAll(/^const (_\w+) = ("[^"\\\n]*");$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  return text.replaceAll(/\[(_\w+)\](?=:)/g, (key, name: string) => constants.get(name) ?? key);
}

/**
 * The SDK looks for credentials in the environment first, where Lambda puts them, and imports these only when there are none:
 * 100 KB of a bundle that would never run.
 */
const NEVER_LOADED = [
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@aws-sdk/token-providers',
];

/** What a program reads at run time from beside it, by the name of the file. */
const SHIPPED = [
  'web-tree-sitter/web-tree-sitter.wasm',
  '@tree-sitter-grammars/tree-sitter-hcl/tree-sitter-hcl.wasm',
];

/** A bundle's beginning: the handler of its task or trigger, which tells what it does in the log. */
const logged: Plugin = {
  name: 'logged',
  setup(building) {
    building.onResolve({ filter: /^logged:/ }, ({ path }) => ({
      path: path.slice('logged:'.length),
      namespace: 'logged',
    }));
    building.onLoad({ filter: /./, namespace: 'logged' }, ({ path }) => ({
      contents: [
        `import { handler as task } from './${path}';`,
        "import { withLogs } from './core/aws/with-logs.ts';",
        'export const handler = withLogs(task);',
      ].join('\n'),
      loader: 'ts',
      resolveDir: ROOT,
    }));
  },
};

/** The files that export a handler, `tasks/check-amis` among them. */
function entries(): string[] {
  return globSync('{tasks,telling,triggers}/*.ts', { cwd: ROOT })
    .filter((file) =>
      /^export (async function|function|const) handler\b/m.test(readFileSync(join(ROOT, file), 'utf8')),
    )
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('Say which directory to write to.');
/** Source maps name files from here, so that the same sources make the same asset wherever it is written. */
const nominal = join(ROOT, 'cdk.out');
const { outputFiles } = await build({
  absWorkingDir: ROOT,
  entryPoints: entries().map((file) => ({ in: `logged:${file}.ts`, out: `${file}/index` })),
  outdir: nominal,
  outExtension: { '.js': '.mjs' },
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // The SDK's ESM builds leave out what is not used.
  mainFields: ['module', 'main'],
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  // The yaml package is CommonJS; in an ES module there is no require() to load Node's own modules with.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  logLevel: 'warning',
  external: NEVER_LOADED,
  plugins: [logged, lighterPackages],
});
for (const { path, contents, text } of outputFiles) {
  const file = join(directory, relative(nominal, path));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
  for (const shipped of path.endsWith('.mjs') ? SHIPPED : [])
    if (text.includes(basename(shipped)))
      copyFileSync(fileURLToPath(import.meta.resolve(shipped)), join(dirname(file), basename(shipped)));
}
