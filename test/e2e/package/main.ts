/**
 * `npm run e2e:package`: packs the package as `npm pack` does, installs the tarball with the real npm into an empty repository outside
 * of this one, and walks a newcomer's path with `npx packleader` alone, on the oldest and the newest Node that it promises.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { CACHE } from '../../../tools/python.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const OLDEST_NODE = 'node@22';
const LARGEST = 6 * 1024 * 1024;
/** From an empty directory to a rehearsal of an image of one's own, with packages at hand. */
const NEWCOMER_S = 60;
const LONGEST_IMAGE = 60;
/** Of one command. */
const LONGEST_MS = 180_000;
/** What the npm that started this says of this repository, which is nothing to the newcomer's. */
const OF_NPM =
  /^(INIT_CWD|NODE|npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|prefix|global_prefix)).*)$/;

/** What the constructs of the package look like from an app of the team's own. */
const OWN_APP = `import { App } from 'aws-cdk-lib';
import { PackleaderHub, PackleaderTarget, openFactory } from 'packleader/cdk';

const factory = await openFactory('packer');
const app = new App();
new PackleaderHub(app, 'packleader-hub', { factory });
for (const accountId of factory.accountIds)
  new PackleaderTarget(app, \`packleader-target-\${accountId}\`, { factory, accountId });
`;

const PROGRAM = `import { ReleaseRolledBack, type ReleaseResult, startRelease, waitForRelease } from 'packleader';

export async function release(image: string): Promise<string[]> {
  const handle = await startRelease({ images: [image] }, { key: 'one' });
  try {
    const { releases }: ReleaseResult = await waitForRelease(handle, { timeoutMs: 60_000 });
    return releases.flatMap(({ targets }) => targets.flatMap(({ imageId }) => imageId ?? []));
  } catch (error) {
    if (error instanceof ReleaseRolledBack) return [];
    throw error;
  }
}
`;

const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const work = mkdtempSync(join(tmpdir(), 'packleader-package-'));
const failures: string[] = [];
let passed = 0;

/** A claim about the package; what is thrown says why it does not hold. */
function holds(claim: string, prove: () => string | undefined): void {
  const started = performance.now();
  const took = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  try {
    const measured = prove();
    passed += 1;
    say(`ok      ${claim}${measured === undefined ? '' : `: ${measured}`} (${took()})`);
  } catch (error) {
    failures.push(claim);
    say(`FAILED  ${claim} (${took()})`);
    for (const line of String(error instanceof Error ? error.message : error)
      .split('\n')
      .slice(0, 20))
      say(`          ${line}`);
  }
}

function insist(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

interface Ran {
  readonly status: number | null;
  readonly text: string;
}

/** Runs a program in a directory, with a Node before all others on PATH. */
function run(directory: string, node: string, command: string, ...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: directory,
    encoding: 'utf8',
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_NPM.test(name))),
      PATH: [node, process.env['PATH']].join(delimiter),
      NO_COLOR: '1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: undefined,
      AWS_PROFILE: undefined,
      AWS_CONFIG_FILE: join(work, 'no-config'),
      AWS_SHARED_CREDENTIALS_FILE: join(work, 'no-credentials'),
    },
    timeout: LONGEST_MS,
  });
  return { status, text: `${stdout}${stderr}` };
}

function succeeds(ran: Ran, ...said: readonly string[]): void {
  insist(ran.status === 0, `ended with ${ran.status}:\n${ran.text}`);
  for (const text of said) insist(ran.text.includes(text), `did not say "${text}":\n${ran.text}`);
}

/** The directory of a Node, which npm installs. */
function nodeDirectory(): string {
  const place = join(CACHE, 'e2e', OLDEST_NODE.replace('@', '-'));
  const directory = join(place, 'node_modules', 'node', 'bin');
  if (!existsSync(join(directory, 'node'))) {
    say(`Installing ${OLDEST_NODE}, once.`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), '{"allowScripts":{"node":true}}\n');
    execFileSync('npm', ['install', '--no-save', '--no-fund', '--no-audit', OLDEST_NODE], {
      cwd: place,
      stdio: 'pipe',
    });
  }
  return directory;
}

const oldest = nodeDirectory();
const newest = dirname(process.execPath);
const packed = z
  .array(z.object({ filename: z.string(), size: z.number(), files: z.array(z.object({ path: z.string() })) }))
  .parse(
    JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], {
        cwd: built(),
        encoding: 'utf8',
      }),
    ),
  );
const [tarball] = packed;
if (tarball === undefined) throw new Error('npm packed nothing.');

/** This repository with `dist/` made anew. */
function built(): string {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  return ROOT;
}

holds('the package is small', () => {
  insist(tarball.size < LARGEST, `it has ${tarball.size} bytes, more than ${LARGEST}`);
  return `${(tarball.size / 1024 / 1024).toFixed(1)} MB, ${tarball.files.length} files`;
});

holds('ships what runs and nothing else', () => {
  const paths = tarball.files.map(({ path }) => path);
  const strangers = paths.filter((path) =>
    /(^|\/)(test|bench|node_modules)\/|\.snap$|(?<!\.d)\.[cm]?ts$/.test(path),
  );
  insist(strangers.length === 0, `it ships ${strangers.slice(0, 10).join(', ')}`);
  for (const needed of [
    'dist/cli/packleader.js',
    'dist/client/client.d.ts',
    'dist/workflow/cdk.js',
    'schemas/factory.json',
    'LICENSE',
  ])
    insist(paths.includes(needed), `it lacks ${needed}`);
  return undefined;
});

const team = join(work, 'team');
mkdirSync(team);
const startedAt = performance.now();
holds('a newcomer installs it into an empty directory', () => {
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', team]);
  writeFileSync(join(team, 'package.json'), '{ "name": "images", "private": true }\n');
  succeeds(run(team, newest, 'npm', 'install', '--save-dev', join(work, tarball.filename)));
  return undefined;
});

holds('begins a factory', () => {
  const where = [
    '--hub',
    '999999999999/eu-west-1',
    '--stage',
    'dev=111111111111/eu-west-1',
    '--stage',
    'prod=222222222222/eu-west-1',
  ];
  succeeds(
    run(
      team,
      newest,
      'npx',
      'packleader',
      'init',
      '--yes',
      '--repository',
      'https://github.com/example/images',
      ...where,
    ),
  );
  insist(existsSync(join(team, 'packer/factory.yaml')), 'there is no packer/factory.yaml');
  insist(existsSync(join(team, 'packleader.config')), 'there is no packleader.config');
  return undefined;
});

holds('makes an image of its own, which is short', () => {
  succeeds(run(team, newest, 'npx', 'packleader', 'new', 'image', 'web', '--on', 'linux-base'));
  const files = globSync('packer/images/web/**/*', { cwd: team }).filter((file) =>
    statSync(join(team, file)).isFile(),
  );
  const lines = files.reduce(
    (sum, file) => sum + readFileSync(join(team, file), 'utf8').split('\n').length - 1,
    0,
  );
  insist(files.length > 0 && lines < LONGEST_IMAGE, `it has ${lines} lines in ${files.length} files`);
  return `${lines} lines in ${files.length} files`;
});

holds('and rehearses its release', () => {
  succeeds(run(team, newest, 'npx', 'packleader', 'rehearse', 'web'), 'released in both targets');
  const took = (performance.now() - startedAt) / 1000;
  insist(took < NEWCOMER_S, `it took ${took.toFixed(0)} s from the empty directory`);
  return `${took.toFixed(0)} s from the empty directory`;
});

holds('nothing that it installs runs a script for that', () => {
  const scripted = globSync('node_modules/{*,@*/*}/package.json', { cwd: team }).filter((file) => {
    const { scripts = {} } = z
      .object({ scripts: z.record(z.string(), z.string()).optional() })
      .parse(JSON.parse(readFileSync(join(team, file), 'utf8')));
    return ['preinstall', 'install', 'postinstall'].some((name) => name in scripts);
  });
  insist(scripted.length === 0, `${scripted.join(', ')} would`);
  return undefined;
});

for (const [name, node] of [
  ['oldest', oldest],
  ['newest', newest],
] as const) {
  const version = execFileSync(join(node, 'node'), ['--version'], { encoding: 'utf8' }).trim();
  holds(`runs on the ${name} Node, ${version}`, () => {
    succeeds(run(team, node, 'npx', 'packleader', 'rehearse'), 'released in both targets');
    const failed = run(team, node, 'npx', 'packleader', 'rehearse', 'web', '--fail', 'Bake prod AMIs');
    insist(failed.status === 1, `a rehearsed rollback ended with ${failed.status}:\n${failed.text}`);
    succeeds(run(team, node, 'npx', 'packleader', 'validate'), 'valid');
    succeeds(
      run(team, node, 'npx', 'packleader', 'config', 'explain', 'web', '--stage', 'dev'),
      'instanceType',
    );
    succeeds(run(team, node, 'npx', 'packleader', 'completion', 'bash'), 'packleader');
    return undefined;
  });

  holds(`synthesises on the ${name} Node, from the package's app and from one of the team's own`, () => {
    const app = `node ${JSON.stringify(join(team, 'node_modules/packleader/dist/workflow/app.js'))}`;
    succeeds(
      run(team, node, 'npx', 'cdk', 'synth', '--quiet', '--app', app, '--output', join(work, `${name}-app`)),
    );
    writeFileSync(join(team, 'own.mjs'), OWN_APP);
    const own = run(
      team,
      node,
      'npx',
      'cdk',
      'synth',
      '--quiet',
      '--app',
      'node own.mjs',
      '--output',
      join(work, `${name}-own`),
    );
    succeeds(own);
    for (const stack of ['packleader-hub', 'packleader-target-111111111111']) {
      const [one, other] = ['app', 'own'].map((made) =>
        join(work, `${name}-${made}`, `${stack}.template.json`),
      );
      insist(sameTemplate(one, other), `${stack} is another in an app of one's own`);
    }
    return undefined;
  });
}

holds('tells what an upgrade needs', () => {
  succeeds(
    run(team, newest, 'npx', 'packleader', 'upgrade', '--from', '0.0.1'),
    'is what the package has',
    'Deploy: ',
  );
  return undefined;
});

holds('deploys by the CDK, which asks for credentials', () => {
  const deployed = run(team, newest, 'npx', 'packleader', 'deploy', '--dry-run');
  insist(deployed.status === 6, `ended with ${deployed.status}:\n${deployed.text}`);
  insist(/AWS calls for account (999999999999|111111111111|222222222222)/.test(deployed.text), deployed.text);
  return undefined;
});

holds('an older Node is told so in one sentence', () => {
  const old = run(team, '/usr/bin', '/bin/sh', '-c', `node --version && exec npx packleader --version`);
  if (!/^v(1\d|20|21)\./.test(old.text)) return 'not tried: there is no older Node on this machine';
  insist(old.status === 2 && old.text.includes('needs Node 22 or newer'), old.text);
  insist(!old.text.includes('    at '), old.text);
  return undefined;
});

holds('its types compile in a program of the team', () => {
  writeFileSync(join(team, 'program.ts'), PROGRAM);
  writeFileSync(
    join(team, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
        lib: ['es2024', 'dom'],
      },
      files: ['program.ts'],
    }),
  );
  succeeds(run(team, newest, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', team));
  return undefined;
});

/** But for what CDK makes of the place of an asset. */
function sameTemplate(one = '', other = ''): boolean {
  return existsSync(one) && existsSync(other) && readFileSync(one, 'utf8') === readFileSync(other, 'utf8');
}

say(`${passed} passed, ${failures.length} failed`);
if (process.env['E2E_KEEP'] === undefined) rmSync(work, { recursive: true, force: true });
process.exit(failures.length === 0 ? 0 : 1);
