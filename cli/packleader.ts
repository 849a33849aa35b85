#!/usr/bin/env -S node --max-semi-space-size=8
import { enableCompileCache } from 'node:module';

// Stripping the types of every file takes longer than most commands; Node keeps the result.
enableCompileCache();
const { run } = await import('./main.ts');
process.exitCode = await run(process.argv.slice(2));
