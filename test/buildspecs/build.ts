import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { BAKE_ENVIRONMENT } from '../../core/contract/environments.ts';
import type { Target } from '../../core/contract/targets.ts';
import { type BuildSpecName, buildSpec } from '../../workflow/constructs/buildspec.ts';

/** What the scripts need besides Node; every CodeBuild image has them. A machine without one cannot judge the scripts. */
export function requirePrograms(...programs: readonly string[]): void {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined);
  if (missing.length > 0) throw new Error(`These tests need ${missing.join(' and ')} on PATH.`);
}

const SERVICES = fileURLToPath(new URL('fake-services.mjs', import.meta.url));

interface Outcome {
  readonly status: number;
  readonly log: string;
  readonly exported: Record<string, string>;
  /** The AWS calls in their order, as one line each. */
  readonly calls: readonly string[];
}

/** Keeps the pauses of a build, and takes none; what a test waits for is a part of a second. */
const SLEEP = `#!/bin/sh
case $1 in *.*) exec /bin/sleep "$1";; esac
echo "$1" >>"$FAKE_AWS/slept"
`;

/** What the state machine tells a bake of `linux-base`, and CodeBuild of the account. */
export const bakeEnvironment = (
  { accountId, region }: Target,
  { release = 'linux-base@1.4.20261121093000', prefix, source, zip }: AskedBake,
): Record<string, string> => ({
  CODEBUILD_BUILD_ARN: `arn:aws:codebuild:eu-west-1:${accountId}:build/packleader-bake:1`,
  [BAKE_ENVIRONMENT.release]: release,
  [BAKE_ENVIRONMENT.image]: 'linux-base',
  [BAKE_ENVIRONMENT.region]: region,
  [BAKE_ENVIRONMENT.bucket]: 'packleader-999999999999-eu-west-1',
  [BAKE_ENVIRONMENT.sourceKey]: source,
  [BAKE_ENVIRONMENT.sourceSha256]: sha256(zip),
  [BAKE_ENVIRONMENT.planPrefix]: prefix,
  [BAKE_ENVIRONMENT.sourceAmi]: 'ami-0123456789abcdef0',
});

interface AskedBake {
  readonly release?: string;
  /** Of its plan. */
  readonly prefix: string;
  /** The key of the source. */
  readonly source: string;
  readonly zip: Uint8Array;
}

/**
 * A build like CodeBuild's: the phases of the synthesised buildspec in one bash, each command's status looked at, `finally`
 * always, the exported variables read from that bash. `bucket` stands for S3, `bin` holds the stand-ins for programs.
 */
export class Build {
  readonly directory = mkdtempSync(join(tmpdir(), 'packleader-build-'));
  readonly bucket = join(this.directory, 'bucket');
  readonly #bin = join(this.directory, 'bin');
  readonly #services: ChildProcess;

  constructor() {
    for (const made of [this.bucket, this.#bin, this.#work]) mkdirSync(made);
    this.program('sleep', SLEEP);
    this.program('aws', readFileSync(new URL('fake-aws.mjs', import.meta.url), 'utf8'));
    this.#services = spawn(process.execPath, [SERVICES, this.directory], { stdio: 'inherit' });
  }

  get #work(): string {
    return join(this.directory, 'work');
  }

  /** Puts a program on PATH; it replaces the one that the machine has. */
  program(name: string, text: string): void {
    const file = join(this.#bin, name);
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  }

  /** What the stand-ins for AWS answer to a call: `service operation`, or the first two words of a command of the CLI. EC2 gives a list one after the other. */
  answer(call: string, printed: unknown): void {
    this.put(`../answers/${call.replace(' ', '.')}.json`, JSON.stringify(printed));
  }

  /** From now on the call is refused. */
  unanswer(call: string): void {
    rmSync(join(this.directory, 'answers', `${call.replace(' ', '.')}.json`));
  }

  put(key: string, content: string | Uint8Array): void {
    const file = join(this.bucket, key);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  get(key: string): Buffer {
    return readFileSync(join(this.bucket, key));
  }

  keys(): string[] {
    const entries = readdirSync(this.bucket, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.bucket.length + 1))
      .sort();
  }

  /** A file of the build's working directory, or undefined. */
  left(file: string): string | undefined {
    try {
      return readFileSync(join(this.#work, file), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** The pauses of all builds so far, in seconds. */
  slept(): number[] {
    return (this.left('../slept') ?? '').split('\n').filter(Boolean).map(Number);
  }

  /** The files of a directory of the build, sorted. */
  list(directory: string): string[] {
    return readdirSync(join(this.#work, directory)).toSorted();
  }

  run(name: BuildSpecName, environment: Record<string, string>): Outcome {
    rmSync(this.#work, { recursive: true, force: true });
    mkdirSync(this.#work);
    const calls = join(this.directory, 'calls');
    writeFileSync(calls, '');
    const spec = buildSpec(name);
    const { status, stdout, stderr } = spawnSync('bash', ['-c', asOneScript(spec)], {
      cwd: this.#work,
      encoding: 'utf8',
      env: {
        PATH: `${this.#bin}:${process.env['PATH']}`,
        HOME: this.directory,
        FAKE_AWS: this.directory,
        AWS_REGION: 'eu-west-1',
        AWS_ENDPOINT_URL: `http://127.0.0.1:${this.#port()}`,
        AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        ...environment,
      },
    });
    const exported = join(this.directory, 'exported');
    return {
      status: status ?? -1,
      log: stdout + stderr,
      exported: z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(exported, 'utf8'))),
      calls: readFileSync(calls, 'utf8').split('\n').filter(Boolean),
    };
  }

  /** Where the services listen; their process may still be starting. */
  #port(): string {
    const file = join(this.directory, 'port');
    const until = Date.now() + 10_000;
    while (!existsSync(file)) {
      if (Date.now() > until) throw new Error('The stand-in for AWS did not start.');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
    return readFileSync(file, 'utf8');
  }

  remove(): void {
    this.#services.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function asOneScript(spec: ReturnType<typeof buildSpec>): string {
  const names = JSON.stringify(spec.env['exported-variables']);
  const report = `JSON.stringify(Object.fromEntries(${names}.map((name) => [name, process.env[name]])))`;
  return [
    'failed=0',
    ...Object.values(spec.phases).flatMap(({ commands, finally: last = [] }) => [
      ...commands.map((command) => `if [ $failed = 0 ]; then\n${command}\n[ $? = 0 ] || failed=1\nfi`),
      ...last.map((command) => `${command} || failed=1`),
    ]),
    `node -e 'require("fs").writeFileSync("../exported", ${report})'`,
    'exit $failed',
  ].join('\n');
}

export const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');

/** git in a directory, as somebody. */
export function git(directory: string, ...args: readonly string[]): string {
  const who = [
    '-c',
    'user.name=someone',
    '-c',
    'user.email=someone@example.com',
    '-c',
    'commit.gpgsign=false',
  ];
  return execFileSync('git', ['-C', directory, ...who, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
}
