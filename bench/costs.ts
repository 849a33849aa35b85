/**
 * What releasing one image costs: `npm run costs`. State transitions are counted in a rehearsal; the other quantities are
 * assumptions, written down here, and the prices are AWS's list prices. Prints the tables of docs/deploying.md.
 */
import { retentionSchema } from '../core/configuration/retention.ts';
import { TARGETS_PER_INVENTORY } from '../core/contract/limits.ts';
import { NAMES } from '../core/contract/names.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { PRICES } from '../core/releases/prices.ts';
import type { Execution } from '../sandbox/engine/engine.ts';
import { targetsIn } from '../test/fixtures/accounts.ts';
import { machineArn, operatedHub } from '../test/fixtures/sandbox/hub.ts';
import { countRelease } from './counts.ts';
import { withFactory } from './factories.ts';
import { count, print } from './table.ts';

/** What a rehearsal cannot measure. */
const ASSUMED = {
  bakeMinutes: 15,
  fetchMinutes: 2,
  validateMinutes: 2,
  /** Of a scanner of one's own, which fetches what it knows first. */
  scanMinutes: 3,
  /** A task's function has 1 GiB; it waits for AWS most of the time. */
  secondsPerTask: 10,
  /** Packer's log of one bake. */
  logMiBPerBake: 1,
} as const;

const lines: string[][] = [];
for (const { targets, stages } of [
  { targets: 2, stages: 2 },
  { targets: 10, stages: 2 },
  { targets: 100, stages: 4 },
  { targets: 1_000, stages: 4 },
]) {
  const { transitions } = await withFactory({ targets, stages }, countRelease);
  // Plan and summarise; resolve, compare, tag, publish and announce; one check a stage.
  const tasks = 2 + 5 + stages;
  const minutes = ASSUMED.fetchMinutes + ASSUMED.validateMinutes + targets * ASSUMED.bakeMinutes;
  const costs = {
    stepFunctions: transitions * PRICES.perTransition,
    lambda: tasks * (ASSUMED.secondsPerTask * PRICES.perLambdaGiBSecond + PRICES.perLambdaRequest),
    codeBuild: minutes * PRICES.perBuildMinute,
    // A source, its changes, the plan, a record; two objects a target.
    s3: (4 + 2 * targets) * PRICES.perS3Write,
    logs: ((targets * ASSUMED.logMiBPerBake) / 1024) * PRICES.perLogGiB,
    events: PRICES.perEvent,
  };
  const sum = Object.values(costs).reduce((total, one) => total + one, 0);
  lines.push([
    `${count(targets)} in ${stages} stages`,
    `${count(transitions)}: ${dollars(costs.stepFunctions)}`,
    `${tasks} × ${ASSUMED.secondsPerTask} GiB·s: ${dollars(costs.lambda)}`,
    `${count(minutes)} min: ${dollars(costs.codeBuild)}`,
    dollars(costs.s3 + costs.logs + costs.events),
    dollars(sum),
    dollars(sum / targets),
  ]);
}
print(['Targets', 'Step Functions', 'Lambda', 'CodeBuild', 'S3, logs, event', 'Sum', 'Per target'], lines);

/** The same, where the first stage bakes, and each later one copies. */
const copying: string[][] = [];
for (const { targets, stages } of [
  { targets: 10, stages: 2 },
  { targets: 100, stages: 4 },
  { targets: 1_000, stages: 4 },
]) {
  const { transitions, looks } = await withFactory(
    { targets, stages, later: 'strategy: copy\n' },
    async (directory) => countRelease(directory, undefined, { copyAmis: true }),
  );
  const bakes = targets / stages;
  // As where it bakes, and each look at copies.
  const tasks = 2 + 5 + stages + looks;
  const minutes = ASSUMED.fetchMinutes + ASSUMED.validateMinutes + bakes * ASSUMED.bakeMinutes;
  const costs = {
    stepFunctions: transitions * PRICES.perTransition,
    lambda: tasks * (ASSUMED.secondsPerTask * PRICES.perLambdaGiBSecond + PRICES.perLambdaRequest),
    codeBuild: minutes * PRICES.perBuildMinute,
    // And for each stage that copies, what is given, before and after.
    s3: (4 + 2 * bakes + 2 * (stages - 1)) * PRICES.perS3Write,
    logs: ((bakes * ASSUMED.logMiBPerBake) / 1024) * PRICES.perLogGiB,
    events: PRICES.perEvent,
  };
  const sum = Object.values(costs).reduce((total, one) => total + one, 0);
  copying.push([
    `${count(targets)} in ${stages} stages`,
    count(targets - bakes),
    `${count(transitions)}: ${dollars(costs.stepFunctions)}`,
    `${tasks} × ${ASSUMED.secondsPerTask} GiB·s: ${dollars(costs.lambda)}`,
    `${count(minutes)} min: ${dollars(costs.codeBuild)}`,
    dollars(sum),
    dollars(sum / targets),
  ]);
}
process.stdout.write('\nWhere the first stage bakes, and the others copy:\n\n');
print(['Targets', 'Copies', 'Step Functions', 'Lambda', 'CodeBuild', 'Sum', 'Per target'], copying);

/** What scanning adds to a release, however many targets it has: AMIs that list the same packages are scanned once. */
const SCANNED = { targets: 10, stages: 2 } as const;
const usual = await withFactory(SCANNED, async (directory) => countRelease(directory));
const scans: string[][] = [];
for (const scanAmis of ['inspector', { command: 'scan "$SBOM"' }] as const) {
  const layer = 'vulnerabilities: { failOn: critical }\n';
  const counted = await withFactory({ ...SCANNED, layer }, async (directory) =>
    countRelease(directory, undefined, { scanAmis }),
  );
  const transitions = counted.transitions - usual.transitions;
  const builds = scanAmis === 'inspector' ? 0 : ASSUMED.scanMinutes;
  const costs = {
    stepFunctions: transitions * PRICES.perTransition,
    lambda: ASSUMED.secondsPerTask * PRICES.perLambdaGiBSecond + PRICES.perLambdaRequest,
    codeBuild: builds * PRICES.perBuildMinute,
  };
  scans.push([
    scanAmis === 'inspector' ? '`scanAmis: inspector`' : '`scanAmis: { command: … }`',
    `${transitions}: ${dollars(costs.stepFunctions)}`,
    `${ASSUMED.secondsPerTask} GiB·s: ${dollars(costs.lambda)}`,
    `${builds} min: ${dollars(costs.codeBuild)}`,
    dollars(costs.stepFunctions + costs.lambda + costs.codeBuild),
  ]);
}
process.stdout.write('\nScanning adds to a release:\n\n');
print(['By', 'Step Functions', 'Lambda', 'CodeBuild', 'Sum'], scans);

/** What telling costs, where it is switched on: of so many releases of one image, each from a push of its own. */
const TOLD = { releases: 1_000, secondsPerCall: 1, daysOfMonth: 30 } as const;

const told: string[][] = [];
for (const { what, calls, messages, reads, secrets } of [
  // Of its event; beginnings and stops are told by Step Functions, and call a function of their own.
  { what: '`notify: {}`', calls: TOLD.releases, messages: TOLD.releases, reads: 0, secrets: 0 },
  // Of the push and of the image, each when it begins and when it ends.
  { what: '`commitStatus`', calls: 4 * TOLD.releases, messages: 0, reads: 4 * TOLD.releases, secrets: 1 },
  { what: '`staleAfterDays`, a month', calls: TOLD.daysOfMonth, messages: 0, reads: 0, secrets: 0 },
]) {
  const costs = {
    lambda: calls * (TOLD.secondsPerCall * PRICES.perLambdaGiBSecond + PRICES.perLambdaRequest),
    sns: messages * PRICES.perSnsMessage,
    secret: secrets * PRICES.perSecretMonth + reads * PRICES.perSecretRead,
  };
  told.push([
    what,
    `${count(calls)} × ${TOLD.secondsPerCall} GiB·s: ${dollars(costs.lambda)}`,
    dollars(costs.sns),
    dollars(costs.secret),
    dollars(costs.lambda + costs.sns + costs.secret),
  ]);
}
process.stdout.write(`\nTelling of ${count(TOLD.releases)} releases of one image:\n\n`);
print(['By', 'Lambda', 'SNS', 'Secret, in a month', 'Sum'], told);

/** What retiring costs in a month, where it is switched on: an inventory every twenty minutes, and a run every day. */
const RUNS = { inventories: 30 * 24 * 3, runs: 30 } as const;
/** Of the functions that only divide and sum up. */
const SECONDS_OF_SMALL_TASK = 1;

const monthly: string[][] = [];
for (const targets of [2, 50, 1_000]) {
  const { inventory, run, batches } = await countRetiring(targets);
  const transitions = RUNS.inventories * inventory + RUNS.runs * run;
  const seconds =
    RUNS.inventories * (batches * ASSUMED.secondsPerTask + 2 * SECONDS_OF_SMALL_TASK) +
    RUNS.runs * ASSUMED.secondsPerTask;
  const invocations = RUNS.inventories * (batches + 2) + RUNS.runs;
  const costs = {
    stepFunctions: transitions * PRICES.perTransition,
    lambda: seconds * PRICES.perLambdaGiBSecond + invocations * PRICES.perLambdaRequest,
  };
  monthly.push([
    count(targets),
    `${count(transitions)}: ${dollars(costs.stepFunctions)}`,
    `${count(seconds)} GiB·s: ${dollars(costs.lambda)}`,
    dollars(costs.stepFunctions + costs.lambda),
  ]);
}
process.stdout.write('\nRetiring, in a month:\n\n');
print(['Targets', 'Step Functions', 'Lambda', 'Sum'], monthly);

/** Transitions of one inventory and of one run that has nothing to do, and how many functions look at targets. */
async function countRetiring(targets: number): Promise<{ inventory: number; run: number; batches: number }> {
  const factory = { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, targets - 1) } };
  const hub = await operatedHub(factory, { retention: { base: retentionSchema.parse({}) } });
  try {
    const of = async (machine: string): Promise<Execution> => {
      const execution = hub.engine.start(machineArn(machine), machine, {});
      await execution.outcome;
      return execution;
    };
    const inventory = await of(NAMES.inventoryMachine);
    const run = await of(NAMES.retireMachine);
    const took = inventory.history.path.filter((state) => state === STATE_NAMES.takeEveryInventory).length;
    if (took !== 1) throw new Error(`An inventory went ${inventory.history.path.join(' > ')}`);
    return {
      inventory: inventory.history.transitions,
      run: run.history.transitions,
      batches: Math.ceil(targets / TARGETS_PER_INVENTORY),
    };
  } finally {
    await hub.close();
  }
}

function dollars(amount: number): string {
  return amount < 0.1 ? `$${amount.toFixed(4)}` : `$${amount.toFixed(2)}`;
}
