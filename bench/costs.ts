/**
 * What releasing one image costs: `npm run costs`. State transitions are counted in a rehearsal; the other quantities are
 * assumptions, and the prices are AWS's list prices, both written down here. Prints the tables of docs/deploying.md.
 */
import { countRelease } from './counts.ts';
import { withFactory } from './factories.ts';
import { count, print } from './table.ts';

/** US dollars, in eu-west-1 unless stated, without any free tier. Check them before you rely on them: they change. */
const PRICES = {
  /** @see https://aws.amazon.com/step-functions/pricing/ */
  perTransition: 0.025 / 1_000,
  /** On arm64. @see https://aws.amazon.com/lambda/pricing/ */
  perLambdaGiBSecond: 0.0000133334,
  perLambdaRequest: 0.2 / 1_000_000,
  /** Of general1.small in us-east-1; packleader's arm1.small costs less. @see https://aws.amazon.com/codebuild/pricing/ */
  perBuildMinute: 0.005,
  /** @see https://aws.amazon.com/cloudwatch/pricing/ */
  perLogGiB: 0.57,
  /** @see https://aws.amazon.com/s3/pricing/ */
  perS3Write: 0.005 / 1_000,
  /** @see https://aws.amazon.com/eventbridge/pricing/ */
  perEvent: 1 / 1_000_000,
} as const;

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
