/**
 * `npm run bench:retire`: Cloud Custodian and packleader, each on an account of its own in moto that holds the same 10,000 AMIs, of
 * which 1,000 are to go: they are old, opted in, and used by nothing. Ends with the line `N calls against N`: of EC2, for all of it.
 *
 *     npm run bench:retire -- --amis 1000    a smaller account
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import * as z from 'zod';
import { retentionSchema } from '../core/configuration/retention.ts';
import { NAMES, roleArn } from '../core/contract/names.ts';
import { byRegion } from '../core/contract/targets.ts';
import { HUB } from '../test/fixtures/accounts.ts';
import { atEnd } from '../test/e2e/at-end.ts';
import { installPrograms } from '../test/e2e/installation.ts';
import { Moto } from '../test/e2e/moto.ts';
import { CACHE, pythonEnvironment } from '../tools/python.ts';
import { type Row, count, report } from './table.ts';

const LIMITS = { callsPerAmi: 1.1, inventoryCalls: 60, memoryMiB: 256 } as const;
/** As Lambda starts Node in a function of so much memory: a tenth for what is new, in two halves, and the rest for what is old. */
const NODE_OPTIONS = [
  '--expose-gc',
  `--max-semi-space-size=${Math.floor(LIMITS.memoryMiB / 20)}`,
  `--max-old-space-size=${LIMITS.memoryMiB - Math.floor(LIMITS.memoryMiB / 10)}`,
  '--enable-source-maps',
];
const IMAGES = 50;
const here = import.meta.dirname;
const run = promisify(execFile);
const say = (line: string): undefined => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { amis: { type: 'string', default: '10000' } } });
const amis = Number(values.amis);
if (!Number.isInteger(amis) || amis < 100)
  throw new Error(`--amis is "${values.amis}"; it must be 100 or more.`);
const going = amis / 10;
const account = { amis, going, used: amis / 100, kept: amis / 100, images: IMAGES, ...HUB };

installPrograms(say, { python3: 'python3-venv' });
mkdirSync(CACHE, { recursive: true });
const bin = pythonEnvironment(join(CACHE, 'bench-retire'), join(here, 'retire', 'requirements.txt'), () =>
  say('Installing Cloud Custodian and moto, once.'),
);
const directory = mkdtempSync(join(CACHE, 'retire-'));
atEnd(() => rmSync(directory, { recursive: true, force: true }));

/** What was called since the last time, by name. */
class Account {
  readonly #file: string;
  #seen = 0;
  readonly moto: Moto;

  private constructor(file: string, moto: Moto) {
    this.#file = file;
    this.moto = moto;
  }

  /** Every one is as new: nothing that one of both has done is there for the other. */
  static async open(name: string): Promise<Account> {
    const place = join(directory, name);
    mkdirSync(place);
    const file = join(place, 'calls');
    writeFileSync(file, '');
    Object.assign(process.env, { BENCH_RETIRE: JSON.stringify(account), BENCH_CALLS: file });
    say(`Making ${count(amis)} AMIs for ${name}.`);
    const moto = await Moto.start({
      python: join(bin, 'python'),
      directory: place,
      hub: HUB,
      accounts: [],
      roles: [{ accountId: HUB.accountId, name: NAMES.stewardRole, externalId: null }],
      additions: [join(here, 'retire', 'moto_account.py')],
      launchSeconds: 0,
      patienceSeconds: 1_200,
    });
    return new Account(file, moto);
  }

  calls(): Map<string, number> {
    const lines = readFileSync(this.#file, 'utf8').trim().split('\n').slice(this.#seen);
    this.#seen += lines.length;
    const found = new Map<string, number>();
    for (const line of lines.filter((one) => one !== '')) found.set(line, (found.get(line) ?? 0) + 1);
    return found;
  }

  /** How many of those that are to go are gone. */
  async gone(): Promise<number> {
    const left = await this.moto.snapshotOf(HUB);
    return amis - left.images.length;
  }
}

const ofService = (calls: ReadonlyMap<string, number>, service: RegExp): number =>
  [...calls].filter(([name]) => service.test(name)).reduce((sum, [, times]) => sum + times, 0);
function tell(who: string, calls: ReadonlyMap<string, number>): void {
  const named = [...calls]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, times]) => `${name} ${count(times)}`);
  say(`  ${who}: ${named.join(', ')}`);
}

const EC2 = /^(ec2|autoscaling):/;

async function custodian(): Promise<number> {
  const own = await Account.open('Cloud Custodian');
  own.calls();
  const output = join(directory, 'custodian');
  // As ours does.
  const role = ['--assume', roleArn(HUB.accountId, NAMES.stewardRole)];
  const args = ['run', '--output-dir', output, '--region', HUB.region, '--cache-period', '0', ...role];
  await run(join(bin, 'custodian'), [...args, join(here, 'retire', 'policy.yml')], {
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, AWS_DEFAULT_REGION: HUB.region },
  });
  const calls = own.calls();
  tell('Cloud Custodian', calls);
  if ((await own.gone()) !== going) throw new Error(`${await own.gone()} AMIs are gone, and not ${going}`);
  return ofService(calls, EC2);
}

const ranSchema = z.object({ answer: z.looseObject({}), peakMiB: z.number() });

/** The bundle of one function, as it is deployed. */
async function invoke(bundles: string, task: string, event: object): Promise<z.infer<typeof ranSchema>> {
  const args = [
    ...NODE_OPTIONS,
    join(here, 'retire', 'run-function.mjs'),
    join(bundles, 'tasks', task, 'index.mjs'),
  ];
  const { stdout } = await run(process.execPath, [...args, JSON.stringify(event)], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return ranSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

async function packleader(): Promise<{ rows: Row[]; calls: number }> {
  const bundles = join(directory, 'bundles');
  await run(process.execPath, [join(here, '..', 'workflow', 'hub', 'bundle-functions.ts'), bundles]);
  const own = await Account.open('packleader');
  own.calls();
  const now = new Date().toISOString();
  const bucket = 'packleader-bench';
  await own.moto.addBucket(bucket);
  own.calls();
  const inventory = await invoke(bundles, 'take-inventory', { targets: [HUB], now, attempt: 0 });
  const looked = own.calls();
  tell('an inventory', looked);
  const rule = retentionSchema.parse({ keepNewest: 1, minAgeDays: 30 });
  const rules = Object.fromEntries(Array.from({ length: IMAGES }, (_, index) => [`image-${index}`, rule]));
  const request = { mostPercent: 100 };
  const event = { request, deployed: byRegion([HUB]), rules, bucket, now, attempt: 0 };
  const retired = await invoke(bundles, 'retire-versions', event);
  const calls = own.calls();
  tell('a run', calls);
  // Once: what it deregisters goes in one step.
  if ((await own.gone()) !== going)
    throw new Error(`${await own.gone()} AMIs are gone, and not ${going}: ${JSON.stringify(retired.answer)}`);
  const perAmi = ofService(calls, EC2) / going;
  const inventoryCalls = ofService(looked, EC2);
  const peak = Math.max(inventory.peakMiB, retired.peakMiB);
  const besides = (ofService(calls, /./) - ofService(calls, EC2)) / going;
  return {
    calls: inventoryCalls + ofService(calls, EC2),
    rows: [
      row('calls of EC2 for each AMI that goes', LIMITS.callsPerAmi, perAmi, (n) => n.toFixed(2)),
      row(`calls of an inventory of ${count(amis)} AMIs`, LIMITS.inventoryCalls, inventoryCalls, count),
      row(
        'peak of a function that does it, started as Lambda does with 256 MiB',
        LIMITS.memoryMiB,
        peak,
        (n) => `${n.toFixed(0)} MiB`,
      ),
      {
        what: 'calls of other services for each that goes: its parameter, its events, its record',
        target: 'none',
        measured: besides.toFixed(2),
        kept: true,
      },
    ],
  };
}

const row = (what: string, most: number, value: number, text: (number: number) => string): Row => ({
  what,
  target: text(most),
  measured: text(value),
  kept: value <= most,
});

const theirs = await custodian();
const { rows, calls: ours } = await packleader();
report(rows);
say(`${count(ours)} calls against ${count(theirs)}`);
process.exit();
