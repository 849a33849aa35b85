/**
 * What releasing one image costs: `npm run costs`. State transitions are counted in a rehearsal; the other quantities are
 * assumptions, written down here, and the prices are AWS's list prices. Prints the tables of docs/deploying.md.
 */
import { PRICES } from '../core/releases/prices.ts';
import { countRelease } from './counts.ts';
import { withFactory } from './factories.ts';
import { count, print } from './table.ts';

/** What a rehearsal cannot measure. */
const ASSUMED = {
  bakeMinutes: 15,
  fetchMinutes: 2,
  validateMinutes: 2,
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
  // Plan and summarise; resolve, tag, publish and announce; one check a stage.
  const tasks = 2 + 4 + stages;
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

function dollars(amount: number): string {
  return amount < 0.1 ? `$${amount.toFixed(4)}` : `$${amount.toFixed(2)}`;
}
