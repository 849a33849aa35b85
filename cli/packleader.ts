#!/usr/bin/env -S node --max-semi-space-size=8
const OLDEST_NODE = 22;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `packleader needs Node ${OLDEST_NODE} or newer, and this is ${process.version}: \`npm install --save-dev node@24\` puts one into this project.\n`,
  );
  process.exitCode = 2;
} else {
  // What an older Node lacks is not even imported.
  const { enableCompileCache } = await import('node:module');
  // Stripping the types of every file takes longer than most commands; Node keeps the result.
  enableCompileCache();
  const { run } = await import('./main.ts');
  process.exitCode = await run(process.argv.slice(2));
}
