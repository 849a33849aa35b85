#!/usr/bin/env node
// Stands in for the AWS CLI: $FAKE_AWS/answers/<service>.<command>.json is an answer, and each call is a line of
// $FAKE_AWS/calls. What it does not know is an error.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const home = process.env['FAKE_AWS'] ?? '';
const args = process.argv.slice(2);
appendFileSync(join(home, 'calls'), `${args.join(' ').replaceAll('\n', ' ')}\n`);
const [service = '', command = ''] = args;
const answer = join(home, 'answers', `${service}.${command}.json`);
if (existsSync(answer)) {
  process.stdout.write(readFileSync(answer));
} else {
  process.stderr.write(`the stand-in for aws has no answer to: ${service} ${command}\n`);
  process.exit(1);
}
