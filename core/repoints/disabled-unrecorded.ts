import pMap from 'p-map';
import { findExecution } from '../aws/executions.ts';
import { ERRORS } from '../contract/errors.ts';
import { keys } from '../contract/keys.ts';
import { type DisabledAmi, type RepointPlan, repointPlanSchema } from '../contract/repoints.ts';
import { listKeys, readJson } from '../releases/plan-store.ts';

/** Plans read at the same time. */
const READS = 25;

/** How an execution ends that may have left AMIs disabled, and wrote no record of it. */
const ENDS_WITHOUT_RECORD: readonly string[] = [ERRORS.announcementFailed, ERRORS.repointIncomplete];

/**
 * The AMIs that executions of `packleader-repoint` disabled before they were stopped, ran out of time, or failed to write their records, with
 * those who could launch them before: their plans say so, for the 90 days that they are kept. Of several plans the newest counts.
 */
export async function disabledUnrecorded(bucket: string): Promise<DisabledAmi[]> {
  const found = await listKeys(bucket, keys.repointPlans);
  const plans = await pMap(found, async (key) => repointPlanSchema.parse(await readJson({ bucket, key })), {
    concurrency: READS,
  });
  const disabling = plans
    .map((plan) => ({ plan, amis: disabledBy(plan) }))
    .filter(({ amis }) => amis.length > 0)
    .toSorted((a, b) => (a.plan.startedAt < b.plan.startedAt ? 1 : -1));
  const unrecorded = await pMap(
    disabling,
    async ({ plan, amis }) => ((await hasNoRecord(plan)) ? amis : []),
    {
      concurrency: READS,
    },
  );
  return unrecorded.flat();
}

/** An AMI that was disabled before the plan is none of its own. */
const disabledBy = ({ versions }: RepointPlan): DisabledAmi[] =>
  versions.flatMap(({ amis }) =>
    amis.flatMap(({ accountId, region, imageId, disable, was }) =>
      disable === true ? [{ accountId, region, imageId, sharedWith: was.sharedWith ?? [] }] : [],
    ),
  );

/** Whatever succeeded has written its record, and what failed otherwise has put back what it changed. */
async function hasNoRecord({ executionArn }: RepointPlan): Promise<boolean> {
  const { status, error = '' } = (await findExecution(executionArn)) ?? {};
  return (
    status === 'ABORTED' ||
    status === 'TIMED_OUT' ||
    (status === 'FAILED' && ENDS_WITHOUT_RECORD.includes(error))
  );
}
