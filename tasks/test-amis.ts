import * as z from 'zod';
import { testerClientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
import { type Ami, amiSchema, targetName } from '../core/contract/targets.ts';
import {
  type TestPlan,
  type TestResult,
  type Tested,
  testPlanSchema,
  testResultSchema,
} from '../core/contract/tests.ts';
import { listKeys, readJson, readJsonIfThere, writeJson, writeText } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { type Step, goOn } from '../core/tests/go-on.ts';
import { type UnderTest, takeAway } from '../core/tests/instance.ts';

const eventSchema = z.object({
  ...plannedReleaseSchema.pick({ release: true, plan: true, executionName: true }).shape,
  stage: z.string(),
  amis: z.array(amiSchema),
  /** How often this state was tried before, which tells how long it takes. */
  attempt: z.number().int(),
  executionArn: z.string(),
  run: runSchema,
});

/** How many targets a message tells of, and how many lines of each; the others are counted. */
const TOLD = 3;
const LINES_TOLD = 12;
const LONGEST_LINE = 300;

/** Boots every AMI of a stage and runs the tests of its image there. Nothing of that is left when it succeeds.
 *  In      { release, stage: 'dev', plan: { bucket, prefix }, executionName, executionArn, amis: [{ accountId, region, imageId }],
 *            attempt: 0 }
 *  Out     { instances: 2, tests: 6 }: none of an image that is not tested
 *  Errors  TestsFailed (with the failing lines, or with what was waited for in vain), TestsUnderWay (with what is waited for)
 *  Repeat  safe, and meant to be: every call goes one step further; finds by tag, and what a test came to is written down once
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html */
export async function handler(event: unknown): Promise<Tested> {
  const { release, plan: place, amis, run, ...more } = parseEvent(eventSchema, event);
  const { stage, executionName, executionArn, attempt } = more;
  await refuseBesideRetry(release, run);
  const { bucket, prefix } = place;
  const plan = testPlanSchema.optional().parse(await readJsonIfThere({ bucket, key: keys.tests(prefix) }));
  const tested = plan === undefined ? [] : amisUnderTest(plan, amis);
  if (plan === undefined || tested.length === 0) return { instances: 0, tests: 0 };
  const known = new Set(await listKeys(bucket, keys.testResults(prefix, executionName)));
  const looks = await inEveryTarget(tested, async ({ ami, how }): Promise<Look> => {
    const under: UnderTest = { release, stage, executionArn, ami, how };
    const key = keys.testResult(prefix, executionName, ami);
    const step: Step = known.has(key)
      ? { result: testResultSchema.parse(await readJson({ bucket, key })) }
      : await goOn(under, plan, attempt);
    if ('waitsFor' in step) return { ami, waitsFor: step.waitsFor };
    const { result, output } = step;
    if (output !== undefined) await writeText({ bucket, key: keys.testOutput(executionName, ami) }, output);
    if (!known.has(key)) await writeJson({ bucket, key }, result);
    const waitsFor = await takeAway(testerClientsFor(ami).ec2, under, result.groupIds);
    return { ami, result, waitsFor };
  });
  refuseWhileAny(looks);
  const results = looks.flatMap(({ ami, result }) => (result === undefined ? [] : [{ ami, ...result }]));
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length > 0) throw testsFailed(failed, bucket, executionName);
  return { instances: results.length, tests: results.reduce((sum, { ran }) => sum + ran, 0) };
}

/** Those that the plan has tested, each with how. */
function amisUnderTest({ tested }: TestPlan, amis: readonly Ami[]) {
  const ways = new Map(
    tested.flatMap(({ targets, ...how }) => targets.map((target) => [target, how] as const)),
  );
  return amis.flatMap((ami) => {
    const how = ways.get(targetName(ami));
    return how === undefined ? [] : [{ ...ami, ami, how }];
  });
}

/** How far the test of an AMI is; with a result, it waits only for what is taken away. */
interface Look {
  readonly ami: Ami;
  readonly result?: TestResult;
  readonly waitsFor: string | undefined;
}

function refuseWhileAny(looks: readonly Look[]): void {
  const [first, ...others] = looks.filter(({ waitsFor }) => waitsFor !== undefined);
  if (!first) return;
  const more = others.length === 0 ? '' : ` (and ${others.length} more targets)`;
  throw new PackleaderError(
    ERRORS.testsUnderWay,
    `${targetName(first.ami)}: waits for ${first.waitsFor}${more}`,
  );
}

function testsFailed(
  failed: readonly (TestResult & { readonly ami: Ami })[],
  bucket: string,
  executionName: string,
): PackleaderError {
  const lines = failed.slice(0, TOLD).flatMap(({ ami, imageId, ran, why }) => {
    const told = why.slice(0, LINES_TOLD).map((line) => line.slice(0, LONGEST_LINE));
    const rest = why.length > told.length ? [`And ${why.length - told.length} more lines.`] : [];
    const output = ran > 0 ? [`All of it: s3://${bucket}/${keys.testOutput(executionName, ami)}`] : [];
    return [`${targetName(ami)}: ${imageId} did not pass its tests:`, ...told, ...rest, ...output];
  });
  const rest = failed.length > TOLD ? [`And ${failed.length - TOLD} more targets.`] : [];
  return new PackleaderError(ERRORS.testsFailed, [...lines, ...rest].join('\n'));
}
