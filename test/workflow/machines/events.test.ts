import { expect, test } from 'vitest';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { EVENTS } from '../../../core/contract/events.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { unpublishedEvents } from '../../fixtures/events.ts';
import { releaseAgain, repoint } from '../../fixtures/sandbox/repointing.ts';
import { addVersion, oneDay } from '../../fixtures/sandbox/retiring.ts';
import { withHub } from '../../fixtures/sandbox/sweeping.ts';

const stages = { dev: targetsIn(0, 1), prod: targetsIn(1, 1) };
const retention = { base: retentionSchema.parse({ keepNewest: 1 }) };

test('every event that has a schema is sent in the life of a version, and holds what that says', async () => {
  await withHub(
    { stages, approvals: { prod: { timeoutHours: 24 } }, waitHours: 1 },
    async (hub) => {
      const { sandbox } = hub;
      addVersion(sandbox, Object.values(stages).flat(), { daysAgo: 100 });
      await releaseAgain(hub);
      const newest = await releaseAgain(hub);
      await repoint(hub, { rollback: 'base', reason: 'it does not boot' });
      await repoint(hub, { restore: `base@${newest}` });
      await oneDay(hub);
      sandbox.intercept(async ({ operation, input, accountId }, next) => {
        const bakes = operation === 'StartBuild' && input['projectName'] === NAMES.bakeProject;
        // Where an earlier stage is sound, the release waits for a retry first.
        if (bakes && accountId === stages.prod[0]?.accountId) throw new Error('made to fail');
        return next();
      });
      await expect(releaseAgain(hub)).rejects.toThrow('SomeImagesFailed');
      const own = sandbox.world.events.filter(({ source }) => source === NAMES.eventSource);
      // These are put by the webhook, and by a schedule; their own tests hold them against their schemas.
      const elsewhere: readonly string[] = [NAMES.gitPush, NAMES.stale];
      const names = EVENTS.map(({ name }) => name).filter((name) => !elsewhere.includes(name));
      expect([...new Set(own.map(({ detailType }) => detailType))].toSorted()).toEqual(names.toSorted());
      expect(unpublishedEvents(own)).toEqual([]);
    },
    { retention, answers: { rejects: [] } },
  );
});

test('an event that holds what no schema names, or lacks what one does, is noticed', () => {
  const detail = {
    schema: 1,
    releaseId: 'a@1',
    image: 'a',
    version: '1',
    disabled: false,
    executionArn: 'x',
  };
  const sent = (told: object, detailType = 'Image Restored') => [
    { source: 'packleader', detailType, detail: told },
  ];
  expect(unpublishedEvents(sent(detail))).toEqual([]);
  expect(unpublishedEvents(sent({ ...detail, colour: 'red' }))).toHaveLength(1);
  expect(unpublishedEvents(sent({ ...detail, schema: 2 }))).toHaveLength(1);
  expect(unpublishedEvents(sent({ ...detail, image: undefined }))).toHaveLength(1);
  expect(unpublishedEvents(sent(detail, 'Image Repaired'))).toEqual(['Image Repaired: it has no schema']);
});
