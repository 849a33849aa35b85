/**
 * Bakes in which nothing plays a part: linux-base is provisioned, checked, made an image, and booted; and so is a copy of it
 * under another name, but for the booting.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { NAMES } from '../../core/contract/names.ts';
import { failingLines, summaryOf, testScript } from '../../core/tests/script.ts';
import * as z from 'zod';
import { LOGIN } from './factory-files.ts';
import type { Copies } from './factory.ts';
import type { Installation } from './installation.ts';
import { type Machine, boot } from './machines.ts';
import { startPackageProxy } from './package-proxy.ts';
import { Stand, answerBakes } from './release.ts';
import { DEV } from '../fixtures/accounts.ts';

/** Text that a careless program would take for a template or a command is data here. */
const GOOD = {
  environment: 'dev',
  role: 'web',
  extra: {
    features: { monitoring: true },
    note: '{{ lookup("pipe", "id") }} é😀 "q" \\',
    list: [1, '{{ 1 + 1 }}', null],
  },
};

interface Boot {
  readonly name: string;
  readonly userData: string;
  readonly status: number;
  readonly says: RegExp;
}

const BOOTS: readonly Boot[] = [
  {
    name: 'good metadata',
    userData: JSON.stringify(GOOD),
    status: 0,
    says: /"state": "done", "message": "Provisioned as web in dev\."/,
  },
  {
    name: 'metadata that the schema refuses',
    userData: JSON.stringify({ environment: 'Dev', rol: 'web', extra: { hostname: '-x' } }),
    status: 1,
    says: /"state": "failed", "message": "The user data is not valid: .*environment.*extra\/hostname/,
  },
  {
    name: 'a script in place of metadata',
    userData: '#!/bin/sh\ntouch /etc/owned\n',
    status: 1,
    says: /"state": "failed", "message": "The user data is not JSON/,
  },
  { name: 'no metadata', userData: '', status: 1, says: /"state": "failed".*no user data/ },
  {
    name: "the builder's own metadata",
    userData: JSON.stringify({ environment: 'bake', role: 'builder' }),
    status: 0,
    says: /"state": "skipped"/,
  },
];

/** Returns what is wrong, if anything. */
export async function bakeForReal(
  installation: Installation,
  directory: string,
  number: number,
): Promise<string[]> {
  const { machine, problems } = await released(installation, directory, number, 'linux-base');
  if (machine === undefined) return problems;
  const layers = [join(machine.directory, 'upper'), installation.root];
  const boots = await Promise.all(BOOTS.map(async (one) => booted(one, layers, directory)));
  return [...problems, ...boots.flat(), ...(await tested(layers, directory))];
}

/** What an instance is sent for the tests of its image; moto runs no command. */
const TESTS = `test_image_says_what_it_is() {
  grep --quiet '"image": *"linux-base"' /etc/packleader/image.json
}

test_instance_has_provisioned_itself() {
  grep --quiet '"role": *"web"' /etc/packleader/metadata.json
}

test_nobody_serves_the_web() {
  echo 'asking port 80'
  curl --silent --fail http://localhost/
}
`;

/** Boots the image as an instance under test, and runs the script that Run Command would. */
async function tested(layers: readonly string[], parent: string): Promise<string[]> {
  const path = 'images/linux-base/tests/boot.sh';
  const script = testScript('linux', [{ path, text: TESTS, tests: [] }], {
    image: 'linux-base',
    version: '1.4.20261121093000',
  });
  const command = ['/opt/packleader/bin/provision >&2', ...script].join('\n');
  const on = { layers, directory: join(parent, 'boot-under-test'), userData: JSON.stringify(GOOD) };
  const { status, output } = await boot(on, ['bash', '-c', command]);
  const failing = failingLines(output);
  const isRight =
    status === 1 &&
    isDeepStrictEqual(summaryOf(output), { ran: 3, failed: 1 }) &&
    isDeepStrictEqual(failing, ['FAILED  test_nobody_serves_the_web', '        asking port 80']);
  return isRight ? [] : [`The tests of linux-base ended with status ${status}.`, output.slice(-1500)];
}

/** Nothing in an image knows its name but by the bake: a copy passes its own checks. */
export async function bakeCopyForReal(
  installation: Installation,
  directory: string,
  number: number,
): Promise<string[]> {
  const copy = 'copied';
  const { machine, problems } = await released(installation, directory, number, copy, {
    [copy]: 'linux-base',
  });
  if (machine === undefined) return problems;
  const file = join(machine.directory, 'upper', 'etc/packleader/image.json');
  const { image } = identitySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return image === copy ? problems : [...problems, `The image says that it is ${image}.`];
}

const identitySchema = z.object({ image: z.string() });

/** Releases an image into one account; without a machine the problems say why. */
async function released(
  installation: Installation,
  directory: string,
  number: number,
  name: string,
  copies: Copies = {},
): Promise<{ readonly machine?: Machine; readonly problems: string[] }> {
  const stand = await Stand.start(installation, directory, { dev: [DEV] }, number, copies);
  const { codeBuild } = stand;
  const packageProxy = await startPackageProxy(join(installation.cache, 'packages'));
  const machines: Machine[] = [];
  answerBakes(
    stand,
    { root: installation.root, directory, login: LOGIN, packageProxy },
    () => 'real',
    undefined,
    (machine) => machines.push(machine),
  );
  const { releases, error } = await stand.release({ images: [name] });
  const build = codeBuild.builds.find(({ project }) => project.name === NAMES.bakeProject);
  const log = build ? readFileSync(join(build.directory, 'log'), 'utf8') : '';
  const [machine] = machines;
  if (releases[0]?.outcome !== 'released' || !build || !machine) {
    const ended = `The release ended ${releases[0]?.outcome ?? 'early'}: ${releases[0]?.error?.cause ?? error}`;
    return { problems: [ended, log.slice(-3000)] };
  }
  return { machine, problems: baked(log, build.exported, join(machine.directory, 'upper')) };
}

function baked(log: string, exported: Readonly<Record<string, string>>, image: string): string[] {
  const told = /Once more: nothing may change now\.[^]*localhost +: ok=[1-9]\d* +changed=0 .*failed=0/.test(
    log,
  );
  const checks = /(\d+) checks, 0 failed/.exec(log)?.[1];
  const manifest = readFileSync(join(image, 'etc/packleader/package-manifest.tsv'));
  const digest = createHash('sha256').update(manifest).digest('hex');
  return [
    ...(told ? [] : ['The playbook did not run a second time without a change.']),
    ...(Number(checks ?? 0) > 15 ? [] : [`${checks ?? 'No'} checks passed inside the image.`]),
    ...(digest === exported['PACKAGES_SHA256']
      ? []
      : [`The build says that the packages are ${exported['PACKAGES_SHA256']}, the image says ${digest}.`]),
    ...(manifest.toString().includes('\nprometheus-node-exporter\t')
      ? []
      : ['The monitoring agent is not installed.']),
  ];
}

const BOOT =
  '/opt/packleader/bin/provision; status=$?; cat /run/packleader/provision.json; /usr/sbin/sshd -t || exit 99; exit $status';

async function booted(
  { name, userData, status, says }: Boot,
  layers: readonly string[],
  parent: string,
): Promise<string[]> {
  const directory = join(parent, `boot-${name.replaceAll(/\W+/g, '-')}`);
  const ended = await boot({ layers, directory, userData }, ['bash', '-c', BOOT]);
  const file = (path: string) => join(directory, 'upper', path);
  const problems =
    ended.status === status && says.test(ended.output)
      ? []
      : [`Booted with ${name}: status ${ended.status}, expected ${status}.`, ended.output.slice(-1500)];
  if (existsSync(file('etc/owned'))) problems.push(`Booted with ${name}: the user data was run.`);
  if (status === 0 && userData.includes('"web"')) {
    const kept: unknown = JSON.parse(readFileSync(file('etc/packleader/metadata.json'), 'utf8'));
    if (JSON.stringify(sorted(kept)) !== JSON.stringify(sorted(GOOD)))
      problems.push(`Booted with ${name}: the image keeps ${JSON.stringify(kept)}.`);
  }
  return problems;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, sorted(inner)] as const)
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}
