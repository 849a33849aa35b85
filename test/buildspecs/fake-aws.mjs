#!/usr/bin/env node
// Stands in for the AWS CLI: $FAKE_AWS/bucket is every bucket, $FAKE_AWS/answers/<service>.<command>.json an answer, and each
// call is a line of $FAKE_AWS/calls. What it does not know is an error.
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const home = process.env['FAKE_AWS'] ?? '';
const args = process.argv.slice(2);
appendFileSync(join(home, 'calls'), `${args.join(' ').replaceAll('\n', ' ')}\n`);
const [service = '', command = ''] = args;
const answer = join(home, 'answers', `${service}.${command}.json`);
const flag = (/** @type {string} */ name) => args[args.indexOf(name) + 1] ?? '';
const input = args.includes('--cli-input-json') ? JSON.parse(flag('--cli-input-json')) : {};
const local = (/** @type {string} */ place) => join(home, 'bucket', place.replace(/^s3:\/\/[^/]+\//, ''));

if (service === 's3' && command === 'cp') {
  const [from = '', to = ''] = args.slice(2).filter((arg) => !arg.startsWith('--'));
  const source = from.startsWith('s3://') ? local(from) : from;
  if (!existsSync(source)) {
    process.stderr.write(
      `fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden (${from})\n`,
    );
    process.exit(1);
  }
  if (args.includes('--recursive')) {
    cpSync(source, to, { recursive: true });
  } else if (to === '-') {
    process.stdout.write(readFileSync(source));
  } else {
    const target = to.startsWith('s3://') ? local(to) : to;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
  }
} else if (service === 's3api' && command === 'get-object') {
  const source = local(flag('--key'));
  if (!existsSync(source)) {
    process.stderr.write(
      'An error occurred (AccessDenied) when calling the GetObject operation: Access Denied\n',
    );
    process.exit(254);
  }
  const metadata = `${source}.metadata`;
  const Metadata = existsSync(metadata) ? JSON.parse(readFileSync(metadata, 'utf8')) : {};
  copyFileSync(source, args[args.indexOf('--key') + 2] ?? '');
  process.stdout.write(JSON.stringify({ Metadata }));
} else if (service === 's3api' && command === 'put-object') {
  const target = local(flag('--key'));
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(flag('--body'), target);
} else if (service === 's3api' && command === 'list-objects-v2') {
  const root = join(home, 'bucket');
  const found = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((key) => key.startsWith(input.Prefix));
  process.stdout.write(JSON.stringify(found.length > 0 ? found : null));
} else if (existsSync(answer)) {
  process.stdout.write(readFileSync(answer));
} else {
  process.stderr.write(`the stand-in for aws has no answer to: ${service} ${command}\n`);
  process.exit(1);
}
